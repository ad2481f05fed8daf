"""Where scenes and their images come from: one word on the command line, one view behind it."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from PIL import Image

from data_prep.clevr import DEFAULT_SPLIT, image_path, read_clevr
from data_prep.errors import UserError
from data_prep.scenes import Scene

_TAIL_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneData:
    """Scenes, and a way to their images."""

    scenes: tuple[Scene, ...]
    open_image: Callable[[str], Image.Image]
    """The image of a scene by its `image`, as RGB; alpha is dropped. UserError if it is damaged."""
    name: str
    """For people: what a report calls the data. Holds no path."""
    fingerprint: str
    """Hash of what the scenes hold and of their images; other data has another one."""


def open_data(spec: str) -> SceneData:
    """The data that `spec` names: "bundled" or "clevr:FOLDER[:SPLIT]" (split val by default).

    A colon in FOLDER is no split if the whole is a folder. UserError for an unknown name, and
    for whatever is wrong with the folder.
    """
    kind, _, rest = spec.partition(":")
    if spec == "bundled":
        return _bundled()
    if kind == "clevr" and rest:
        return _clevr(*_folder_and_split(rest))
    raise UserError(f"unknown data {spec!r}: choose bundled or clevr:FOLDER[:SPLIT]")


def _folder_and_split(rest: str) -> tuple[Path, str]:
    whole = Path(rest).expanduser()
    folder, colon, split = rest.rpartition(":")
    if not colon or not folder or "/" in split or whole.is_dir():
        return whole, DEFAULT_SPLIT
    return Path(folder).expanduser(), split


def _bundled() -> SceneData:
    # Here, not at the top: importing `datasets` takes seconds that other data need not wait for.
    from data_prep.bundled import load_bundled

    bundled = load_bundled()
    return SceneData(
        scenes=tuple(bundled.scenes),
        open_image=lambda key: _rgb(io.BytesIO(bundled.image_bytes(key)), key),
        name="bundled",
        fingerprint=_fingerprint(bundled.scenes, bundled.image_bytes),
    )


def _clevr(folder: Path, split: str) -> SceneData:
    scenes = read_clevr(folder, split)
    path_of = partial(image_path, folder, split)
    return SceneData(
        scenes=tuple(scenes),
        open_image=lambda name: _rgb(path_of(name), name),
        name=f"clevr:{folder.resolve().name}:{split}",
        fingerprint=_fingerprint(scenes, lambda name: _mark(path_of(name))),
    )


def _rgb(source: Path | io.BytesIO, name: str) -> Image.Image:
    try:
        with Image.open(source) as image:
            return image.convert("RGB")
    # What Pillow raises for a damaged file; some decoders have only SyntaxError for it.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: BaseException) -> UserError:
    return UserError(f"image {name!r} cannot be read ({error}): replace it or leave its scene out")


def _fingerprint(scenes: Sequence[Scene], mark: Callable[[str], bytes]) -> str:
    """Over all scenes in the order of their ids; `mark` stands for the image."""
    digest = sha256()
    for scene in sorted(scenes, key=lambda each: each.scene_id):
        digest.update(json.dumps(asdict(scene), sort_keys=True).encode())
        digest.update(sha256(mark(scene.image)).digest())
    return digest.hexdigest()


def _mark(path: Path) -> bytes:
    """Size and end of a file.

    A PNG ends with the checksums of its pixels (Adler-32, CRC-32), so this notices a changed
    image without reading all of it: CLEVR's val split has 2.8 GB.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return str(size).encode() + file.read()
    except OSError as error:
        raise _unreadable(path.name, error) from error
