"""Residuals of some layers with what is known of their images, for a decoder of one's own."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.concept.found import FoundConcept
from analysis.run.folder import Run
from data_prep.errors import UserError
from data_prep.files.durable import write_durably

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.residuals.rows import StoredRows

COLUMNS = {
    "row": "row of every tensor layer_L in residuals.safetensors",
    "item_id": "image and question, as in the other tables of the run",
    "scene_id": "the image: split by it, and never by row",
    "image": "file, under own/ or contrast/",
    "folder": "own or contrast",
    "question": "what was asked; residuals are those of the last token of its prompt",
}
"""The columns that labels.parquet has before those of the user's CSV, with what each holds."""


def export_residuals(
    run: Run,
    rows: "StoredRows",
    items: pd.DataFrame,
    question: str,
    layers: Sequence[int],
    values: Mapping[str, Mapping[str, str]],
) -> list[Path]:
    """Writes residuals.safetensors, labels.parquet and columns.json into the folder export/; gives
    the files.

    `values` are the columns of the CSV, by name and then by image; an image without a value has
    empty text. Residuals are float32, in a tensor layer_L [row, d_model] for each layer L.
    """
    from safetensors.torch import save

    folder = run.folder / "export"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    whole = rows.read()
    tensors = {f"layer_{layer}": whole[:, layer].float().contiguous() for layer in layers}
    labels = items[["item_id", "scene_id", "image"]].assign(
        row=range(len(items)),
        folder=["own" if answer == "yes" else "contrast" for answer in items["answer"]],
        question=question,
    )[list(COLUMNS)]
    for name, by_image in values.items():
        # A column of the user's may be called as one of ours.
        labels[f"csv: {name}"] = [by_image.get(image, "") for image in items["image"]]
    stream = io.BytesIO()
    labels.to_parquet(stream, index=False)
    about = {
        "study_hash": run.study_hash,
        "layers": list(layers),
        "columns": COLUMNS | {f"csv: {name}": "text of the CSV's column" for name in values},
    }
    content = {
        "residuals.safetensors": save(tensors, {"study_hash": run.study_hash}),
        "labels.parquet": stream.getvalue(),
        # Last: it vouches for the others.
        "columns.json": json.dumps(about, indent=1, ensure_ascii=False).encode(),
    }
    for name, each in content.items():
        write_durably(folder / name, each)
    return [folder / name for name in content]


def exported_layers(found: FoundConcept, wanted: Sequence[int]) -> list[int]:
    """The layers to export: the emergence layer (the first at or past half of the plateau), and
    those in `wanted`.

    UserError if there is neither, or for a layer that the model does not have.
    """
    last = found.layers[-1].layer
    outside = [layer for layer in wanted if not 0 <= layer <= last]
    if outside:
        raise UserError(f"--layers must lie in 0..{last}, got {outside[0]}: choose others")
    layers = set(wanted)
    if found.lambda_half is not None:
        layers.add(math.ceil(found.lambda_half.estimate - 1e-9))
    elif found.outcome == "from_start":
        layers.add(0)
    if not layers:
        raise UserError(
            "--export writes the emergence layer, and the concept has none (it does not emerge): "
            "name layers with --layers"
        )
    return sorted(layers)
