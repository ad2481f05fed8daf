"""A table of scores as arrays: what it means does not depend on how it is written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.given_scores.data import open_scores_file
from data_prep.given_scores.scores import given_scores
from tests.data_prep.given_scores.tables import ANSWERS, N_ITEMS, N_LAYERS, small_table


def test_arrays_are_those_of_the_table():
    table = small_table(n_swaps=2)
    found = given_scores(table, "it").scores["color", "logit_lens"]
    assert found.blank is not None
    assert found.swapped is not None
    assert found.swapped.shape == (2, N_ITEMS, N_LAYERS, len(ANSWERS))
    row = table[
        (table["item"] == "i4") & (table["condition"] == "shuffled 2") & (table["layer"] == 1)
    ]
    np.testing.assert_array_equal(found.swapped[1, 4, 1], np.asarray(row[list(ANSWERS)])[0])


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_means_nothing(seed):
    table = small_table()
    one = given_scores(table, "it")
    other = given_scores(table.sample(frac=1, random_state=seed), "it")
    assert (one.fingerprint, one.model_revision) == (other.fingerprint, other.model_revision)


@pytest.mark.parametrize("kind", ["csv", "csv with an index", "parquet", "parquet, float32"])
def test_how_it_is_saved_means_nothing(tmp_path, kind):
    table, file = small_table(), tmp_path / f"scores.{kind[:7].strip().split()[0]}"
    if kind == "parquet, float32":
        table = table.astype(dict.fromkeys(ANSWERS, np.float32))
    if kind.startswith("csv"):
        table.to_csv(file, index=kind.endswith("index"))
    else:
        table.to_parquet(file)
    data, held = open_scores_file(file), given_scores(table, "in memory")
    assert data.scores is not None
    assert (data.fingerprint, data.scores.model_revision) == (held.fingerprint, held.model_revision)


def test_other_scores_of_the_same_items_are_the_same_data_of_another_model():
    table = small_table()
    one, other = given_scores(table, "it"), given_scores(table.assign(red=table["red"] - 1), "it")
    assert one.fingerprint == other.fingerprint
    assert one.model_revision != other.model_revision
    fewer = given_scores(table.loc[table["item"] != "i0"], "it")
    assert fewer.fingerprint != one.fingerprint


def test_attributes_have_answers_of_their_own():
    shape = small_table().rename(columns={"red": "cube", "blue": "ball", "green": "cone"})
    shape = shape.assign(attribute="shape", answer="cube")
    found = given_scores(pd.concat([small_table(), shape]), "it")
    assert found.answers == {"color": ANSWERS, "shape": ("cube", "ball", "cone")}
    assert found.scores["shape", "logit_lens"].real.shape == (N_ITEMS, N_LAYERS, 3)


def test_whole_numbers_are_ids_and_answers_too():
    table = small_table().rename(columns={"red": 1, "blue": 2, "green": 3})
    table["answer"] = [{"red": 1, "blue": 2, "green": 3}[name] for name in table["answer"]]
    table["scene"] = table["scene"].str[1:].astype(int)
    found = given_scores(table, "it")
    assert found.answers == {"color": ("1", "2", "3")}
    assert found.items["color"]["scene_id"].tolist() == [str(n) for n in range(N_ITEMS)]


def test_the_first_scenes_are_those_with_the_first_ids():
    found = given_scores(small_table(), "it", limit=4)
    assert found.items["color"]["scene_id"].tolist() == ["s0", "s1", "s2", "s3"]


def test_the_first_swapped_image_needs_no_number():
    table = small_table(n_swaps=1)
    plain = table.replace({"condition": {"shuffled 1": "shuffled"}})
    one, other = given_scores(table, "it"), given_scores(plain, "it")
    assert one.model_revision == other.model_revision
