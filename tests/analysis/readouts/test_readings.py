"""From scenes to readings: which passes are run, and that rows keep to their items."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from analysis.capture.residuals import capture_residuals
from analysis.readouts.readings import take_readings
from analysis.run.folder import claim
from analysis.run.image_survey import chosen_scenes
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.run.study import Study
from data_prep.controls import blank_image, mean_color
from data_prep.errors import UserError
from data_prep.items import answer_set
from data_prep.sources import open_data
from probes.answers.scores import answer_log_probs
from probes.answers.tree import ANSWER_NODE
from probes.answers.trees import answer_trees
from probes.residuals.store import ResidualStore

PLAN = Study(min_scenes_per_text=5, n_resamples=800)


@pytest.fixture(scope="module")
def data(clevr):
    return open_data(f"clevr:{clevr}")


@pytest.fixture
def begun(tmp_path, data, vlm):
    def begin(study: Study = PLAN, *, load_model=lambda: vlm) -> OpenRun:
        run = claim(
            tmp_path / "run",
            study,
            model_revision=vlm.revision,
            data_fingerprint=data.fingerprint,
        )
        about = {"model": vlm.name, "model_revision": vlm.revision}
        return OpenRun(run=run, data=data, load_model=load_model, about=about)

    return begin


def read_directly(vlm, items, images, questions, attribute):
    residuals = vlm.capture(images, questions)[:, None]
    trees = answer_trees(vlm, answer_set(items, attribute), questions).of(questions)
    return answer_log_probs(residuals, vlm.unembedding, trees, (ANSWER_NODE,))


def test_real_and_blank_readings_are_those_of_the_items(begun, data, vlm):
    opened = begun()
    readings = take_readings(opened, "size", "logit_lens")
    items = readings.items
    assert readings.swapped is None
    assert readings.answers == answer_set(items, "size").answers
    assert [readings.answers[k] for k in readings.answer_index] == items["answer"].tolist()
    images = [data.open_image(name) for name in items["image"]]
    questions = items["question"].tolist()
    real = read_directly(vlm, items, images, questions, "size")
    np.testing.assert_allclose(readings.real, real, atol=1e-3)
    color = mean_color(data.open_image(scene.image) for scene in data.scenes)
    blanks = [blank_image(images[0].size, color)] * len(items)
    blank = read_directly(vlm, items, blanks, questions, "size")
    np.testing.assert_allclose(readings.blank, blank, atol=1e-3)
    # One pass per text is enough.
    store = ResidualStore.open(opened.run.residuals("size", "answer"))
    assert len(store.row_ids) == len(items) + items["question"].nunique()


def test_images_are_swapped_where_a_text_serves_one_scene(begun, data, vlm):
    opened = begun(replace(PLAN, min_scenes_per_text=1, swaps=2, questions="referring"))
    table = items_of(opened.run, data, "color")
    table["question"] += [f" {number}" for number in range(len(table))]
    opened.run.replace_rows("items", table, key=["attribute"])
    readings = take_readings(opened, "color", "logit_lens")
    items = readings.items
    assert readings.swapped is not None
    assert readings.swapped.shape == (2, *readings.real.shape)
    images = {name: data.open_image(name) for name in items["image"]}
    # Whose image it was is told by the reading: no two items of noise read alike.
    for swap in readings.swapped[:, :3]:
        for row in range(3):
            others = items[items["n_objects"] == items["n_objects"][row]]
            candidates = read_directly(
                vlm,
                items,
                [images[name] for name in others["image"]],
                [items["question"][row]] * len(others),
                "color",
            )
            distance = np.abs(candidates - swap[row]).max(axis=(1, 2))
            assert distance.min() < 1e-3
            donor = others["scene_id"].tolist()[int(distance.argmin())]
            assert donor != items["scene_id"][row]


def test_a_scene_with_a_number_of_objects_of_its_own_is_no_obstacle(begun, data, vlm):
    opened = begun(replace(PLAN, min_scenes_per_text=1, swaps=1))
    table = items_of(opened.run, data, "color").iloc[:12]
    table = table.assign(question=[f"What color is thing {number}?" for number in range(12)])
    table["n_objects"] = [2] * 6 + [3] + [4] * 4 + [9]
    opened.run.replace_rows("items", table, key=["attribute"])
    readings = take_readings(opened, "color", "logit_lens")
    assert readings.swapped is not None
    assert readings.swapped.shape[:2] == (1, 12)


def test_a_finished_stage_asks_for_no_model(begun, data, vlm):
    def no_model():
        raise AssertionError("the model was asked for")

    first = take_readings(begun(), "size", "logit_lens")
    again = take_readings(begun(load_model=no_model), "size", "logit_lens")
    np.testing.assert_array_equal(first.real, again.real)
    assert first.items.equals(again.items)


def test_the_first_scenes_are_those_with_the_first_ids(data):
    assert [scene.scene_id for scene in chosen_scenes(data, 3)] == [
        f"CLEVR_val_{number:06d}" for number in range(3)
    ]
    assert len(chosen_scenes(data, None)) == len(data.scenes)


def test_items_are_read_from_the_run(begun, data):
    opened = begun()
    built = items_of(opened.run, data, "shape")
    assert items_of(opened.run, replace(data, scenes=()), "shape").equals(built)


def test_the_batch_size_asked_for_is_the_stores(begun):
    opened = replace(begun(), batch_size=5)
    take_readings(opened, "size", "logit_lens")
    folder = opened.run.residuals("size", "answer")
    assert ResidualStore.open(folder).spec.batch_size == 5
    # A whole store is read whatever is asked for; one that is to be gone on with is not.
    capture_residuals(replace(opened, batch_size=6), items_of(opened.run, opened.data, "size"))
    (folder / "shard-00000.safetensors").unlink()
    with pytest.raises(UserError, match="begun with --batch-size 5, got 6"):
        capture_residuals(replace(opened, batch_size=6), items_of(opened.run, opened.data, "size"))


def test_the_engine_ray_is_asked_for_by_name(begun, model_folder, monkeypatch):
    arguments = {"name_or_path": str(model_folder), "device": "cpu"}
    opened = replace(begun(), engine="ray", model_arguments=arguments)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"--engine ray needs Ray, .*pip install 'onset\[ray\]'"):
        take_readings(opened, "size", "logit_lens")
