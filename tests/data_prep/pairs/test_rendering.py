"""Rendered pairs: one attribute of one object differs and nothing else; a kill loses nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_prep import views
from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.pairs import rendering
from data_prep.pairs.change import FEW_OBJECTS, NO_REFERENT, NO_ROOM, changed_layout, draw_change
from data_prep.pairs.controls import other_object_question
from data_prep.pairs.minimal import difference_of
from data_prep.pairs.reach import outlines
from data_prep.questions import referring_questions
from data_prep.render import Render, render
from data_prep.sampler import RADII, sample_layout, stand_free
from data_prep.scenes import Scene
from data_prep.sources import open_data
from tests.data_prep.drawing import layout_of, renderer_or_skip

NAMES = ("size", "color", "material", "shape")
PAIRS, SIZE = 6, 48
OPTIONS: dict[str, Any] = {
    "split": "pairs", "scenes": PAIRS, "seed": 3, "size": SIZE, "samples": 2, "pairs": NAMES,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    renderer_or_skip(size=SIZE, samples=2)
    out = tmp_path_factory.mktemp("pairs")
    render(Render(out=out, owners=True, **OPTIONS))
    return out


@pytest.fixture(scope="module")
def data(folder):
    return open_data(f"clevr:{folder}:pairs")


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def scenes_of(pair) -> list[Scene]:
    return [side.scene for side in pair.sides]


@pytest.mark.parametrize("name", NAMES)
def test_the_scenes_of_a_pair_differ_in_one_attribute_of_one_object(data, name):
    found = data.minimal_pairs(name)
    assert len(found.pairs) == PAIRS
    assert len({pair.base.scene_id for pair in found.pairs}) == PAIRS
    for pair in found.pairs:
        base, changed = scenes_of(pair)
        assert difference_of(base, changed) == [(pair.changed, name)]
        for number, (one, other) in enumerate(zip(base.objects, changed.objects, strict=True)):
            # In the same place; only its height follows from its size and shape.
            assert one.coords[:2] == other.coords[:2]
            assert one.rotation_deg == other.rotation_deg
            if number != pair.changed:
                assert one == other
            radius = RADII[other.size] / (np.sqrt(2) if other.shape == "cube" else 1)
            assert other.coords[2] == pytest.approx(radius)


@pytest.mark.parametrize("name", NAMES)
def test_the_question_singles_out_the_changed_object_in_both(data, name):
    found = data.minimal_pairs(name)
    for pair in found.pairs:
        for side in pair.sides:
            asked = referring_questions(side.scene, name, target=pair.changed)
            assert pair.question in [each.text for each in asked]
            assert getattr(side.scene.objects[pair.changed], name) == side.answer
        assert other_object_question(pair, np.random.default_rng(0)) is not None
    assert len({pair.question for pair in found.pairs}) < PAIRS


def test_pictures_have_the_same_view_light_and_noise(folder, data):
    """What is far from the changed object is equal to the last bit, noise included."""
    for name in ("color", "material"):
        for pair in data.minimal_pairs(name).pairs:
            base, changed = (np.asarray(data.open_image(side.image)) for side in pair.sides)
            assert (base == changed).all(axis=2).mean() > 0.5
            owners = [np.asarray(Image.open(folder / "owners" / "pairs" / side.image))
                      for side in pair.sides]  # fmt: skip
            assert (owners[0] == owners[1]).all()
            seen = outlines(owners[0], owners[1], pair.changed + 1)
            assert (base != changed).any(axis=2)[seen].mean() > 0.5


def test_every_object_stays_visible(folder, data):
    for name in NAMES:
        for pair in data.minimal_pairs(name).pairs:
            owners = np.asarray(Image.open(folder / "owners" / "pairs" / pair.source.image))
            assert set(np.unique(owners)) == set(range(pair.source.scene.n_objects + 1))


def test_the_folder_has_the_official_layout(folder, data):
    scenes = read_clevr(folder, "pairs")
    records = json.loads((folder / "scenes" / "CLEVR_pairs_scenes.json").read_text())["scenes"]
    indices = [record["image_index"] for record in records]
    assert len(set(indices)) == len(indices) == len(scenes)
    for record in records:
        assert record["image_filename"] == f"CLEVR_pairs_{record['image_index']:06d}.png"
    bases = {pair.base.scene_id for name in NAMES for pair in data.minimal_pairs(name).pairs}
    assert {each.scene_id for each in data.scenes} == bases
    assert len(scenes) == len(bases) + PAIRS * len(NAMES)


def test_how_far_changes_reach_is_measured(data):
    for name in NAMES:
        shares = data.minimal_pairs(name).changed_outside
        assert 1 > shares[0] > shares[2] > shares[8] >= 0
    assert data.minimal_pairs("color").skipped[FEW_OBJECTS] > 0


def test_a_run_that_broke_off_goes_on_to_the_same_bytes(folder, tmp_path, monkeypatch):
    save, saved = views.save_picture, []

    def breaks_off(pixels: np.ndarray, path: Path) -> None:
        if len(saved) == 9:
            raise KeyboardInterrupt
        saved.append(path)
        save(pixels, path)

    with monkeypatch.context() as patched:
        patched.setattr(views, "save_picture", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            render(Render(out=tmp_path, owners=True, **OPTIONS))
    assert not list(tmp_path.glob("pairs_*.json"))
    again = []
    monkeypatch.setattr(
        views, "save_picture", lambda pixels, path: (again.append(path), save(pixels, path))
    )
    render(Render(out=tmp_path, owners=True, **OPTIONS))
    assert not set(saved) & set(again)
    assert files(tmp_path) == files(folder)


def test_more_pairs_begin_with_those_that_are_there(folder, tmp_path):
    few: dict[str, Any] = OPTIONS | {"scenes": 2}
    render(Render(out=tmp_path, owners=True, **few))
    differing = files(tmp_path).items() - files(folder).items()
    assert {name for name, _ in differing} == {"pairs_pairs.json", "scenes/CLEVR_pairs_scenes.json"}
    render(Render(out=tmp_path, owners=True, **OPTIONS))
    assert files(tmp_path) == files(folder)


def test_other_attributes_are_not_mixed_in(folder):
    for pairs in ((), ("color",)):
        other: dict[str, Any] = OPTIONS | {"pairs": pairs}
        with pytest.raises(UserError, match="with --pairs color material shape size, got"):
            render(Render(out=folder, owners=True, **other))


def test_an_unknown_attribute(tmp_path):
    with pytest.raises(UserError, match=r"--pairs must name attributes of an object, got 'count'"):
        render(Render(out=tmp_path, pairs=("color", "count")))
    assert not files(tmp_path)


def test_a_number_of_pairs_that_is_never_reached(tmp_path, monkeypatch):
    renderer_or_skip(size=SIZE, samples=2)
    monkeypatch.setattr(rendering, "_COPIES_FROM", 3)
    with pytest.raises(UserError, match=r"among 3 scenes, got too few .*: give a smaller number"):
        render(Render(out=tmp_path, **OPTIONS))


def test_why_a_layout_allows_no_pair(rng):
    renderer = renderer_or_skip(size=SIZE, samples=2)
    assert draw_change(layout_of(["large red metal cube"]), "color", renderer, rng) == FEW_OBJECTS
    twins = layout_of(["large red metal cube", "large blue metal cube"])
    assert draw_change(twins, "color", renderer, rng) == NO_REFERENT
    # A gap of 0.3 between two small objects: neither can grow.
    one, other = layout_of(["small red metal cube", "small blue rubber sphere"]).objects
    near = replace(twins, objects=(one, replace(other, x=one.x + 1.0)))
    assert stand_free(near)
    assert draw_change(near, "size", renderer, rng) == NO_ROOM


def test_sampled_layouts_stand_free_and_grown_ones_need_not():
    layouts = [sample_layout(0, index) for index in range(60)]
    assert all(stand_free(layout) for layout in layouts)
    grown = [changed_layout(layout, k, "size", "large") for layout in layouts
             for k in range(len(layout.objects))]  # fmt: skip
    assert 0 < np.mean([stand_free(layout) for layout in grown]) < 1
