"""The options of a rendered collection, and the file that says what a folder holds."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from data_prep.errors import UserError
from data_prep.option_rules import MOST_SCENES, MOST_SEED, Within, require_rules
from data_prep.questions import PROPERTIES
from data_prep.rendered_files import write_json

_MIN_SIZE = 32  # below, a small object is a handful of pixels, and the visible share a lottery


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Renders CLEVR-style scenes in the official CLEVR layout."""

    out: Path
    """Folder to write."""
    split: str = "val"
    """Name of the split, part of the file names."""
    scenes: Annotated[int, Within(1, MOST_SCENES)] = 100
    """Number of scenes; with --pairs the number of pairs of each attribute."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Seed of the collection; another seed gives scenes that share nothing with it."""
    size: Annotated[int, Within(_MIN_SIZE, 4096)] = 128
    """Side of the pictures in pixels."""
    samples: Annotated[int, Within(1, 65_536)] = 64
    """Light paths per pixel."""
    owners: bool = False
    """Also write which object every pixel shows."""
    pairs: tuple[str, ...] = ()
    """Render scenes together with copies in which one of these attributes (color, shape, material,
    size) of one object differs."""

    @property
    def scenes_file(self) -> Path:
        """The file with the records of all scenes."""
        return self.out / "scenes" / f"CLEVR_{self.split}_scenes.json"

    def picture(self, name: str, kind: str = "images") -> Path:
        """The path of a picture; `kind` is "images" or "owners"."""
        return self.out / kind / self.split / name


def check(config: Render) -> None:
    """Raise UserError for an invalid option."""
    if not re.fullmatch(r"[A-Za-z0-9]+", config.split):
        raise UserError(
            f"--split must be letters and digits, got {config.split!r}: a name such as val"
        )
    require_rules(config, typed=True)
    for name in config.pairs:
        if name not in PROPERTIES:
            raise UserError(
                f"--pairs must name attributes of an object, got {name!r}: choose from "
                f"{', '.join(PROPERTIES)}"
            )


def declare(config: Render) -> None:
    """Write down the options that determine the pictures. UserError if the folder holds a
    collection made with other options.

    The number of scenes and `owners` do not count as such options, so that a collection can be
    extended later.
    """
    file = config.out / f"render_{config.split}.json"
    declared: dict[str, Any] = {name: getattr(config, name) for name in ("seed", "size", "samples")}
    if config.pairs:
        declared["pairs"] = sorted(set(config.pairs))
    if not file.exists():
        if config.scenes_file.exists() or (config.out / "images" / config.split).exists():
            raise UserError(
                f"{str(config.out)!r} holds a split {config.split!r} that was not rendered by this "
                "command: choose another --out or --split"
            )
        write_json(declared, file)
    begun = _read_declared(file)
    for name in declared | begun:
        if begun.get(name) != declared.get(name):
            raise UserError(
                f"{str(config.out)!r} holds a rendering with --{name} {_said(begun.get(name))}, "
                f"got {_said(declared.get(name))}: choose another --out or --split"
            )


def _said(value: object) -> str:
    """The value as it is written on the command line."""
    if value is None:
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _read_declared(file: Path) -> dict[str, Any]:
    try:
        begun = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{str(file)!r} cannot be read ({error}): choose another --out") from error
    return begun if isinstance(begun, dict) else {}
