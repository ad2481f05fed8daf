"""COCO as data to ask. Objects, animals and presence come from its annotations, all other
attributes from captions.

The main object of a photograph is the category of its largest single annotation. What people do,
the place and the background are read from captions with the answer words of coco.toml.
"""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError
from data_prep.files.tree import INSTEAD_OF_LINKS, Folder, link_out, require_own_files
from data_prep.photographs.captions import DISAGREE, CaptionLabels
from data_prep.photographs.coco_files import (
    Instance,
    annotation_file,
    read_captions,
    read_images,
    read_instances,
    read_json,
)
from data_prep.photographs.labels import PRESENCE, LabelQuestions, question_texts, yes_no_attribute
from data_prep.photographs.photograph_data import photograph_data
from data_prep.photographs.presence import DEFAULT_TEXT, Negatives, PresenceQuestions
from data_prep.scene_data import SceneData
from data_prep.scenes import Box, Photograph

DEFAULT_SPLIT = "val2017"
FROM_CAPTIONS = ("activity", "place", "background")
TEXTS = {
    "object": "Main object:",
    "animal": "Main animal:",
    "activity": "What is the person doing?",
    "place": "Place:",
    "background": "Background shows:",
    PRESENCE: DEFAULT_TEXT,
}
_PERSON = "person"


def open_coco(
    folder: Path,
    split: str = DEFAULT_SPLIT,
    *,
    ask: Mapping[str, str] | None = None,
    negatives: Negatives = "random",
) -> SceneData:
    """The data of a split of a folder in COCO's layout, which coco_files describes.

    `ask` holds the user's own question texts by attribute. `negatives` says which absent categories
    the questions on presence use. UserError for any fault of the folder.
    """
    if not folder.is_dir():
        raise UserError(
            f"no folder {str(folder)!r}: give the one that holds annotations/ and {split}/"
        )
    photographs, captioned = _photographs(folder, split)
    tree = Folder(folder / split)
    photographs, notes = _present(photographs, tree)
    names = [name for name in TEXTS if captioned or name not in FROM_CAPTIONS]
    texts = question_texts({name: TEXTS[name] for name in names}, ask or {})
    known = _known_attributes(photographs)
    asking = LabelQuestions(
        attributes={name: known[name] for name in names},
        texts=texts,
        presence=PresenceQuestions(photographs, negatives, texts[PRESENCE]).offers,
    )
    name = f"coco:{folder.resolve().name}:{split}"
    return photograph_data(photographs, asking, tree, name=name, notes=notes)


def _present(
    photographs: Sequence[Photograph], tree: Folder
) -> tuple[list[Photograph], tuple[str, ...]]:
    """The photographs whose images are there, and a note that counts the others: a part of COCO
    serves with the annotations of the whole. UserError if none is there, and for links that lead
    elsewhere: what they show is not part of the folder, but it is not missing either."""
    present = [each for each in photographs if tree.is_file(each.image)]
    require_own_files({each.image: tree.root / each.image for each in present})
    if len(present) == len(photographs):
        return present, ()
    here = {each.image for each in present}
    absent = [each.image for each in photographs if each.image not in here]
    if links := [each for each in absent if link_out(tree.root, each)]:
        raise UserError(
            f"an image must be a file inside {str(tree.root)!r}, {len(links)} of "
            f"{len(photographs)} are links that lead elsewhere, first {links[0]!r}: "
            f"{INSTEAD_OF_LINKS}"
        )
    counted = f"{len(absent):,} of {len(photographs):,} missing, first {absent[0]!r}"
    if not present:
        raise UserError(
            f"{str(tree.root)!r} must hold the images that are listed, {counted}: unpack the "
            "images again"
        )
    return present, (f"images that are listed and not there: {counted}",)


