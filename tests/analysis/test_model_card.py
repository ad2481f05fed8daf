"""The card of a model: what it was trained on, and how often it is right."""

import json
from typing import Any

import pytest

from analysis.model_card.__main__ import ModelCard, main
from data_prep.errors import UserError

LANGUAGE = {
    "steps": 2800, "batch": 20, "peak_rate": 1.2e-3, "referring": 6, "plain": 1,
    "descriptions": 1, "captions": 2, "caption_every": 8,
}  # fmt: skip
FIRST: dict[str, Any] = {
    "data": "scenes", "split": "train", "seed": 0, "tower_steps": 1500, "alignment_steps": 600,
    "language": LANGUAGE, "scenes": 5376,
}  # fmt: skip
SECOND = {
    "data": "scenes", "split": "train", "seed": 1, "language": LANGUAGE | {"steps": 4400},
    "scenes": 4000, "trained_on_from": "sha256:0123456789abcdef",
}  # fmt: skip


@pytest.fixture
def trainings(tmp_path):
    files = tmp_path / "first.json", tmp_path / "second.json"
    for file, content in zip(files, (FIRST, SECOND), strict=True):
        file.write_text(json.dumps(content))
    return files


def test_the_card_tells_of_every_training_and_has_the_table(trainings, tmp_path, capsys):
    out = tmp_path / "card.md"
    main(ModelCard(scenes=12, training=trainings, out=out))
    card = out.read_text()
    first, second = card.index("seed 0, in stages: 1,500 batches"), card.index("Trained on by")
    assert first < second < card.index("## Accuracy")
    assert "2,800 batches of 20 images" in card.replace("\n", " ")
    assert "4,400 batches of 20 images" in card.replace("\n", " ")
    assert "5,376 scenes" in card
    assert "4,000 scenes" in card.replace("\n", " ")
    assert "sha256:0123456789ab" in card
    assert max(map(len, card.splitlines())) <= 100
    printed = capsys.readouterr().out
    for line in ("count", "exist"):
        assert f"| {line} | 1 to 6 objects | all |" in card
        assert line in printed


def test_without_trainings_nothing_is_told(tmp_path):
    out = tmp_path / "card.md"
    main(ModelCard(scenes=2, out=out))
    card = out.read_text()
    assert "## Training" not in card
    # One scene says nothing of how much scenes differ.
    rows = [line.split(" | ") for line in card.splitlines() if line.startswith("| referring | ")]
    assert all((row[4] == "-") == (row[5] == "1") for row in rows)
    assert any(row[4] == "-" for row in rows)


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", json.dumps(FIRST | {"language": 3}), "\udce9"]
)
def test_what_is_no_training(tmp_path, content):
    file = tmp_path / "training.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"--training must be the training\.json of .*: give that"):
        main(ModelCard(scenes=2, training=(file,), out=tmp_path / "card.md"))
    assert not (tmp_path / "card.md").exists()
