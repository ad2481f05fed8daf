"""Ten lines of other people's tools give the scores of Onset's own capture of the bundled model.

A library that the running interpreter does not have is looked for in the environment whose Python
the variable ONSET_FOREIGN_PYTHON_<NAME> names, such as ONSET_FOREIGN_PYTHON_NNSIGHT.
"""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analysis.capture.answer_trees import answer_trees
from analysis.commands.options import open_run, parse_options
from analysis.emergence.__main__ import COMMAND, Emergence
from analysis.readouts.given import log2_shares
from analysis.readouts.readings import take_readings
from analysis.run.image_survey import image_survey
from data_prep.controls import blank_image
from data_prep.given_scores.data import open_scores_file
from probes.loading.identity import BUNDLED_FOLDER

HERE = Path(__file__).parent
LIBRARIES = {
    "nnsight": "nnsight", "nnterp": "nnterp", "transformer_lens": "transformer_lens",
    "hooks": "torch",
}  # fmt: skip
N_SCENES, N_ITEMS = 60, 10
CLOSE = 1e-5
"""In probability. Attention and sums in another order than ours cost a few 1e-7."""


@dataclass(frozen=True)
class Own:
    """What is asked of a foreign capture, and what Onset's own one reads."""

    asked: Path
    real: np.ndarray
    blank: np.ndarray


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Own:
    folder = tmp_path_factory.mktemp("asked")
    line = ["--attr", "color", "--scenes", str(N_SCENES), "--min-scenes-per-text", "5",
            "--run", str(folder / "run")]  # fmt: skip
    opened = open_run(parse_options(Emergence, command=COMMAND, arguments=line))
    readings = take_readings(opened, "color", "logit_lens")
    items = readings.items.iloc[:N_ITEMS]
    (tree,) = answer_trees(
        opened, opened.data.answer_set(readings.items), items["question"]
    ).different()
    assert len(tree.parting) == 1, "one position tells the answers apart"
    survey = image_survey(opened.run, opened.data)
    blank = folder / "blank.png"
    blank_image(survey.blank_size, survey.mean_color).save(blank)
    passes = []
    for number, item in enumerate(items.to_dict("records")):
        shown = folder / f"{number}.png"
        opened.data.open_image(item["image"]).save(shown)
        about = {
            "item": item["item_id"], "scene": item["scene_id"], "attribute": "color",
            "text": item["question"], "answer": item["answer"],
        }  # fmt: skip
        for condition, image in (("real", shown), ("blank", blank)):
            passes.append({**about, "condition": condition, "image": str(image)})
    beginnings = {name: list(tree.beginnings(place)) for place, name in enumerate(tree.answers)}
    asked = folder / "asked.json"
    content = {"model": str(BUNDLED_FOLDER), "answers": beginnings, "passes": passes}
    asked.write_text(json.dumps(content), encoding="utf-8")
    return Own(asked=asked, real=readings.real[:N_ITEMS], blank=readings.blank[:N_ITEMS])


def python_of(name: str) -> str:
    """The interpreter that has the library; the test is skipped where there is none."""
    if importlib.util.find_spec(LIBRARIES[name]) is not None:
        return sys.executable
    variable = f"ONSET_FOREIGN_PYTHON_{name.upper()}"
    if variable not in os.environ:
        pytest.skip(f"{name} is not installed here, and {variable} names no Python that has it")
    return os.environ[variable]


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_foreign_capture_gives_the_own_scores(own, tmp_path, name):
    python, table = python_of(name), tmp_path / "scores.csv"
    script = [python, str(HERE / f"with_{name}.py"), str(own.asked), str(table)]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    given = open_scores_file(table).scores
    assert given is not None
    found = given.scores["color", "logit_lens"]
    assert found.blank is not None
    largest = 0.0
    for ours, theirs in ((own.real, found.real), (own.blank, found.blank)):
        apart = np.exp2(log2_shares(theirs)) - np.exp2(ours)
        largest = max(largest, float(np.abs(apart).max()))
    print(f"{name}: largest difference of a probability {largest:.1e}")
    assert largest <= CLOSE
