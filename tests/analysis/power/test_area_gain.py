"""The command says how many scenes a gain in area takes, beside what it said before."""

import sys

import pytest

from analysis.power.__main__ import Arguments, area_sentence, main
from analysis.run.study import Study
from data_prep.errors import UserError


def test_the_command_prints_it_last(monkeypatch, capsys):
    words = ["--scenes", "40", "--repetitions", "2", "--area-gain", "0.05", "--methods", "3"]
    monkeypatch.setattr(sys, "argv", ["power", *words])
    main()
    text = " ".join(capsys.readouterr().out.split())
    assert text.index("least information at .8") < text.index("none above the margin of 0.05")
    last = text[text.index("pairs of scenes") :]
    assert "a gain of 0.05 in area under the curve over a baseline of 0.89" in last
    assert "after Holm over 3 methods" in last


def test_more_methods_take_more_scenes_and_a_seed_decides():
    def pairs(**options):
        return int(area_sentence(Arguments(**options), Study()).split()[4])

    assert pairs(methods=1) < pairs(methods=15) == pairs()
    assert pairs(area_gain=0.01) > 5 * pairs()


@pytest.mark.parametrize("wrong", [{"area": 1.0}, {"area_gain": -0.1}, {"methods": 0}])
def test_settings_without_sense_end_the_command_in_one_line(wrong):
    with pytest.raises(UserError):
        area_sentence(Arguments(**wrong), Study())
