"""Reader of `pairs_<split>.json`, which says which scenes of a CLEVR folder are copies of others.

The file is not trusted: the name of an image never leads out of `images/<split>`, and the two
scenes of a pair must differ in the one attribute of the one object that the file names.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from data_prep.clevr import (
    Record,
    image_name,
    json_content,
    records_in,
    text_field,
    wrong_field,
)
from data_prep.errors import UserError
from data_prep.files.tree import Tree
from data_prep.pairs.minimal import Copies, Copy, difference_of
from data_prep.pairs.reach import THRESHOLDS
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene


def pairs_file_name(split: str) -> str:
    """The name of the file in a folder of the CLEVR layout."""
    return f"pairs_{split}.json"


def read_pairs(tree: Tree, split: str, scenes: Sequence[Scene]) -> Copies | None:
    """The copies that the folder's file of pairs lists; None if there is no such file. UserError
    for any fault of the file."""
    name = pairs_file_name(split)
    if not tree.is_file(name):
        return None
    content = json_content(tree, name)
    records = records_in(content, tree.root / name, "pairs")
    by_image = {scene.image: scene for scene in scenes}
    copies = [_copy(record, tree, split, by_image) for record in records]
    _require_each_once(copies, name)
    whole = Record(name, content if isinstance(content, dict) else {})
    return Copies(
        copies=tuple(copies),
        skipped={
            attribute: {reason: int(_amount(whole, n)) for reason, n in reasons.items()}
            for attribute, reasons in _by_attribute(whole, "skipped").items()
        },
        changed_outside={
            attribute: {each: _amount(whole, shares.get(str(each))) for each in THRESHOLDS}
            for attribute, shares in _by_attribute(whole, "changed_outside").items()
        },
    )


def _copy(record: Record, tree: Tree, split: str, by_image: Mapping[str, Scene]) -> Copy:
    attribute = text_field(record, "attribute")
    if attribute not in PROPERTIES:
        raise wrong_field(record, f"'attribute' must be one of {', '.join(PROPERTIES)}", attribute)
    sides = []
    for side in ("base", "changed"):
        image = text_field(record, side)
        image_name(tree, split, image)  # raises if it lies outside of the folder
        if image not in by_image:
            raise wrong_field(record, f"{side!r} must be the image of a scene", image)
        sides.append(by_image[image])
    base, changed = sides
    target = record.fields.get("object")
    if not isinstance(target, int) or not 0 <= target < base.n_objects:
        raise wrong_field(record, f"'object' must be one of {base.n_objects} objects", target)
    differing = difference_of(base, changed)
    if differing != [(target, attribute)]:
        rule = f"the scenes must differ in {attribute} of object {target} and in nothing else"
        raise wrong_field(record, rule, differing)
    return Copy(attribute=attribute, target=target, base=base, changed=changed)


def _require_each_once(copies: Sequence[Copy], name: str) -> None:
    """Raise UserError if a scene has two copies for one attribute, or if a copy is copied."""
    times = Counter((copy.base.image, copy.attribute) for copy in copies)
    times.update((copy.changed.image, "") for copy in copies)
    for (image, _), number in times.items():
        if number > 1:
            raise UserError(
                f"{name}: a scene has one copy per attribute, and each copy is its own, got "
                f"{image!r} {number} times: remove the others"
            )
    for image in {copy.base.image for copy in copies} & {copy.changed.image for copy in copies}:
        raise UserError(f"{name}: a copy is no base of a pair, got {image!r}: remove one")


def _by_attribute(whole: Record, field: str) -> Mapping[str, Mapping[str, Any]]:
    """The numbers under a key of the file, for each attribute. Empty if the key is missing."""
    found = whole.fields.get(field, {})
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise wrong_field(whole, f"{field!r} must hold an object for each attribute", found)
    return found


def _amount(whole: Record, value: object) -> float:
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    raise wrong_field(whole, "counts and shares must be numbers from 0 on", value)
