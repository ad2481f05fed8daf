"""The mean over a scene's items: by hand, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.scenes import canonical_order, codes, item_weights, scene_means, scene_rows


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 4))
def test_it_is_the_mean_of_each_scene_whatever_its_number_of_items(seed, n_items, n_columns):
    rng = np.random.default_rng(seed)
    scene = codes(rng.integers(0, n_items, n_items), n_items, name="scenes")
    values = rng.normal(size=(n_items, n_columns))
    by_hand = [values[scene == one].mean(axis=0) for one in range(scene.max() + 1)]
    means = scene_means(values, scene)
    np.testing.assert_allclose(means, by_hand, rtol=1e-12, atol=1e-14)
    assert scene_rows(values, [f"{one:03d}" for one in scene]).tobytes() == means.tobytes()
    np.testing.assert_allclose(
        item_weights(scene) @ values, means.mean(axis=0), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    ("values", "scene", "message"),
    [
        (np.empty((0, 2)), np.empty(0, dtype=int), "at least 1 item"),
        (np.zeros((3, 2)), np.array([0, 0, 2]), "no item of scene 1 of 3"),
    ],
)
def test_a_mean_of_nothing_is_refused(values, scene, message):
    with pytest.raises(ValueError, match=message):
        scene_means(values, scene)


@pytest.mark.parametrize(
    "labels", [np.array([1.0, np.nan]), ["a", None], np.array(["a", float("nan")], dtype=object)]
)
def test_a_scene_without_a_name_is_refused(labels):
    with pytest.raises(ValueError, match="must not be missing, is at item 1"):
        codes(labels, 2, name="scenes")
    assert codes(np.array(["b", 2.0, "b"], dtype=str), 3, name="scenes").tolist() == [1, 0, 1]


@given(st.integers(0, 10_000), st.sampled_from([1e-13, 1e-9, 0.3, 1.0]), st.booleans())
def test_canonical_order_is_that_of_all_columns_at_once(seed, size, whole):
    """Rows alike in billionths of the largest, and those alike altogether, included."""
    rng = np.random.default_rng(seed)
    scenes = rng.integers(0, 3, (30, 4)) + size * rng.standard_normal((30, 4)) * ~whole
    scenes[20:] = scenes[rng.integers(0, 20, 10)]
    coarse = np.rint(scenes / (1e-9 * np.abs(scenes).max()))
    keys = np.concatenate([scenes.T[::-1], coarse.T[::-1]])
    np.testing.assert_array_equal(canonical_order(scenes), scenes[np.lexsort(keys)])
