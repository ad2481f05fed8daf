"""The command on a run: worlds that know alike are one to information, three to stated bits."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from analysis.commands.options import parse_options
from analysis.run.study import Study
from analysis.typed import read_back, written
from analysis.worlds import __main__ as worlds
from analysis.worlds.estimates import world_estimates
from analysis.worlds.found import FoundWorlds
from tests.analysis.conftest import files_of, results_of
from tests.commands import run_command

QUICK = Study(n_resamples=800)


@pytest.fixture(scope="module")
def found():
    return world_estimates(QUICK)


def test_information_gives_one_layer_and_stated_bits_three(found):
    names = [world.name for world in found.worlds]
    assert names == ["constant", "growing", "late"]
    layers = [world.layer for world in found.worlds]
    for layer in layers:
        assert astuple(layer) == pytest.approx(astuple(layers[0]), abs=1e-9)
        assert layer.low <= found.truth <= layer.high
    stated = [world.stated_layer.estimate for world in found.worlds]
    assert np.diff(stated).min() > 1
    late = found.worlds[2].stated_layer
    assert not late.low <= found.truth <= late.high


def test_curves_have_a_row_per_layer_and_information_is_at_most_all_there_is(found):
    for world in found.worlds:
        assert [row.layer for row in world.information] == list(range(13))
        assert max(row.estimate for row in world.information) < 1
        assert len(world.stated) == len(world.loudness) == 13
    assert max(row.estimate for row in found.worlds[2].stated) > 2


def test_the_command_says_so_and_keeps_it(capsys, small, tmp_path):
    run = tmp_path / "run"
    line = [str(each) for each in (*small, "--run", run)]

    def command():
        options = parse_options(worlds.Worlds, command=worlds.COMMAND, arguments=line)
        return run_command(capsys, lambda: worlds.main(options))

    ended = command()
    assert (ended.code, ended.err) == (0, "")
    assert "late loudness (from 1 to 12): layer" in ended.out
    assert "by stated bits against shuffled images" in ended.out
    kept = results_of(run)["studies"]["worlds"]
    assert written(read_back(FoundWorlds, kept, "results.json")) == kept
    assert {"worlds.pdf", "worlds.png"} <= set(files_of(run))
    before = files_of(run)
    assert command() == ended
    assert files_of(run) == before


def test_a_world_without_a_layer_is_said_to_have_none(found):
    silent = replace(found, worlds=(replace(found.worlds[0], stated_layer=None),))
    assert "no layer by stated bits" in worlds.worlds_text(silent)
