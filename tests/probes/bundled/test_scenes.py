"""Pictures for training, and what each of their patches is said to show."""

import json

import numpy as np
import pytest
from PIL import Image

from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene, SceneObject
from probes.bundled.scenes import _patch_truth, read_training_scenes
from tests.probes.bundled.some_scenes import write_scenes


def thing(words: str) -> SceneObject:
    size, color, material, shape = words.split()
    return SceneObject(
        size=size, color=color, material=material, shape=shape,
        position_px=(0.0, 0.0), coords=(0.0, 0.0, 0.0), rotation_deg=0.0,
    )  # fmt: skip


def answers_of(numbers: np.ndarray) -> list[str]:
    return [attribute(p).answers[n] for p, n in zip(PROPERTIES, numbers, strict=True)]


def test_patches_by_hand():
    objects = (thing("large red metal cube"), thing("small blue rubber sphere"))
    scene = Scene(scene_id="s", image="s.png", split="train", objects=objects)
    owners = np.zeros((128, 128), dtype=np.uint8)
    owners[16:48, 32:64] = 1  # rows 1-2, columns 2-3
    owners[40:48, 56:64] = 2  # a quarter of patch (2, 3)
    owners[100:104, 100:105] = 2  # 20 pixels: too few to show anything
    labels, centres = _patch_truth(owners, scene)
    grid = labels.reshape(8, 8, 4)
    assert {tuple(map(int, place)) for place in np.argwhere(grid[..., 0] >= 0)} == {
        (1, 2), (1, 3), (2, 2), (2, 3),
    }  # fmt: skip
    for place in ((1, 2), (2, 3)):  # the larger part of a patch decides
        assert answers_of(grid[place]) == ["large", "red", "metal", "cube"]
    assert (grid[0, 0] == -1).all()
    # Rows 16-47 have the middle 31, columns 32-63 the middle 47.
    assert centres.reshape(8, 8)[1, 2]
    assert centres.sum() == 2


def test_a_small_object_on_a_large_one_has_its_patch():
    objects = (thing("large red metal cube"), thing("small blue rubber sphere"))
    scene = Scene(scene_id="s", image="s.png", split="train", objects=objects)
    owners = np.ones((128, 128), dtype=np.uint8)
    owners[16:32, 32:48] = 2
    labels, centres = _patch_truth(owners, scene)
    grid, middles = labels.reshape(8, 8, 4), centres.reshape(8, 8)
    assert answers_of(grid[1, 2]) == ["small", "blue", "rubber", "sphere"]
    assert answers_of(grid[1, 3]) == ["large", "red", "metal", "cube"]
    assert np.argwhere(middles).tolist() == [[1, 2], [3, 3]]


def test_reading_drawn_scenes(drawn, scenes):
    data = read_training_scenes(drawn, "train")
    assert len(data) == 8
    assert data.scenes == scenes
    assert data.images.shape == (8, 128, 128, 3)
    for scene, labels, centres in zip(scenes, data.patch_labels, data.centres, strict=True):
        assert centres.sum() == len(scene.objects)
        for each in scene.objects:
            x, y = each.position_px
            patch = int((y - 1) // 16 * 8 + (x - 1) // 16)
            assert answers_of(labels[patch]) == [getattr(each, name) for name in PROPERTIES]
            assert centres[patch]
    png = np.asarray(Image.open(drawn / "images" / "train" / scenes[0].image))
    assert 0 < np.abs(data.images[0].astype(int) - png).mean() < 3  # through JPEG
    assert len(read_training_scenes(drawn, "train", limit=3)) == 3


def test_what_is_wrong_with_the_pictures(tmp_path):
    folder = write_scenes(tmp_path / "drawn", 2)
    owners = folder / "owners" / "train" / "CLEVR_train_000001.png"
    whole = owners.read_bytes()

    Image.new("L", (128, 128)).save(owners)
    with pytest.raises(UserError, match=r"every object must be seen .* got none of number 1"):
        read_training_scenes(folder, "train")
    owners.write_bytes(whole[:60])
    with pytest.raises(UserError, match=r"cannot be read .*: render the scenes with --owners"):
        read_training_scenes(folder, "train")
    owners.unlink()
    with pytest.raises(UserError, match=r"cannot be read .*: render the scenes with --owners"):
        read_training_scenes(folder, "train")
    Image.new("L", (64, 64)).save(owners)
    with pytest.raises(UserError, match="of 128 x 128 pixels, got 64 x 64"):
        read_training_scenes(folder, "train")

    owners.write_bytes(whole)
    file = folder / "scenes" / "CLEVR_train_scenes.json"
    content = json.loads(file.read_text())
    content["scenes"][0]["objects"] = []
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="there must be one"):
        read_training_scenes(folder, "train")
