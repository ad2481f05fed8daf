"""The command on a run: every wording is asked, and what planted wordings are found to be."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.commands.options import parse_options
from analysis.paraphrase import __main__ as paraphrase
from analysis.paraphrase.estimates import paraphrase_estimates
from analysis.paraphrase.found import Paraphrased
from analysis.paraphrase.report import wordings_sentence, wordings_table
from analysis.run.study import Study
from analysis.typed import read_back, written
from data_prep.errors import UserError
from tests.analysis.conftest import files_of, results_of
from tests.analysis.planted import planted
from tests.analysis.planted_runs import rising
from tests.commands import run_command

QUICK = Study(n_resamples=800)
DEPTHS = (0.3, 0.45, 0.6, 0.5)


@pytest.fixture(scope="module")
def found():
    """Four wordings that rise at different depths of twelve layers, on the same scenes."""
    readings = [planted(list(rising(13, depth)), n_scenes=80, seed=0) for depth in DEPTHS]
    return paraphrase_estimates(
        readings, ["a", "b", "c"], QUICK, readout="logit_lens", source="planted"
    )


def run(capsys, *line):
    def command():
        arguments = [str(each) for each in line]
        options = parse_options(
            paraphrase.Paraphrase, command=paraphrase.COMMAND, arguments=arguments
        )
        paraphrase.main(options)

    return run_command(capsys, command)


def test_planted_wordings_are_told_apart(found):
    assert [each.outcome for each in found.wordings] == ["emerged"] * 4
    layers = [each.layer.estimate for each in found.wordings]
    assert np.argsort(layers).tolist() == np.argsort(DEPTHS).tolist()
    over = found.over
    assert over.tau == pytest.approx(np.std(layers, ddof=1), rel=0.1)
    assert over.share.estimate > 0.9
    assert over.mean.low < np.mean(layers) < over.mean.high
    assert over.new.low < over.mean.low < over.mean.high < over.new.high
    said = wordings_sentence("color", found)
    assert f"tau = {over.tau:.2f} layers" in said
    assert "is the wording" in said
    assert "as asked" in wordings_table("color", found)


def test_a_wording_without_a_layer_is_said_and_left_out(found):
    flat = planted([0.0] * 13, n_scenes=80, seed=0)
    readings = [planted(list(rising(13, depth)), n_scenes=80, seed=0) for depth in DEPTHS[:3]]
    one = paraphrase_estimates(
        [*readings, flat], ["a", "b", "c"], QUICK, readout="logit_lens", source="planted"
    )
    assert [each.outcome for each in one.wordings][3] == "not_emerged"
    assert one.over is not None
    assert one.over.n_wordings == 3
    assert "1 of 4 wordings have none" in wordings_sentence("color", one)
    none = paraphrase_estimates(
        [readings[0], flat, flat], ["a", "b"], QUICK, readout="logit_lens", source="planted"
    )
    assert none.over is None
    assert "1 of the wordings have a layer, a spread needs 3" in wordings_sentence("color", none)


def test_results_are_read_back_as_they_were_written(found):
    assert read_back(Paraphrased, written(found), "it") == found
    with pytest.raises(UserError, match="wordings/0"):
        read_back(Paraphrased, written(found) | {"wordings": [{}]}, "it")
    assert replace(found, level=0.9) != found


def test_the_command_asks_in_built_in_and_in_own_words(capsys, small, tmp_path):
    folder = tmp_path / "run"
    line = [*small, "--run", folder, "--attr", "color", "count"]
    ended = run(capsys, *line)
    assert (ended.code, ended.err) == (0, "")
    assert "color in 6 wordings, logit lens" in ended.out
    assert "How many things do you see?" in ended.out
    kept = results_of(folder)["studies"]["paraphrase"]
    assert [len(each["wordings"]) for each in kept.values()] == [6, 6]
    before = files_of(folder)
    assert run(capsys, *line) == ended
    assert files_of(folder) == before

    words = tmp_path / "words.toml"
    words.write_text('color = ["Its {attribute}, the {thing}:", "The {thing} is colored"]')
    own = run(capsys, *small, "--run", folder, "--attr", "color", "--paraphrases", words)
    assert own.code == 0, own.err
    assert "color in 3 wordings" in own.out
    assert "words.toml (" in own.out
    kept = results_of(folder)["studies"]["paraphrase"]
    assert kept["color"]["wordings"][1]["example"].startswith("Its color, the ")
    assert len(kept["count"]["wordings"]) == 6


def test_words_that_cannot_be_asked_end_in_one_line(capsys, small, tmp_path):
    words = tmp_path / "words.toml"
    words.write_text('color = ["What color?", "Color?"]')
    line = [*small, "--run", tmp_path / "run", "--attr", "color", "--paraphrases", words]
    assert "must say once what it asks about" in run(capsys, *line).refusal
    line[-1] = tmp_path / "missing.toml"
    assert "cannot read the paraphrases" in run(capsys, *line).refusal
