"""The learning rate over a training, and what is printed meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.bundled.schedule import Progress, one_cycle


@given(st.integers(1, 3000))
def test_it_rises_to_the_peak_and_falls_to_a_hundredth(steps):
    rates = [one_cycle(step, steps) for step in range(steps)]
    warm_up = max(1, steps // 20)
    assert rates[warm_up - 1] == max(rates) == 1
    assert all(0.01 <= rate <= 1 or step < warm_up for step, rate in enumerate(rates))
    assert rates[:warm_up] == sorted(rates[:warm_up])
    assert rates[warm_up - 1 :] == sorted(rates[warm_up - 1 :], reverse=True)
    assert rates[0] == pytest.approx(1 / warm_up)


def test_the_end_is_low():
    assert one_cycle(1999, 2000) == pytest.approx(0.01, abs=1e-4)
    assert one_cycle(100 + 950, 2000) == pytest.approx(0.505)


def test_a_line_at_the_end_and_none_before(capsys):
    progress = Progress("tower")
    for step in range(5, 8):
        progress.report(step, 8, loss=2.0)
        assert bool(printed := capsys.readouterr().err) == (step == 7)
    assert printed.startswith("tower: step 8/8  loss 2.0000  ")
