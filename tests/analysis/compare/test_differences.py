"""Runs are called by what they do not have in common, and by nothing else."""

from pathlib import Path

import pytest

from analysis.finished.differences import differing, labels
from analysis.finished.runs import FinishedRun
from analysis.results import Results
from analysis.run.folder import Run
from analysis.run.study import Study


def run(
    key: str, *, revision: str = "r" * 40, data: str = "d" * 64, branch: str | None = None, **plan
) -> FinishedRun:
    study = Study(revision=branch, **plan)
    study_hash = study.identity(model_revision=revision, data_fingerprint=data)
    return FinishedRun(
        key=key,
        run=Run(folder=Path(key), study=study, study_hash=study_hash),
        model_revision=revision,
        data_fingerprint=data,
        results=Results(
            attributes={},
            studies={},
            study_hash=study_hash,
            seed=study.seed,
            versions={},
            model=study.model,
            model_revision=revision,
            data=study.data,
            data_fingerprint=data,
        ),
    )


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"prompt_style": "bare"}, ["prompt card", "prompt bare"]),
        ({"quantize": 4}, ["not quantized", "4 bit"]),
        ({"dtype": "float16"}, ["float32", "float16"]),
        ({"scenes": 300}, ["all scenes", "300 scenes"]),
        ({"seed": 1}, ["seed 0", "seed 1"]),
        ({"plateau": (8, 10)}, ["plateau default", "plateau 8 to 10"]),
        ({"ask": {"label": "What?"}}, ["ask none", "ask label=What?"]),
        ({"negatives": "popular", "level": 0.9},
         ["random negatives, level 0.95", "popular negatives, level 0.9"]),
    ],
)  # fmt: skip
def test_a_plan_is_told_from_another_in_words(plan, words):
    assert labels([run("a"), run("b", **plan)]) == words


def test_models_and_data_are_what_they_hold_and_not_where_they_lie():
    moved = [run("a", model="x/model", data="d" * 64), run("b", model="/elsewhere/model/")]
    assert differing(moved) == ()
    other = [run("a", model="x/vlm-7b"), run("b", model="/elsewhere/vlm-13b", revision="s" * 40)]
    assert labels(other) == ["vlm-7b", "vlm-13b"]
    again = [run("a"), run("b", revision="sha256:" + "s" * 40)]
    assert labels(again) == ["bundled model (rrrrrrrrrrrr)", "bundled model (ssssssssssss)"]
    crossed = [
        run("a", model="one"),
        run("b", model="two"),
        run("c", model="two", revision="s" * 40),
    ]
    assert labels(crossed)[1:] == ["two (rrrrrrrrrrrr)", "two (ssssssssssss)"]
    three = [run("a"), run("b", data="e" * 64), run("c", data="f" * 64)]
    assert len(set(labels(three))) == 3


def test_two_names_of_one_revision_are_told_apart_by_the_name():
    assert labels([run("a"), run("b", branch="main")]) == ["revision default", "revision main"]
