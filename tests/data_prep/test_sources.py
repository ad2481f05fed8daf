"""Data by name: the right folder and split, images as RGB, and a fingerprint of both."""

import pickle
import shutil
from pathlib import Path

import pytest
from PIL import Image

from data_prep.errors import UserError
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import edit_json, write_clevr
from tests.data_prep.photographs.made_up import many_coco, write_hub, write_images


@pytest.fixture
def folder(tmp_path):
    return write_clevr(tmp_path / "CLEVR_v1.0")


def test_images_are_opened_without_alpha(folder):
    data = open_data(f"clevr:{folder}")
    image = data.open_image(data.scenes[1].image)
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (8, 6), (11, 20, 30))
    assert data.name == "clevr:CLEVR_v1.0:val"


def test_a_split_and_colons_in_the_path(folder, tmp_path):
    write_clevr(folder, "train")
    assert open_data(f"clevr:{folder}:train").scenes[0].split == "train"
    odd = write_clevr(tmp_path / "a:train")
    write_clevr(odd, "train")
    assert open_data(f"clevr:{odd}").scenes[0].split == "val"
    assert open_data(f"clevr:{odd}:train").scenes[0].split == "train"


def test_a_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(open_data("clevr:~/CLEVR_v1.0").scenes) == 2


@pytest.mark.parametrize("spec", ["", "coco", "clevr", "clevr:", "Bundled", "bundled:val"])
def test_an_unknown_name_is_answered_with_the_known_ones(spec):
    with pytest.raises(UserError, match=f"unknown data '{spec}': choose bundled or clevr:FOLDER"):
        open_data(spec)


@pytest.mark.parametrize("end", ["", ":val", "/a:b/c"])
def test_a_folder_that_is_not_there(tmp_path, end):
    with pytest.raises(UserError, match="no folder"):
        open_data(f"clevr:{tmp_path / 'nowhere'}{end}")


def test_an_empty_split(folder):
    with pytest.raises(UserError, match="a split is named with letters and digits, got ''"):
        open_data(f"clevr:{folder}:")


def test_the_fingerprint_follows_scenes_and_pixels_but_not_the_place(folder, tmp_path):
    first = open_data(f"clevr:{folder}").fingerprint
    assert open_data(f"clevr:{write_clevr(tmp_path / 'copy')}").fingerprint == first

    edit_json(folder, "scenes", lambda records: records.reverse())
    assert open_data(f"clevr:{folder}").fingerprint == first
    edit_json(folder, "scenes", lambda records: records[0]["objects"][0].update(color="cyan"))
    second = open_data(f"clevr:{folder}").fingerprint
    assert second != first

    path = folder / "images" / "val" / "CLEVR_val_000000.png"
    image = Image.open(path)
    image.putpixel((0, 0), (9, 20, 30, 128))
    image.save(path)
    assert open_data(f"clevr:{folder}").fingerprint != second


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_a_damaged_image_is_named(folder, content):
    path: Path = folder / "images" / "val" / "CLEVR_val_000000.png"
    path.write_bytes(path.read_bytes()[:45] if content is None else content)
    data = open_data(f"clevr:{folder}")
    with pytest.raises(UserError, match=r"image 'CLEVR_val_000000\.png' cannot be read") as caught:
        data.open_image("CLEVR_val_000000.png")
    assert len(str(caught.value).splitlines()) == 1


def test_an_image_that_is_not_of_the_data(folder):
    data = open_data(f"clevr:{folder}")
    with pytest.raises(UserError, match="must lie inside"):
        data.open_image("../../scenes/CLEVR_val_scenes.json")
    with pytest.raises(UserError, match="cannot be read"):
        data.open_image("nothing.png")


def written(kind: str, folder: Path) -> str:
    """Small data of that kind."""
    if kind == "bundled":
        return kind
    if kind == "archive":
        write_clevr(folder / "CLEVR_v1.0")
        archive = shutil.make_archive(str(folder / "CLEVR_v1.0"), "zip", folder, "CLEVR_v1.0")
        return f"clevr:{archive}"
    if kind == "clevr":
        return f"clevr:{write_clevr(folder)}"
    if kind == "coco":
        return f"coco:{many_coco(folder, 4)}"
    if kind == "images":
        return f"images:{write_images(folder, ['kite', 'buzzard'], 2)}"
    return f"hub:{write_hub(folder, 4)}"


@pytest.mark.parametrize("spec", ["images::labels.csv", "pope::questions.json"])
def test_no_folder_is_not_the_one_in_which_the_command_was_typed(spec):
    with pytest.raises(UserError, match="needs a folder before the colon"):
        open_data(spec)


@pytest.mark.parametrize("kind", ["bundled", "archive", "clevr", "coco", "images", "hub"])
def test_a_way_to_the_images_can_be_sent_to_another_process(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("ONSET_CACHE", str(tmp_path / "cache"))
    data = open_data(written(kind, tmp_path / "data"))
    image = data.scenes[0].image
    # Plain pickle, which sends no code: workers find it in the package.
    open_image, image_size = pickle.loads(pickle.dumps((data.open_image, data.image_size)))
    assert open_image(image).tobytes() == data.open_image(image).tobytes()
    assert image_size(image) == data.image_size(image)
