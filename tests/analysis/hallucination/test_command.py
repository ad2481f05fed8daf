"""The commands as a user types them, on a random model and noise: nothing is known, nothing helps,
and what cannot be asked is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.commands.options import parse_options
from analysis.hallucination import __main__ as hallucination
from analysis.mitigation import __main__ as mitigation
from analysis.run.results import load_results
from analysis.schema import results_schema
from analysis.typed import read_back
from tests.commands import Ended, run_command
from tests.schemas import require_valid


@pytest.fixture(scope="module")
def arguments(clevr, model_folder) -> list[str]:
    line = ["--model", model_folder, "--data", f"clevr:{clevr}", "--min-scenes-per-text", "5",
            "--n-resamples", "800", "--most", "60"]  # fmt: skip
    return [str(each) for each in line]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, arguments) -> Path:
    run = tmp_path_factory.mktemp("asked") / "run"
    for study in (hallucination, mitigation):
        kind = getattr(study, study.__name__.split(".")[1].capitalize())
        study.main(
            parse_options(kind, command=study.COMMAND, arguments=[*arguments, "--run", str(run)])
        )
    return run


@pytest.fixture
def asked(capsys) -> Callable[..., Ended]:
    def run(study, *line: str | Path) -> Ended:
        kind = getattr(study, study.__name__.split(".")[1].capitalize())
        typed = [str(each) for each in line]
        return run_command(
            capsys, lambda: study.main(parse_options(kind, command=study.COMMAND, arguments=typed))
        )

    return run


def test_results_are_as_the_schema_says_and_are_read_back(finished):
    content = json.loads((finished / "results.json").read_text())
    require_valid(content, results_schema)
    studies = load_results(finished / "results.json").studies
    found = read_back(hallucination.Hallucinated, studies["hallucination"]["exist"], "it")
    assert set(studies["hallucination"]) == {"exist", "color"}
    assert found.n_items == 2 * found.n_scenes == 4 * found.n_groups
    assert (finished / "hallucination-color.pdf").exists()
    assert (finished / "mitigation-exist.png").exists()


def test_a_random_model_knows_nothing_of_absence_and_nothing_helps_it(finished):
    studies = load_results(finished / "results.json").studies
    for name in ("exist", "color"):
        found = read_back(hallucination.Hallucinated, studies["hallucination"][name], "it")
        for signal in found.absent.signals.values():
            assert signal.emerged is None or signal.emerged.outcome == "not_emerged"
            assert signal.p_holm > 0.05
        for baseline in ("text alone", "without the image"):
            area = found.absent.baselines[baseline]
            assert area.low <= 0.5 <= area.high
    helped = read_back(mitigation.Mitigated, studies["mitigation"]["exist"], "it")
    assert {each.verdict for each in helped.methods.values()} <= {"no gain", "not shown", None}
    assert helped.methods["threshold moved"].verdict == "no gain"
    assert helped.cut_after is None
    assert any("analysis.causes" in note for note in helped.notes)


def test_what_is_there_is_not_measured_again(finished, arguments, asked, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it was measured again")

    monkeypatch.setattr("analysis.hallucination.measure.measured_hallucination", never)
    before = (finished / "results.json").read_bytes()
    ended = asked(hallucination, *arguments, "--run", finished, "--about", "color")
    assert ended.code == 0
    assert "color: absent or there" in ended.out
    assert (finished / "results.json").read_bytes() == before


@pytest.mark.parametrize(
    ("study", "line", "told"),
    [
        (hallucination, ["--about", "count"], "about must be among exist, color"),
        (hallucination, ["--most", "10"], "--most must be at least 40"),
        (mitigation, ["--about", "color"], "ask about exist or presence, too"),
        (mitigation, ["--engine", "ray"], "asked by one process"),
        (mitigation, ["--about"], "--about"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, arguments, asked, study, line, told):
    assert told in asked(study, *arguments, *line, "--run", tmp_path / "run").refusal


def test_photographs_without_presence_are_refused(tmp_path, model_folder, asked):
    from PIL import Image

    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(6):
            picture = Image.new("RGB", (16, 16), (number * 9, 0, 0))
            picture.save(tmp_path / "images" / label / f"{number}.png")
    told = asked(
        hallucination, "--model", model_folder, "--data", f"images:{tmp_path / 'images'}",
        "--run", tmp_path / "run",
    ).refusal  # fmt: skip
    assert "does not say what is absent" in told
