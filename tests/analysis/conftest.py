"""A small random LLaVA and a small folder in CLEVR's layout, as a user would name them."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from data_prep.files.sealed import read_sealed_json
from tests.commands import Ended, run_command
from tests.data_prep.clevr_folder import clevr_object, write_json
from tests.data_prep.some_scenes import many_scenes
from tests.probes.conftest import build_model, build_processor, model_folder, tokenizer, vlm

__all__ = ["build_model", "build_processor", "model_folder", "tokenizer", "vlm"]

N_SCENES = 60


@pytest.fixture(scope="session")
def clevr(tmp_path_factory) -> Path:
    """A few scenes: what most tests need."""
    return write_noise(tmp_path_factory.mktemp("clevr"), N_SCENES)


def write_noise(folder: Path, n_scenes: int, *, width: int = 16) -> Path:
    """Scenes of 2 to 4 objects in CLEVR's layout; the images are noise, each another."""
    for kind in ("images/val", "scenes"):
        (folder / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    records = []
    for number, scene in enumerate(many_scenes(n_scenes, fewest=2, most=4)):
        name = f"CLEVR_val_{number:06d}.png"
        pixels = rng.integers(0, 256, (16, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / "val" / name)
        words = [f"{o.size} {o.color} {o.material} {o.shape}" for o in scene.objects]
        objects = [clevr_object(phrase, x) for x, phrase in enumerate(words)]
        records.append({"image_filename": name, "split": "val", "objects": objects})
    write_json(folder, "scenes", records)
    return folder


@pytest.fixture
def small(clevr, model_folder) -> list[str]:
    """Arguments of a study that takes a second."""
    return [
        *("--model", str(model_folder), "--data", f"clevr:{clevr}"),
        *("--min-scenes-per-text", "5", "--n-resamples", "800"),
    ]


@pytest.fixture
def emergence(capsys) -> Callable[[Sequence[str | Path]], Ended]:
    """Runs `python -m analysis.emergence` with these arguments, in this process."""

    def run(arguments: Sequence[str | Path]) -> Ended:
        line = [str(each) for each in arguments]
        return run_command(
            capsys, lambda: main(parse_options(Emergence, command=COMMAND, arguments=line))
        )

    return run


@pytest.fixture
def refused(emergence) -> Callable[..., str]:
    """Runs a command that must be refused: in one line, with code 2. Gives the line."""

    def run(arguments: Sequence[str | Path]) -> str:
        return emergence(arguments).refusal

    return run


def command(*arguments: str | Path) -> list[str]:
    """The command as a user types it, for a process of its own."""
    return [sys.executable, "-m", "analysis.emergence", *map(str, arguments)]


def results_of(run: Path) -> dict:
    return read_sealed_json(run / "results.json")


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
