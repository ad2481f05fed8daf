"""The blank image, and swaps of images that never give a scene its own."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import chisquare

from data_prep.controls import blank_image, derangement, mean_color, strata
from data_prep.errors import UserError


def items_table(scenes: list[str], questions: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"scene_id": scenes, "attribute": "color", "question": questions})


# Per item a scene and a text; every text that occurs serves at least two scenes.
_cells = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("AB")), min_size=2, max_size=30).map(
    lambda cells: [*cells, *((s, t) for t in {t for _, t in cells} for s in (10, 11))]
)
seeds = st.integers(0, 2**32 - 1)


@given(_cells, seeds)
def test_every_item_gets_an_image_of_its_stratum_that_is_not_its_own(cells, seed):
    items = items_table([f"s{s}" for s, _ in cells], [t for _, t in cells])
    donor = derangement(items, np.random.default_rng(seed))
    given_to, taken_from = items, items.iloc[donor].reset_index(drop=True)
    assert (given_to["scene_id"] != taken_from["scene_id"]).all()
    assert (given_to["question"] == taken_from["question"]).all()
    # A permutation: within a stratum every scene's image goes to exactly one scene.
    pairs = pd.DataFrame(
        {"text": items["question"], "to": items["scene_id"], "from_": taken_from["scene_id"]}
    ).drop_duplicates()
    assert not pairs.duplicated(["text", "to"]).any()
    assert not pairs.duplicated(["text", "from_"]).any()


@given(_cells, seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(cells, seed, random):
    order = list(range(len(cells)))
    random.shuffle(order)
    items = items_table([f"s{s}" for s, _ in cells], [t for _, t in cells])
    moved = items.iloc[order].reset_index(drop=True)
    swaps = [
        dict(
            zip(
                zip(table["scene_id"], table["question"], strict=True),
                table["scene_id"].to_numpy()[derangement(table, np.random.default_rng(seed))],
                strict=True,
            )
        )
        for table in (items, moved)
    ]
    assert swaps[0] == swaps[1]


def test_all_nine_derangements_of_four_are_as_likely():
    items = items_table(list("abcd"), ["A"] * 4)
    rng = np.random.default_rng(11)
    drawn = [tuple(derangement(items, rng).tolist()) for _ in range(1800)]
    times = [drawn.count(each) for each in sorted(set(drawn))]
    assert len(times) == 9
    assert chisquare(times).pvalue > 0.001


def test_a_stratum_of_one_scene_cannot_be_swapped():
    items = items_table(["a", "b", "c", "c"], ["A", "A", "B", "B"])
    with pytest.raises(UserError, match="at least 2 scenes with the same question, got 1 for 'col"):
        derangement(items, np.random.default_rng(0))


def test_strata_part_texts_and_attributes():
    items = pd.DataFrame({"attribute": ["color", "color", "size"], "question": ["A", "B", "A"]})
    assert strata(items).nunique() == 3


@given(st.permutations(range(5)))
def test_the_mean_color_is_that_of_all_pixels_in_any_order(order):
    rng = np.random.default_rng(5)
    pixels = [rng.integers(0, 256, (3 + n, 4, 3), dtype=np.uint8) for n in range(5)]
    flat = np.concatenate([each.reshape(-1, 3) for each in pixels])
    found = mean_color(Image.fromarray(pixels[n]) for n in order)
    assert found == tuple(flat.mean(axis=0).round().astype(int).tolist())


def test_the_mean_color_drops_alpha_and_needs_an_image():
    assert mean_color([Image.new("RGBA", (2, 2), (10, 20, 30, 0))]) == (10, 20, 30)
    with pytest.raises(UserError, match="at least 1 image"):
        mean_color([])


def test_a_blank_image_is_one_color():
    image = blank_image((3, 2), (1, 2, 3))
    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert image.getcolors() == [(6, (1, 2, 3))]
