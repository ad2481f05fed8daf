"""A study that takes a second, as keyword arguments."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def quick(clevr, model_folder, tmp_path) -> dict[str, Any]:
    return {
        "model": model_folder,
        "data": f"clevr:{clevr}",
        "min_scenes_per_text": 5,
        "n_resamples": 800,
        "run": Path(tmp_path / "run"),
    }
