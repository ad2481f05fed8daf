"""The minimal pairs of the package: enough of them, small, read without Mitsuba, and exact."""

import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import data_prep.bundled
from data_prep.attributes import attribute
from data_prep.bundled import load_bundled
from data_prep.bundled import pairs as module
from data_prep.bundled.build_pairs import THRESHOLD, BuildPairs, build_pairs
from data_prep.bundled.pairs import FILE_NAME, load_bundled_pairs
from data_prep.errors import UserError
from data_prep.pairs.controls import (
    donors_in_scenes,
    other_attribute_question,
    other_object_question,
    same_answer_donor,
)
from data_prep.pairs.minimal import difference_of
from data_prep.questions import PROPERTIES, referring_questions
from data_prep.render import Render, render
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import write_clevr
from tests.data_prep.drawing import renderer_or_skip

FOLDER = Path(data_prep.bundled.__file__).parent


@pytest.fixture(scope="module")
def data():
    return open_data("bundled")


@pytest.fixture(scope="module")
def pairs(data) -> dict[str, Any]:
    return {name: data.minimal_pairs(name) for name in PROPERTIES}


def test_size_and_number(pairs):
    assert (FOLDER / FILE_NAME).stat().st_size <= 3e6
    for name, found in pairs.items():
        assert len(found.pairs) == len({pair.base.scene_id for pair in found.pairs}) == 300
        assert (found.kind, {pair.attribute for pair in found.pairs}) == ("minimal", {name})


def test_bases_are_scenes_of_the_set(data, pairs):
    scenes = {scene.scene_id: scene for scene in data.scenes}
    for found in pairs.values():
        for pair in found.pairs:
            assert pair.base.scene == scenes[pair.base.scene_id]
            assert pair.base.image == pair.base.scene.image
            assert pair.source.scene_id not in scenes


def test_one_attribute_of_one_object_differs_and_the_question_asks_for_it(pairs):
    for name, found in pairs.items():
        for pair in found.pairs:
            assert difference_of(pair.base.scene, pair.source.scene) == [(pair.changed, name)]
            for side in pair.sides:
                asked = referring_questions(side.scene, name, target=pair.changed)
                assert (pair.question, side.answer) in [(q.text, q.answer) for q in asked]


def test_every_pair_has_its_control_questions(pairs, rng):
    for found in pairs.values():
        for pair in found.pairs[:60]:
            assert other_object_question(pair, rng) is not None
        other = [other_attribute_question(pair, rng) is not None for pair in found.pairs[:60]]
        assert np.mean(other) > 0.8


def test_almost_every_pair_has_donors(data, pairs, rng):
    donors = donors_in_scenes(data, "color")
    both = [None not in same_answer_donor(pair, donors, rng) for pair in pairs["color"].pairs]
    assert np.mean(both) > 0.95


def test_answers_are_spread(pairs):
    for name, found in pairs.items():
        for answers in zip(*(pair.sides for pair in found.pairs), strict=True):
            counts = Counter(side.answer for side in answers)
            assert set(counts) == set(attribute(name).answers)
            assert max(counts.values()) < 1.5 * 300 / len(counts)


def test_pictures_differ_around_the_changed_object_and_little_elsewhere(pairs):
    for name, found in pairs.items():
        for pair in found.pairs[:40]:
            base, changed = (np.asarray(found.open_image(side.image)) for side in pair.sides)
            assert base.shape == changed.shape == (128, 128, 3)
            assert found.image_size(pair.source.image) == (128, 128)
            x, y = (int(place) for place in pair.source.scene.objects[pair.changed].position_px)
            near = np.abs(base.astype(int) - changed)[y - 4 : y + 5, x - 4 : x + 5].max()
            assert near > (8 if name != "shape" else 2)
        shares = found.changed_outside
        assert 0.5 > shares[0] > shares[2] > shares[8] > 0


def test_the_way_to_the_images_can_be_sent_to_another_process(pairs):
    found = pairs["color"]
    image = found.pairs[0].source.image
    # Our own bytes, just made: a function is sent as its name, so that workers can open images.
    open_image, image_size = pickle.loads(pickle.dumps((found.open_image, found.image_size)))
    assert open_image(image).tobytes() == found.open_image(image).tobytes()
    assert image_size(image) == (128, 128)


def test_unknown_images_and_attributes_are_refused(data, pairs):
    with pytest.raises(UserError, match="have no image 'nothing'"):
        pairs["color"].open_image("nothing")
    with pytest.raises(UserError, match="got pairs for size, color, material, shape only: choose"):
        data.minimal_pairs("count")


def test_they_are_read_without_mitsuba():
    code = (
        "import sys; sys.modules['mitsuba'] = None\n"
        "from data_prep.sources import open_data\n"
        "found = open_data('bundled').minimal_pairs('color')\n"
        "print(found.open_image(found.pairs[0].source.image).size)"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "(128, 128)\n", "")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """The first pair of two attributes, by the recipe of the bundled ones."""
    renderer_or_skip(size=128, samples=1)
    out = tmp_path_factory.mktemp("rendered")
    render(Render(out=out, split="eval", scenes=1, seed=2, owners=True, pairs=("color", "size")))
    return out


def test_packing_rendered_pairs_and_reading_them_back(rendered, tmp_path, monkeypatch, pairs):
    try:
        build_pairs(BuildPairs(data=rendered, out=tmp_path / FILE_NAME))
    except UserError as error:  # other processors round differently
        pytest.skip(str(error))
    assert not list(tmp_path.glob("*.part"))
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    built = load_bundled_pairs(load_bundled())
    assert sorted(each.attribute for each in built.copies.copies) == ["color", "size"]
    for each in built.copies.copies:
        # Equal to the first pair of the package, and as far from the rendered picture as a JPEG is.
        first = pairs[each.attribute].pairs[0]
        assert (each.base, each.changed) == (first.base.scene, first.source.scene)
        opened = np.asarray(pairs[each.attribute].open_image(each.changed.image)).astype(int)
        path = rendered / "images" / "eval" / f"{each.changed.image}.png"
        assert np.abs(opened - np.asarray(Image.open(path))).mean() < 1.5 + THRESHOLD


def test_what_cannot_be_packed(rendered, tmp_path):
    out = tmp_path / FILE_NAME
    with pytest.raises(UserError, match=r"must hold pairs, got no pairs_val\.json: render with"):
        build_pairs(BuildPairs(data=write_clevr(tmp_path / "clevr"), split="val", out=out))
    other = tmp_path / "other"
    render(Render(out=other, split="eval", scenes=1, seed=5, size=32, samples=1, pairs=("color",)))
    with pytest.raises(UserError, match="got another picture for 'CLEVR_eval_00000"):
        build_pairs(BuildPairs(data=other, out=out))
    assert not out.exists()
