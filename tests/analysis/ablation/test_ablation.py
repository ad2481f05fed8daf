"""The command as a user types it, and what it finds where the truth is planted."""

import numpy as np
import pytest

from analysis.ablation.__main__ import COMMAND, Ablation, main
from analysis.ablation.found import CONTROLS, OBJECT
from analysis.ablation.measure import Costs, estimated
from analysis.commands.options import parse_options
from analysis.run.study import Study
from tests.analysis.conftest import results_of
from tests.commands import run_command


def run(*arguments: object) -> None:
    main(parse_options(Ablation, command=COMMAND, arguments=[str(each) for each in arguments]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on the bundled scenes, a tenth of them."""
    folder = tmp_path_factory.mktemp("ablation") / "run"
    run("--attr", "color", "--scenes", 100, "--min-scenes-per-text", 5, "--n-resamples", 800,
        "--run", folder)  # fmt: skip
    return folder


def test_an_answer_needs_the_objects_tokens_more_than_as_many_others(folder, capsys):
    found = results_of(folder)["studies"]["ablation"]["color"]
    own, before = found["arms"][OBJECT], found["right_before"]["estimate"]
    assert own["right"]["high"] < before - 0.2
    for each in found["contrasts"]:
        assert each["p"] < 0.05
        assert each["lost_more"]["low"] > 1
        # What lies elsewhere is not needed: the negative control of the ablation itself.
        assert abs(found["arms"][each["control"]]["lost"]["estimate"]) < 0.3


def test_a_finished_ablation_is_read_back_and_printed_alike(folder, capsys, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded again")

    monkeypatch.setattr("probes.load_vlm", refuse)
    run("--attr", "color", "--scenes", 100, "--min-scenes-per-text", 5, "--n-resamples", 800,
        "--run", folder)  # fmt: skip
    said = capsys.readouterr().out
    assert "tokens that show the object" in said
    assert "They cost more than as many tokens elsewhere in the image" in said


def test_without_a_difference_none_is_claimed():
    study, claims = Study(n_resamples=1000), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        before = rng.normal(3, 2, 40)
        names = [OBJECT, "registers", *(f"elsewhere {draw}" for draw in range(3))]
        costs = Costs(
            before=before,
            right_before=np.ones(40),
            after={name: before - rng.normal(1, 1, 40) for name in names},
            right={name: np.ones(40) for name in names},
            n_tokens=np.full(40, 4.0),
        )
        found = estimated(costs, study, key=seed, layer=0, left_out={})
        assert [each.control for each in found.contrasts] == list(CONTROLS)
        claims += min(each.p for each in found.contrasts) <= 0.05
    # Binomial with 60 draws at .05: at most 8 but for one in a thousand.
    assert claims <= 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--attr", "count"], "no item of count says where its object lies"),
        (["--attr", "color", "--layer", "99"], "a layer must be one of 0..10, got 99"),
        (["--attr", "color", "--layer", "-1"], "at least 0"),
        (["--attr", "taste"], "unknown attribute 'taste'"),
    ],
)
def test_bad_input_is_one_line(arguments, said, tmp_path, capsys):
    sized = ["--scenes", 100, "--min-scenes-per-text", 5, "--run", tmp_path / "run"]
    ended = run_command(capsys, lambda: run(*arguments, *sized))
    assert said in ended.refusal
