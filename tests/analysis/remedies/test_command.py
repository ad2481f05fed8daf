"""The command as a user types it: on the bundled model under the names of two arms, and on what
cannot be judged."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.remedies.__main__ import COMMAND, Remedies, main
from analysis.remedies.asking import Answered, answers_of
from analysis.remedies.found import MEASURES, Remedied
from analysis.remedies.kept import kept_remedies
from analysis.typed import read_back
from data_prep.command_line import from_command_line
from probes.loading.identity import BUNDLED_FOLDER
from probes.vlm import VLM
from tests.commands import Ended, run_command


@pytest.fixture
def remedies(capsys) -> Callable[..., Ended]:
    """Runs `python -m analysis.remedies` with these arguments, in this process."""

    def run(*arguments: str | Path) -> Ended:
        line = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(from_command_line(Remedies, command=COMMAND, arguments=line))
        )

    return run


@pytest.fixture
def asked_once(monkeypatch) -> None:
    """The same weights give the same answers, so that a test need not wait for them again."""
    known = {}

    def once(vlm: VLM, *arguments: Any, **named: Any) -> Answered:
        if vlm.revision not in known:
            known[vlm.revision] = answers_of(vlm, *arguments, **named)
        return known[vlm.revision]

    monkeypatch.setattr("analysis.remedies.measure.answers_of", once)


def test_one_model_under_two_names_is_not_told_apart(trained, remedies, asked_once):
    folder = trained("plain-0", "plain-1", "none5-0", "none5-1", unfinished=("none20-0",))
    ended = remedies("--models", folder, "--scenes", "48", "--about", "color")
    assert ended.code == 0, ended.err
    content = json.loads((folder / "judged.json").read_text())
    found = read_back(Remedied, content, "it")
    assert [(each.trained.arm, each.trained.seed) for each in found.models] == [
        ("plain", 0), ("plain", 1), ("none5", 0), ("none5", 1)
    ]  # fmt: skip
    assert len({str(each.measures) for each in found.models}) == 1
    assert [each.measure for each in found.against_plain] == list(MEASURES)
    for each in found.against_plain:
        assert each.over is not None
        assert each.over.mean.estimate == 0
        assert each.over.mean.low < 0 < each.over.mean.high
        assert each.over.p_holm == 1
    first = found.models[0]
    # The bundled model was never taught "none", and knows colors.
    assert first.measures["detection"].estimate == first.measures["over_refusal"].estimate == 0
    assert first.measures["right"].estimate > 0.6
    assert first.measures["exist_area"].estimate > 0.7
    assert (first.trained.steps, first.trained.images_seen) == (16, 320)
    assert first.trained.exchanges_seen == 20 * (14 * 8 + 2 * 2)
    assert (first.trained.tokens_seen, found.held_out.n_compared) == (None, None)
    assert "No change is shown by none5" in ended.out
    assert "left out, for their training has not ended: none20-0" in ended.out
    assert (folder / "judged.png").exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no finished model (ARM-SEED/model)"),
        (("none5-0",), "models are compared with those of plain, got only none5-0"),
    ],
)
def test_a_folder_that_cannot_be_judged_is_refused(trained, remedies, names, message):
    assert message in remedies("--models", trained(*names)).refusal


def test_a_folder_that_is_no_training_is_refused(tmp_path, remedies):
    assert "has no remedies.json" in remedies("--models", tmp_path).refusal
    assert "no folder" in remedies("--models", tmp_path / "none").refusal


def test_a_model_of_another_architecture_is_refused(trained, remedies):
    folder = trained("plain-0", "none5-0")
    other = folder / "none5-0" / "model"
    other.unlink()
    shutil.copytree(BUNDLED_FOLDER, other)
    config = json.loads((other / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    (other / "config.json").write_text(json.dumps(config))
    refusal = remedies("--models", folder).refusal
    assert "text_config.num_hidden_layers is 3 in none5-0" in refusal


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--scenes", "39"), "--scenes must be at least 40, got 39"),
        (("--scenes", "40", "--about", "color", "shape", "size", "material"), "more scenes"),
        (("--scenes", "99999"), "has 1536 scenes"),
        (("--about", "count"), "must be among size, color, material, shape"),
        (("--trained-on", "elsewhere"), "must be the folder 'remedy-scenes' of the training"),
        (("--level", "2"), "--level must lie between"),
    ],
)
def test_options_that_do_not_do_are_refused(trained, remedies, given, message):
    assert message in remedies("--models", trained("plain-0"), *given).refusal


def test_the_plan_of_the_training_is_not_overwritten(trained, remedies):
    folder = trained("plain-0")
    plan = folder / "remedies.json"
    before = plan.read_bytes()
    assert "something else" in remedies("--models", folder, "--out", plan).refusal
    assert "must be a file" in remedies("--models", folder, "--out", folder).refusal
    assert plan.read_bytes() == before


def test_a_model_in_another_folder_than_its_name_is_refused(trained, remedies):
    folder = trained("plain-0", "none5-0")
    (folder / "none5-0").rename(folder / "none5-7")
    assert "must stand in none5-0, got 'none5-7'" in remedies("--models", folder).refusal


def test_results_that_come_with_the_package_are_read_or_missing(monkeypatch, tmp_path):
    kept_remedies.cache_clear()
    monkeypatch.setattr("analysis.remedies.kept.files", lambda name: tmp_path)
    assert kept_remedies() is None
    kept_remedies.cache_clear()
