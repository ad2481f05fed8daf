"""Folders of models as a training with arms leaves them, made of the bundled model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from probes.loading.identity import BUNDLED_FOLDER, folder_identity

LANGUAGE = {
    "steps": 16, "batch": 20, "peak_rate": 0.00036, "referring": 6, "plain": 1, "descriptions": 1,
    "captions": 2, "caption_every": 8,
}  # fmt: skip


@pytest.fixture
def trained(tmp_path) -> Callable[..., Path]:
    """Makes a folder with models of these names, all of which are the bundled one."""

    def make(*names: str, unfinished: tuple[str, ...] = ()) -> Path:
        folder = tmp_path / "trained"
        folder.mkdir()
        declared = {
            "start": folder_identity(BUNDLED_FOLDER), "data": "remedy-scenes", "split": "train",
            "scenes": 2400, "language": LANGUAGE,
        }  # fmt: skip
        (folder / "remedies.json").write_text(json.dumps(declared))
        for name in (*names, *unfinished):
            arm, _, seed = name.partition("-")
            (folder / name).mkdir()
            own = {"arm": arm, "seed": int(seed), "false_premises_per_batch": 0, "pairs": 0}
            (folder / name / "training.json").write_text(json.dumps(own))
            if name in names:
                (folder / name / "model").symlink_to(BUNDLED_FOLDER)
        return folder

    return make
