"""CLEVR's official layout: read as it is, refused in one line where it is broken."""

import re

import numpy as np
import pytest

from data_prep.clevr import image_path, read_clevr
from data_prep.errors import UserError
from data_prep.items import build_items
from tests.data_prep.clevr_folder import edit_json, write_clevr, write_json


@pytest.fixture
def folder(tmp_path):
    return write_clevr(tmp_path / "CLEVR_v1.0")


def refused(folder, split="val", **options) -> str:
    """The message with which reading ends; always a single line."""
    with pytest.raises(UserError) as caught:
        read_clevr(folder, split, **options)
    message = str(caught.value)
    assert message
    assert len(message.splitlines()) == 1
    return message


def test_scenes_come_as_they_are_written(folder):
    first, second = read_clevr(folder)
    assert (first.scene_id, first.image, first.split) == (
        "CLEVR_val_000000",
        "CLEVR_val_000000.png",
        "val",
    )
    assert len(second.objects) == 4
    cube = first.objects[1]
    assert (cube.size, cube.color, cube.material, cube.shape) == ("small", "blue", "rubber", "cube")
    assert (cube.position_px, cube.coords, cube.rotation_deg) == ((10, 3), (1, 0.5, 0.35), 30)


def test_scenes_alone_are_enough_to_ask(folder):
    rng = np.random.default_rng(0)
    items = build_items(read_clevr(folder), ["color", "count"], rng=rng, min_scenes_per_text=1)
    assert items["answer"].tolist()[-2:] == ["3", "4"]
    assert items["attribute"].tolist() == ["color", "color", "count", "count"]


def test_other_splits_and_a_limit(folder):
    write_clevr(folder, "valA")
    assert [each.split for each in read_clevr(folder, "valA")] == ["valA", "valA"]
    assert read_clevr(folder, limit=1) == read_clevr(folder)[:1]
    assert read_clevr(folder, limit=9) == read_clevr(folder)
    assert "got a limit of 0" in refused(folder, limit=0)


def test_a_folder_or_split_that_is_not_there(folder):
    assert "no folder" in refused(folder / "nowhere")
    message = refused(folder, "train")
    assert "no scenes for split 'train'" in message
    assert "(val)" in message
    assert "got '../val'" in refused(folder, "../val")


def test_the_test_split_has_no_scenes(folder):
    (folder / "images" / "test").mkdir()
    assert "the test split is published without scenes and answers" in refused(folder, "test")


def test_missing_images_are_counted(folder):
    for path in (folder / "images" / "val").iterdir():
        path.unlink()
    message = refused(folder)
    assert "2 of 2 missing, first 'CLEVR_val_000000.png'" in message


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.png", "/etc/passwd", "..", "val/../../../x.png", "link.png", "loop.png",
        "folder/secret.png", "a\0.png", "a" * 5000,
    ],
)  # fmt: skip
def test_an_image_name_never_leaves_the_folder(folder, name):
    (folder / "secret.png").touch()
    images = folder / "images" / "val"
    (images / "link.png").symlink_to(folder / "secret.png")
    (images / "loop.png").symlink_to(images / "loop.png")
    (images / "folder").symlink_to(folder)
    edit_json(folder, "scenes", lambda records: records[1].update(image_filename=name))
    assert "an image must lie inside" in refused(folder)
    with pytest.raises(UserError, match="an image must lie inside"):
        image_path(folder, "val", name)


def test_links_within_the_folder_and_to_the_folder_are_fine(folder, tmp_path):
    images = folder / "images" / "val"
    (images / "link.png").symlink_to(images / "CLEVR_val_000001.png")
    edit_json(folder, "scenes", lambda records: records[1].update(image_filename="link.png"))
    (tmp_path / "data").symlink_to(folder)
    assert [each.scene_id for each in read_clevr(tmp_path / "data")] == ["CLEVR_val_000000", "link"]


@pytest.mark.parametrize(
    "place", ["images", "images/val", "scenes", "scenes/CLEVR_val_scenes.json"]
)
def test_links_that_lead_elsewhere_are_called_links(folder, tmp_path, place):
    (folder / place).rename(tmp_path / "elsewhere")
    (folder / place).symlink_to(tmp_path / "elsewhere")
    assert f"got {place!r}, a link that leads elsewhere: put copies" in refused(folder)


def test_an_image_that_is_a_link_to_elsewhere_is_called_one(folder, tmp_path):
    image = folder / "images" / "val" / "CLEVR_val_000001.png"
    image.rename(tmp_path / "1.png")
    image.symlink_to(tmp_path / "1.png")
    assert "'CLEVR_val_000001.png' is a link that leads elsewhere: put copies" in refused(folder)


def test_json_with_a_byte_order_mark(folder):
    file = folder / "scenes" / "CLEVR_val_scenes.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_clevr(folder)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"scenes": [',
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"scenes": {}}',
        b'{"scenes": [3]}',
    ],
)
def test_broken_json(folder, content):
    (folder / "scenes" / "CLEVR_val_scenes.json").write_bytes(content)
    assert re.search("must be JSON, got a broken file|must hold a list of objects", refused(folder))


def test_a_file_without_scenes(folder):
    write_json(folder, "scenes", [])
    assert "need at least 1 scene, got none" in refused(folder)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("image_filename", None, "'image_filename' must be a text, got None"),
        ("image_filename", " ", "must be a text"),
        ("image_filename", ["x.png"], "must be a text"),
        ("image_filename", "CLEVR_val_000000.png", "an image of its own"),
        ("image_filename", "a\nb.png", "1 of 2 missing"),
        ("image_filename", ".", "1 of 2 missing"),
        ("objects", None, "'objects' must be a list"),
        ("objects", [3], "'objects' must be a list"),
    ],
)
def test_bad_fields_of_a_scene(folder, field, value, rule):
    edit_json(folder, "scenes", lambda records: records[1].update({field: value}))
    assert rule in refused(folder)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("color", "pink", "color must be one of gray, red, blue"),
        ("shape", None, "got None"),
        ("material", ["metal"], "material must be one of"),
        ("pixel_coords", [1, 2], "'pixel_coords' must be 3 numbers"),
        ("pixel_coords", [1, 2, float("nan")], "must be finite numbers, got nan"),
        ("3d_coords", "here", "'3d_coords' must be 3 numbers"),
        ("3d_coords", [1, True, 3], "got True"),
        ("rotation", float("inf"), "must be finite numbers"),
        ("rotation", 10**400, "must be finite numbers"),
        ("rotation", "30", "must be finite numbers"),
    ],
)
def test_bad_fields_of_an_object_are_named_with_their_place(folder, field, value, rule):
    edit_json(folder, "scenes", lambda records: records[1]["objects"][2].update({field: value}))
    message = refused(folder)
    assert message.startswith("CLEVR_val_scenes.json, scenes[1].objects[2]: ")
    assert rule in message
