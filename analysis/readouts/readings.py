"""Taking readings: log2 p over the answer set per item, layer and condition, kept in a file.

A readout whose file is there is not run again, so a study that was killed goes on where it stopped.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from analysis.capture.object_places import shown_items
from analysis.readouts.given import given_readings
from analysis.readouts.registry import READOUTS
from analysis.readouts.taken import Readings
from analysis.run.items import item_notes, items_of, labels_of
from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from data_prep.files.bounded import open_file
from data_prep.files.durable import write_durably
from data_prep.files.sealed import (
    read_sealed_json,
    require_whole_file,
    sealed_json,
    sealed_safetensors,
)
from data_prep.items import attribute_of_items

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from analysis.capture.residuals import ItemResiduals, PositionName
    from analysis.readouts.reader import Asked, Read, Reader
    from probes.residuals.rows import StoredRows


def take_readings(
    opened: OpenRun,
    attribute: str,
    readout: str,
    *,
    lens: Path | None = None,
    allow_other_head: bool = False,
    position: "PositionName" = "answer",
) -> Readings:
    """Readings of one attribute, from the run, or made now: captured, fitted and read, or taken
    from the scores that the data brings along.

    `lens` is the folder of a tuned lens that was trained elsewhere, to use instead of one fitted to
    the run; with `allow_other_head` it may be made for another head. UserError if the run has
    readings made with another lens.
    """
    items = items_of(opened.run, opened.data, attribute)
    if position == "object":
        items = shown_items(opened, items)
    file = _file(opened, attribute, readout, position)
    require_same_lens(opened, attribute, readout, lens)
    if not file.exists() and opened.data.scores is not None:
        tensors, notes = given_readings(opened.data.scores, items, readout, opened.run.study)
        opened.run.hold()
        _keep(file, tensors, notes, made_from={})
    elif not file.exists():
        from analysis.capture.residuals import capture_residuals
        from analysis.readouts.reader import Asked

        asked = Asked(
            opened=opened,
            items=items,
            residuals=capture_residuals(opened, items, position),
            folder=opened.run.readouts(readout),
            position=position,
            lens=lens,
            allow_other_head=allow_other_head,
        )
        _make(asked, readout, file, made_from=_made_from(readout, lens))
    return _read(file, items, opened.data.answer_set(items).answers)


def take_readings_of_items(
    opened: OpenRun, items: pd.DataFrame, readout: str, *, name: str, shuffled: bool = True
) -> Readings:
    """Readings of items that are not the run's own. Their residuals and readings are kept in the
    run under `name`, and so is a readout that is fitted to them.

    Without `shuffled` no images are swapped for a shuffled control.
    """
    folder = opened.run.readouts(readout)
    file = folder / name / f"{attribute_of_items(items)}.safetensors"
    if not file.exists():
        from analysis.capture.residuals import capture_residuals
        from analysis.readouts.reader import Asked

        residuals = capture_residuals(opened, items, folder=name, shuffled=shuffled)
        # A lens is the run's own, a probe that of these items.
        own = folder if READOUTS[readout].through_vocabulary else folder / name
        asked = Asked(opened=opened, items=items, residuals=residuals, folder=own)
        _make(asked, readout, file, made_from={})
    return _read(file, items, opened.data.answer_set(items).answers)


def require_same_lens(opened: OpenRun, attribute: str, readout: str, lens: Path | None) -> None:
    """Checks that readings in the run were made with this tuned lens. UserError if they were made
    with another one."""
    file = _file(opened, attribute, readout)
    if not file.exists():
        return
    was, now = _about(file)["made_from"], _made_from(readout, lens)
    if was != now:
        raise UserError(
            f"{file} was read by another tuned lens ({_shown(was)}, now {_shown(now)}): choose "
            "another folder with --run"
        )


def _file(
    opened: OpenRun, attribute: str, readout: str, position: "PositionName" = "answer"
) -> Path:
    folder = opened.run.readouts(readout)
    return (folder if position == "answer" else folder / position) / f"{attribute}.safetensors"


def _made_from(readout: str, lens: Path | None) -> dict[str, str]:
    """What readings depend on beside the study: the readout, and the content of a lens from
    elsewhere."""
    return {} if lens is None or not READOUTS[readout].takes_lens else {"lens": _digest(lens)}


def _digest(folder: Path) -> str:
    """sha256 of the names and contents of all files in a folder."""
    total = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            with open_file(path) as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.name} {content}\n".encode())
    except OSError as error:
        raise UserError(f"cannot read the lens in {folder}: {error.strerror}") from error
    return total.hexdigest()


def _make(asked: "Asked", readout: str, file: Path, *, made_from: Mapping[str, str]) -> None:
    asked.opened.run.require_free()  # before the work, not after it
    reader = READOUTS[readout].reader(asked)
    tensors = _read_conditions(reader, asked.items, asked.residuals)
    _keep(file, tensors, reader.notes, made_from=made_from)


def _keep(
    file: Path,
    tensors: dict[str, Float[ndarray, "*condition item layer answer"]],
    notes: tuple[str, ...],
    *,
    made_from: Mapping[str, str],
) -> None:
    about = {"notes": notes, "made_from": made_from}
    # Of an array whose axes lie in memory in another order, safetensors writes the memory.
    tensors = {name: np.ascontiguousarray(each) for name, each in tensors.items()}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {file.parent}: {error.strerror}") from error
    write_durably(file.with_suffix(".json"), sealed_json(about))
    write_durably(file, sealed_safetensors(save(tensors)))


def _read_conditions(
    reader: "Reader", items: pd.DataFrame, residuals: "ItemResiduals"
) -> dict[str, Float[ndarray, "*condition item layer answer"]]:
    scenes = items["scene_id"].tolist()
    tensors = {
        "real": _read_rows(reader.read, residuals.real, scenes),
        "blank": _read_rows(reader.read, residuals.blank, scenes),
    }
    if reader.whole is not None:
        tensors["real, whole words"] = _read_rows(reader.whole, residuals.real, scenes)
        tensors["blank, whole words"] = _read_rows(reader.whole, residuals.blank, scenes)
    if residuals.swapped is not None:
        # Read by what has not seen the scene that is shown: what was learned by heart of a
        # training image would count against its other questions.
        swaps = zip(residuals.swapped, residuals.swapped_scenes, strict=True)
        tensors["swapped"] = np.stack(
            [_read_rows(reader.read, each, shown) for each, shown in swaps]
        )
    return tensors


def _read_rows(
    read: "Read", rows: "StoredRows", scenes: Sequence[str]
) -> Float[ndarray, "item layer answer"]:
    """What a readout says of these rows. They are read block by block, so that no more than one
    block of residuals is in memory."""
    blocks = rows.place_blocks()
    return np.concatenate([read(block, where, scenes[where]) for where, block in blocks])


def _shown(made_from: Mapping[str, Any]) -> str:
    return str(made_from.get("lens", "the run's own"))


def _about(file: Path) -> dict[str, Any]:
    try:
        about = read_sealed_json(file.with_suffix(".json"))
        return {"notes": tuple(about["notes"]), "made_from": dict(about["made_from"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file.with_suffix('.json')} is damaged ({error}): delete it, and {file.name} beside "
            "it, and run again"
        ) from error


def _read(file: Path, items: pd.DataFrame, answers: tuple[str, ...]) -> Readings:
    try:
        require_whole_file(file)
        tensors = load_file(file)
        wanted = (len(items), tensors["blank"].shape[1], len(answers))
        for name in ("real", *tensors):
            if tensors[name].shape[-3:] != wanted:
                raise ValueError(f"{name} has shape {tensors[name].shape}, not {wanted}")
    except (SafetensorError, OSError, ValueError, KeyError, IndexError) as error:
        raise _damaged(file, error) from error
    return Readings(
        items=items,
        answers=answers,
        answer_index=labels_of(items, answers),
        real=tensors["real"],
        blank=tensors["blank"],
        swapped=tensors.get("swapped"),
        whole=_whole(tensors),
        notes=(*_about(file)["notes"], *item_notes(items)),
    )


def _whole(tensors: Mapping[str, ndarray]) -> dict[str, ndarray] | None:
    """The readings from the probability of whole words, by condition; None if there are none."""
    names = {name: f"{name}, whole words" for name in ("real", "blank")}
    if not set(names.values()) <= set(tensors):
        return None
    return {name: tensors[stored] for name, stored in names.items()}


def _damaged(file: Path, error: Exception) -> UserError:
    return UserError(f"{file} is damaged ({error}): delete it and run again")
