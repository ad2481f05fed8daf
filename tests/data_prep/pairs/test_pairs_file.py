"""Pairs of a CLEVR folder: what is read of them, and what is wrong with a file from elsewhere."""

import copy
import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from data_prep.errors import UserError
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import edit_json, write_clevr

BASE, COPY = "CLEVR_val_000000.png", "CLEVR_val_200000.png"
LISTED = {"attribute": "color", "object": 1, "base": BASE, "changed": COPY}
WHOLE: dict[str, Any] = {
    "pairs": [LISTED],
    "skipped": {"color": {"no room": 2}},
    "changed_outside": {"color": {"0": 0.5, "2": 0.25, "8": 0.125}},
}


@pytest.fixture
def folder(tmp_path):
    """Two scenes, and a copy of the first in which object 1 is green instead of blue."""
    out = write_clevr(tmp_path / "clevr")

    def add_copy(records: list[dict[str, Any]]) -> None:
        record = copy.deepcopy(records[0]) | {"image_filename": COPY, "image_index": 200000}
        record["objects"][1]["color"] = "green"
        records.append(record)

    edit_json(out, "scenes", add_copy)
    shutil.copy(out / "images" / "val" / BASE, out / "images" / "val" / COPY)
    write_pairs(out, WHOLE)
    return out


def write_pairs(folder: Path, content: Any) -> None:
    (folder / "pairs_val.json").write_text(json.dumps(content))


def test_pairs_are_read_and_copies_are_no_scenes_of_their_own(folder):
    data = open_data(f"clevr:{folder}")
    assert [each.image for each in data.scenes] == [BASE, "CLEVR_val_000001.png"]
    assert data.minimal_pairs is not None
    found = data.minimal_pairs("color")
    (pair,) = found.pairs
    assert (pair.base.image, pair.source.image, pair.changed) == (BASE, COPY, 1)
    assert (pair.base.answer, pair.source.answer) == ("blue", "green")
    assert (pair.kind, pair.template) == (found.kind, "referring") == ("minimal", "referring")
    assert found.skipped == {"no room": 2}
    assert found.changed_outside == {0: 0.5, 2: 0.25, 8: 0.125}
    # Our own bytes, just made: a function is sent as its name, so that workers can open images.
    open_image = pickle.loads(pickle.dumps(found.open_image))
    assert open_image(COPY).size == found.image_size(BASE) == (8, 6)


def test_an_archive_holds_pairs_as_well(folder):
    archive = shutil.make_archive(str(folder.parent / "packed"), "zip", folder.parent, "clevr")
    data = open_data(f"clevr:{archive}")
    assert data.minimal_pairs is not None
    assert len(data.minimal_pairs("color").pairs) == 1


def test_data_without_pairs_has_none(folder):
    (folder / "pairs_val.json").unlink()
    data = open_data(f"clevr:{folder}")
    assert data.minimal_pairs is None
    assert len(data.scenes) == 3


def test_an_attribute_without_pairs(folder):
    given = open_data(f"clevr:{folder}").minimal_pairs
    assert given is not None
    with pytest.raises(UserError, match=r"got pairs for color only: render them with --pairs sh"):
        given("shape")
    with pytest.raises(UserError, match="choose another attribute or matched pairs"):
        given("count")


def test_the_fingerprint_follows_the_copies(folder):
    before = open_data(f"clevr:{folder}").fingerprint
    edit_json(folder, "scenes", lambda records: records[2]["objects"][1].update(color="cyan"))
    changed = open_data(f"clevr:{folder}").fingerprint
    # Without the file the copies are scenes like others.
    (folder / "pairs_val.json").unlink()
    assert len({before, changed, open_data(f"clevr:{folder}").fingerprint}) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attribute": "count"}, "'attribute' must be one of size, color, material, shape, got"),
        ({"attribute": None}, "'attribute' must be a text"),
        ({"object": 3}, "'object' must be one of 3 objects, got 3"),
        ({"object": "1"}, "'object' must be one of 3 objects, got '1'"),
        ({"object": 0}, "must differ in color of object 0 and in nothing else, got [(1, 'color')]"),
        ({"attribute": "shape"}, "must differ in shape of object 1 and in nothing else, got"),
        ({"changed": BASE}, "must differ in color of object 1 and in nothing else, got []"),
        ({"changed": "CLEVR_val_000009.png"}, "'changed' must be the image of a scene, got"),
        ({"base": "../../scenes/a.png"}, "an image must lie inside"),
        ({"changed": "/etc/passwd"}, "an image must lie inside"),
        ({"base": ""}, "'base' must be a text, got ''"),
    ],
)
def test_what_is_wrong_with_a_pair(folder, change, said):
    write_pairs(folder, WHOLE | {"pairs": [LISTED | change]})
    with pytest.raises(UserError, match=re.escape(said)):
        open_data(f"clevr:{folder}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", r"pairs_val\.json' must be JSON, got a broken file"),
        ("[]", r"pairs_val\.json' must hold a list of objects named 'pairs'"),
        ('{"pairs": [3]}', r"pairs_val\.json' must hold a list of objects named 'pairs'"),
        (json.dumps(WHOLE | {"pairs": [LISTED, LISTED]}), "got 'CLEVR_val_000000.png' 2 times"),
        (json.dumps(WHOLE | {"skipped": 3}), "'skipped' must hold an object for each attribute"),
        (json.dumps(WHOLE | {"skipped": {"color": {"why": -1}}}), "must be numbers from 0 on"),
        (json.dumps(WHOLE | {"changed_outside": {"color": {"0": 1}}}), "must be numbers from 0 on"),
    ],
)
def test_a_damaged_file_is_named(folder, content, said):
    (folder / "pairs_val.json").write_text(content)
    with pytest.raises(UserError, match=said) as caught:
        open_data(f"clevr:{folder}")
    assert "pairs_val.json" in str(caught.value)


def test_a_copy_is_not_copied_again(folder):
    back = LISTED | {"base": COPY, "changed": BASE}
    write_pairs(folder, WHOLE | {"pairs": [LISTED, back]})
    with pytest.raises(UserError, match="a copy is no base of a pair"):
        open_data(f"clevr:{folder}")
