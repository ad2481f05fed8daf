"""The simulated power curve, and the commands that simulate studies and claims."""

import json
import subprocess
import sys

import numpy as np
import pytest

from analysis.validate import claims
from analysis.validate.__main__ import Arguments, validate
from analysis.validate.scale import Scale
from data_prep.errors import UserError
from stats import minimum_detectable_effect, power_curve
from stats.simulate import effect_profile


def curve(plateau, n_scenes, *, repetitions=40, seed=0):
    return power_curve(
        effect_profile(9, onset=4.0, plateau=plateau, rise=2.0),
        sd=1.0,
        n_scenes=n_scenes,
        margin=0.05,
        rng=np.random.default_rng(seed),
        repetitions=repetitions,
        n_resamples=99,
    )


def test_power_rises_with_scenes_and_widths_fall():
    found = curve(0.5, [20, 60, 200])
    assert (np.diff(found.detected) >= 0).all()
    assert (np.diff(found.set_width) <= 0).all()
    assert found.emerged[-1] > 0.9
    assert found.half_width[-1] < found.half_width[1]


def test_a_point_of_the_curve_does_not_depend_on_those_after_it():
    assert curve(0.5, [30]).set_width[0] == curve(0.5, [30, 60]).set_width[0]


def test_without_an_effect_nothing_is_found_and_the_formula_is_a_lower_bound():
    assert curve(0.0, [50]).detected[0] <= 0.2
    size = minimum_detectable_effect(n_scenes=60, sd=1.0, n_layers=9).item()
    assert curve(size, [60], repetitions=80).detected[0] >= 0.7


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"n_scenes": []}, r"`repetitions` and `n_scenes` must not be empty"),
        ({"n_scenes": [3]}, r"need at least 5 scenes, got 3"),
    ],
)
def test_says_what_is_wrong(choices, message):
    with pytest.raises(ValueError, match=message):
        curve(0.5, **choices)


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=120
    )


def test_the_command_prints_the_curve_and_refuses_in_one_line(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("margin = 0.1\n")
    run = command("analysis.power", "--study", str(study), "--scenes", "40", "--repetitions", "5")
    assert run.returncode == 0, run.stderr
    assert "none above the margin of 0.1" in " ".join(run.stdout.split())
    for wrong in (
        ["--sd", "-1"],
        ["--effect", "1.5"],
        ["--effect", "0"],
        ["--study", str(tmp_path / "none.toml")],
    ):
        run = command("analysis.power", *wrong)
        assert run.returncode == 2
        assert run.stderr.startswith("error: ")
        assert run.stderr.count("\n") == 1


CHEAP = ("enumeration", "equivalence", "bootstrap_coverage", "order_power")


def test_a_reduced_validation_holds_and_is_written(tmp_path):
    findings = validate(Arguments(out=tmp_path, repetitions=100, only=CHEAP))
    assert all(one.holds for one in findings), [one for one in findings if not one.holds]
    record = json.loads((tmp_path / "validation.json").read_text())
    assert len(record["findings"]) == len(findings)
    assert "claim" in (tmp_path / "validation.txt").read_text()
    with pytest.raises(UserError, match="unknown claim 'none'"):
        validate(Arguments(out=tmp_path, only=("none",)))


def test_a_wrong_implementation_falls_short(monkeypatch):
    def anticonservative(effect, **choices):
        return choices["right"](effect * [[0.5]], margin=choices["margin"])

    right = claims.equivalence
    monkeypatch.setattr(
        claims,
        "equivalence",
        lambda effect, margin: anticonservative(effect, margin=margin, right=right),
    )
    findings = list(claims.equivalence_and_multiplicity(Scale(repetitions=200, seed=0)))
    assert [one.holds for one in findings] == [False, True, True, True]
