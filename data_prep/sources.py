"""Opens the data that one word on the command line names, and gives all kinds of data the same
interface."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from data_prep.asking import OBJECT_SCENES
from data_prep.clevr import DEFAULT_SPLIT, image_name, read_clevr, tree_of
from data_prep.errors import UserError
from data_prep.files.images import rendered_rgb, rendered_size, unreadable
from data_prep.files.tree import Stream, Tree
from data_prep.files.typed_path import path_of
from data_prep.pairs.minimal import minimal_pairs
from data_prep.pairs.pairs_file import read_pairs
from data_prep.scene_data import SceneData, fingerprint_of

__all__ = ["DataOptions", "SceneData", "open_data"]

T = TypeVar("T")
USUAL_CLEVR_SCENES = 2_000
"""How many scenes of CLEVR are taken unless told: intervals of 15,000 are narrower than they need
to be, and a model of billions of parameters is days at work on them."""
_Read: TypeAlias = Callable[[Callable[[], Stream], str], T]

KINDS = (
    "bundled",
    "clevr:FOLDER[:SPLIT]",
    "coco:FOLDER[:SPLIT]",
    "images:FOLDER[:CSV]",
    "hub:NAME[:SPLIT]",
    "pope:FOLDER:FILE[:CORRECTED]",
    "scores:FILE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """What a study declares of its data beside its name; see Study for what each means."""

    contrast: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    ask: Mapping[str, str] = field(default_factory=dict, hash=False)
    negatives: Literal["random", "popular", "adversarial"] = "random"
    limit: int | None = None
    """How many scenes will be used at most: what streams its rows need not read more."""

    def require_meant_for(self, kind: str) -> None:
        """Raise UserError for an option that is set but does not apply to this kind of data."""
        for name, value, kinds in (
            ("contrast", self.contrast, ("images",)),
            ("columns", self.columns, ("hub",)),
            ("ask", self.ask, ("coco", "images", "hub")),
        ):
            if value and kind not in kinds:
                raise UserError(
                    f"{name} is for data of the kind {' or '.join(kinds)}, got {kind}: leave it out"
                )


def open_data(spec: str, options: DataOptions | None = None) -> SceneData:
    """The data that `spec` names, in one of the forms of KINDS.

    A colon in FOLDER does not start the name of a split if a file or folder of the whole name
    exists. UserError for an unknown name and for any fault in the data itself.
    """
    options = options or DataOptions()
    kind, _, rest = spec.partition(":")
    readers: dict[str, Callable[[str, DataOptions], SceneData]] = {
        "clevr": _clevr, "coco": _coco, "images": _images, "hub": _hub, "pope": _pope,
        "scores": _scores,
    }  # fmt: skip
    if spec != "bundled" and not (kind in readers and rest):
        raise UserError(f"unknown data {spec!r}: choose {' or '.join(KINDS)}")
    options.require_meant_for(kind)
    return _bundled() if spec == "bundled" else readers[kind](rest, options)


def folder_and_split(rest: str, default: str) -> tuple[Path, str]:
    """The folder and the split, separated by the last colon of `rest`. If a file or folder named
    `rest` exists, or no colon separates a split, the split is `default`."""
    whole = path_of(rest)
    folder, colon, split = rest.rpartition(":")
    if not colon or not folder or "/" in split or whole.exists():
        return whole, default
    return path_of(folder), split


def folder_and_table(rest: str) -> tuple[Path, Path | None]:
    """The folder with the user's images, and the CSV file named after a colon. The second is None
    if no CSV is named."""
    folder = path_of(rest)
    if folder.exists() or not rest.lower().endswith(".csv"):
        return folder, None
    before, colon, after = rest.rpartition(":")
    if colon and not before:  # it would be the folder in which the command was typed
        raise _no_folder("images", rest)
    return path_of(before), path_of(after)


def folder_and_questions(rest: str) -> tuple[Path, list[Path]]:
    """The folder of images, and the files of questions named after it: POPE's, and, after another
    colon, one with corrected labels. UserError unless these are one or two."""
    names = rest.split(":")
    files: list[str] = []
    while len(names) > 1 and names[-1].lower().endswith(".json"):
        files.insert(0, names.pop())
    if not 1 <= len(files) <= 2:
        raise UserError(
            "pope: needs a folder of images and one or two .json files after colons, got "
            f"{rest!r}: write pope:FOLDER:coco_pope_random.json"
        )
    if names == [""]:
        raise _no_folder("pope", rest)
    return path_of(":".join(names)), [path_of(each) for each in files]


def _no_folder(kind: str, rest: str) -> UserError:
    return UserError(
        f"{kind}: needs a folder before the colon, got {rest!r}: write {kind}:FOLDER{rest}"
    )


def _bundled() -> SceneData:
    # Here, not at the top: importing `datasets` takes seconds that other data need not wait for.
    from data_prep.bundled import bundled_pairs, load_bundled

    bundled = load_bundled()
    open_image = partial(_bundled_image, rendered_rgb, bundled.image_bytes)
    image_size = partial(_bundled_image, rendered_size, bundled.image_bytes)
    return SceneData(
        scenes=tuple(bundled.scenes),
        asking=OBJECT_SCENES,
        open_image=open_image,
        image_size=image_size,
        name="bundled",
        fingerprint=fingerprint_of(bundled.scenes, bundled.image_bytes),
        minimal_pairs=partial(bundled_pairs, bundled, open_image, image_size),
    )


def _bundled_image(read: _Read[T], image_bytes: Callable[[str], bytes], key: str) -> T:
    return read(lambda: io.BytesIO(image_bytes(key)), key)


def _clevr(rest: str, options: DataOptions) -> SceneData:
    folder, split = folder_and_split(rest, DEFAULT_SPLIT)
    scenes = read_clevr(folder, split)
    tree = tree_of(folder)
    listed = read_pairs(tree, split, scenes)
    open_image = partial(_clevr_image, rendered_rgb, tree, split)
    image_size = partial(_clevr_image, rendered_size, tree, split)
    # With what makes it a copy: a folder whose file of pairs is taken away is other data.
    marks = {} if listed is None else listed.marks()
    return SceneData(
        scenes=tuple(scenes if listed is None else listed.without_copies(scenes)),
        asking=OBJECT_SCENES,
        open_image=open_image,
        image_size=image_size,
        name=f"clevr:{folder.resolve().name}:{split}",
        fingerprint=fingerprint_of(
            scenes, lambda name: _mark(tree, split, name) + marks.get(name, b"")
        ),
        minimal_pairs=listed and partial(minimal_pairs, listed, open_image, image_size),
        usual_scenes=USUAL_CLEVR_SCENES,
    )


def _clevr_image(read: _Read[T], tree: Tree, split: str, name: str) -> T:
    return read(partial(tree.open, image_name(tree, split, name)), name)


def _mark(tree: Tree, split: str, name: str) -> bytes:
    try:
        return tree.mark(image_name(tree, split, name))
    except OSError as error:
        raise unreadable(name, error) from error


# Each below imports its reader when it is asked for: a study needs one of them.


def _coco(rest: str, options: DataOptions) -> SceneData:
    from data_prep.photographs.coco import DEFAULT_SPLIT, open_coco

    folder, split = folder_and_split(rest, DEFAULT_SPLIT)
    return open_coco(folder, split, ask=options.ask, negatives=options.negatives)


def _images(rest: str, options: DataOptions) -> SceneData:
    from data_prep.photographs.image_folder import open_images

    folder, table = folder_and_table(rest)
    contrast = path_of(options.contrast) if options.contrast else None
    return open_images(folder, table, contrast=contrast, ask=options.ask)


def _hub(rest: str, options: DataOptions) -> SceneData:
    from data_prep.photographs.hub import open_hub

    name, _, split = (rest, "", "") if path_of(rest).exists() else rest.partition(":")
    return open_hub(name, split or None, options.columns, limit=options.limit, ask=options.ask)


def _pope(rest: str, options: DataOptions) -> SceneData:
    from data_prep.photographs.pope_data import open_pope

    folder, files = folder_and_questions(rest)
    return open_pope(folder, *files)


def _scores(rest: str, options: DataOptions) -> SceneData:
    from data_prep.given_scores.data import open_scores_file

    return open_scores_file(path_of(rest), limit=options.limit)
