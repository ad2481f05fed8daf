"""The evaluation scenes of the package: balanced, small, quiet, and never seen in training."""

import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import data_prep.bundled
from data_prep.bundled import load, load_bundled
from data_prep.bundled.build import Build, build
from data_prep.bundled.jpeg import jpeg_bytes, jpeg_round_trip
from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES
from data_prep.sampler import KINDS, sample_layout
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import write_clevr

FOLDER = Path(data_prep.bundled.__file__).parent
TRAINING_SEED, EVALUATION_SEED = 1, 2


@pytest.fixture(scope="module")
def bundled():
    return load_bundled()


def test_size_and_number(bundled):
    assert sum(path.stat().st_size for path in FOLDER.glob("*.parquet")) <= 12e6
    assert len(bundled.scenes) >= 1200
    ids = [scene.scene_id for scene in bundled.scenes]
    assert ids == sorted(set(ids))


def test_it_is_balanced(bundled):
    sizes = Counter(len(scene.objects) for scene in bundled.scenes)
    assert sizes == dict.fromkeys(range(1, 7), len(bundled.scenes) // 6)
    first = Counter(
        tuple(getattr(scene.objects[0], name) for name in ("shape", "color", "material", "size"))
        for scene in bundled.scenes
    )
    assert first == dict.fromkeys(KINDS, len(bundled.scenes) // len(KINDS))
    for name in PROPERTIES:
        shares = Counter(
            getattr(thing, name) for scene in bundled.scenes for thing in scene.objects
        )
        assert max(shares.values()) < 1.1 * min(shares.values())


def test_every_image_is_128_pixels_of_rgb_with_its_objects_inside(bundled):
    for scene in bundled.scenes:
        with Image.open(io.BytesIO(bundled.image_bytes(scene.image))) as image:
            assert (image.size, image.mode, image.format) == ((128, 128), "RGB", "JPEG")
        assert all(0 < place < 128 for thing in scene.objects for place in thing.position_px)
    pictures = {bundled.image_bytes(scene.image) for scene in bundled.scenes}
    assert len(pictures) == len(bundled.scenes)


def test_pictures_show_their_scenes(bundled):
    """Saturated objects differ from the gray ground where they are said to be."""
    redder = []
    for scene in bundled.scenes[:200]:
        picture = np.asarray(Image.open(io.BytesIO(bundled.image_bytes(scene.image)))).astype(int)
        for thing in scene.objects:
            if (thing.color, thing.size) == ("red", "large") and len(scene.objects) <= 3:
                x, y = (int(place) for place in thing.position_px)
                red, green, blue = picture[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
                redder.append(red - max(green, blue) > 20)
    assert len(redder) > 5
    assert np.mean(redder) > 0.8  # some are hidden behind another


def test_open_data_gives_the_same_scenes(bundled):
    data = open_data("bundled")
    assert data.scenes == bundled.scenes
    assert (data.name, len(data.fingerprint)) == ("bundled", 64)
    image = data.open_image(data.scenes[0].image)
    assert (image.mode, image.size) == ("RGB", (128, 128))


def test_an_unknown_image_is_refused(bundled):
    with pytest.raises(UserError, match="have no image 'nothing': take one of their names"):
        bundled.image_bytes("nothing")
    with pytest.raises(UserError, match="have no image"):
        open_data("bundled").open_image("../load.py")


def test_loading_is_quiet_and_leaves_nothing_behind(tmp_path):
    code = "from data_prep.sources import open_data; open_data('bundled')"
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=FOLDER.parents[1],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_scenes_are_those_of_the_evaluation_seed(bundled):
    """The recipe in build.py: so that the next test speaks of these scenes."""
    for index in (0, 1, 700, len(bundled.scenes) - 1):
        layout, scene = sample_layout(EVALUATION_SEED, index), bundled.scenes[index]
        want = [(each.shape, each.color, each.material, each.size) for each in layout.objects]
        assert want == [(o.shape, o.color, o.material, o.size) for o in scene.objects]


def test_training_layouts_are_others():
    evaluated, trained = (
        {each for k in range(100) for each in places(seed, k)}
        for seed in (EVALUATION_SEED, TRAINING_SEED)
    )
    assert evaluated.isdisjoint(trained)


def places(seed: int, index: int) -> list[tuple[float, float]]:
    return [(each.x, each.y) for each in sample_layout(seed, index).objects]


def test_a_jpeg_of_the_set_is_near_the_picture():
    x, y = np.meshgrid(np.arange(128), np.arange(128))
    picture = np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)
    picture[40:60, 40:60] = (173, 35, 35)
    image = Image.fromarray(picture)
    back = jpeg_round_trip(image)
    assert np.abs(back.astype(int) - picture).mean() < 2
    assert jpeg_bytes(image) == jpeg_bytes(image.convert("RGBA"))


def test_packing_a_folder_and_reading_it_back(tmp_path, monkeypatch):
    folder = write_clevr(tmp_path / "clevr")
    build(Build(data=folder, split="val", out=tmp_path / "scenes.parquet"))
    assert not list(tmp_path.glob("*.part"))
    monkeypatch.setattr(load, "files", lambda package: tmp_path)
    bundled, scenes = load_bundled(), read_clevr(folder, "val")
    assert [each.scene_id for each in bundled.scenes] == [each.scene_id for each in scenes]
    for packed, scene in zip(bundled.scenes, scenes, strict=True):
        assert packed.split == "val"
        assert len(packed.objects) == len(scene.objects)
        for one, other in zip(packed.objects, scene.objects, strict=True):
            assert one.position_px == other.position_px
            assert one.coords == pytest.approx(other.coords)
            assert all(getattr(one, name) == getattr(other, name) for name in PROPERTIES)
        with Image.open(io.BytesIO(bundled.image_bytes(packed.image))) as image:
            assert image.size == (8, 6)