def _photographs(folder: Path, split: str) -> tuple[list[Photograph], bool]:
    """All photographs of the split, and whether there are captions for them."""
    file = annotation_file(folder, "instances", split)
    content = read_json(file)
    images = read_images(content, file)
    instances = read_instances(content, images, file)
    captions: dict[int, list[str]] = {}
    caption_file = annotation_file(folder, "captions", split)
    if caption_file.exists():
        captions = read_captions(read_json(caption_file), images, caption_file)
    vocabulary = _vocabulary()
    readers = {name: CaptionLabels(attribute_of(name, vocabulary[name])) for name in FROM_CAPTIONS}
    found = []
    for number, image in images.items():
        photograph = _annotated(image, split, instances[number])
        found.append(_captioned(photograph, captions.get(number, []), readers))
    return found, bool(captions)


def _annotated(image: str, split: str, instances: Sequence[Instance]) -> Photograph:
    single = [each for each in instances if not each.is_crowd]
    labels, unlabelled = {}, {}
    for name, candidates in (
        ("object", single),
        ("animal", [each for each in single if each.category.supercategory == "animal"]),
    ):
        if candidates:
            labels[name] = max(candidates, key=lambda each: each.area_px).category.name
        else:
            unlabelled[name] = f"no {name} is annotated"
    if not instances:
        unlabelled[PRESENCE] = "no object is annotated"
    return Photograph(
        scene_id=image,
        image=image,
        split=split,
        labels=labels,
        unlabelled=unlabelled,
        categories=tuple(sorted({each.category.name for each in instances})),
        n_objects=len(single),
        boxes=_boxes(single),
    )


def _boxes(instances: Sequence[Instance]) -> dict[str, tuple[Box, ...]]:
    """The boxes of single objects, by category. A category one of whose objects has none is left
    out: its tokens would not be all that show it."""
    found: dict[str, list[Box | None]] = {}
    for each in instances:
        found.setdefault(each.category.name, []).append(each.box)
    return {
        name: tuple(box for box in boxes if box is not None)
        for name, boxes in sorted(found.items())
        if None not in boxes
    }


def _captioned(
    photograph: Photograph, captions: Sequence[str], readers: Mapping[str, CaptionLabels]
) -> Photograph:
    """The photograph with labels from its captions. The activity is only read if a person is
    annotated."""
    labels, unlabelled = dict(photograph.labels), dict(photograph.unlabelled)
    for name, reader in readers.items():
        if name == "activity" and _PERSON not in photograph.categories:
            unlabelled[name] = "no person is annotated"
        elif (label := reader.label(captions)) is None:
            unlabelled[name] = DISAGREE
        else:
            labels[name] = label
    return replace(photograph, labels=labels, unlabelled=unlabelled)


def _known_attributes(photographs: Sequence[Photograph]) -> dict[str, Attribute]:
    words = _category_words({name for each in photographs for name in each.categories})
    animals = {each.labels["animal"] for each in photographs if "animal" in each.labels}
    of_animals = {name: own for name, own in words.items() if name in animals}
    vocabulary = _vocabulary()
    return {
        "object": attribute_of("object", words, from_data=True),
        "animal": attribute_of("animal", of_animals, from_data=True),
        **{name: attribute_of(name, vocabulary[name], from_data=True) for name in FROM_CAPTIONS},
        PRESENCE: yes_no_attribute(PRESENCE),
    }


def _category_words(categories: Set[str]) -> dict[str, list[str]]:
    """The answer words of each category. A category that coco.toml does not list has its own name
    as its word.

    A word that is the name of another category of these data is used for that category only.
    """
    listed = _vocabulary()["object"]
    said = {
        name: unicodedata.normalize("NFC", name.lower().replace("_", " ")) for name in categories
    }
    order = [name for name in listed if name in said] + sorted(said.keys() - listed.keys())
    names = set(said.values())
    return {
        name: [word for word in listed.get(name, []) if word not in names or word == said[name]]
        or [said[name]]
        for name in order
    }


@cache
def _vocabulary() -> Mapping[str, Mapping[str, list[str]]]:
    text = files("data_prep.photographs").joinpath("coco.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
