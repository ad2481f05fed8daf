"""Finished runs whose truth is planted, written by the code that writes real ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.emergence.estimates import estimate
from analysis.emergence.tables import effect_rows, score_rows
from analysis.run.folder import claim
from analysis.run.results import add_finding
from analysis.run.study import Study
from tests.analysis.planted import planted
from tests.sealed import write_sealed_tensors

SAME_DATA, OTHER_DATA = "a" * 64, "b" * 64


def rising(n_layers: int, depth: float, *, height: float = 3.0) -> np.ndarray:
    """How much each layer says: from nothing to `height`, at half of it at this depth."""
    where = np.arange(n_layers) / (n_layers - 1)
    return height * np.clip((where - depth) / 0.5 + 0.5, 0, 1)


def write_planted_run(
    folder: Path,
    strength: Sequence[float] | np.ndarray,
    *,
    seed: int = 0,
    n_scenes: int = 80,
    data: str = SAME_DATA,
    readout: str = "logit_lens",
    keep_readings: bool = True,
    **plan,
) -> Path:
    """A run of one attribute, color, in which layer l says `strength[l]`."""
    readings = planted(list(strength), n_scenes=n_scenes, seed=seed)
    study = Study(**{"n_resamples": 800, "model": f"planted/{folder.name}", **plan})
    run = claim(folder, study, model_revision=f"planted {seed}", data_fingerprint=data)
    estimates = estimate(readings, study, key=0)
    key = ["attribute", "readout"]
    run.replace_rows("scores", score_rows(estimates, readings, readout), key=key)
    run.replace_rows("effects", effect_rows(estimates, readings, readout), key=key)
    about = {
        "model": study.model, "model_revision": f"planted {seed}", "data": study.data,
        "data_fingerprint": data,
    }  # fmt: skip
    add_finding(run, "color", readout, estimates.results, about)
    if keep_readings:
        run.readouts(readout).mkdir(parents=True)
        file = run.readouts(readout) / "color.safetensors"
        write_sealed_tensors(file, {"real": readings.real, "blank": readings.blank})
    return folder
