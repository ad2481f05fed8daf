"""What is packed comes back: ids and texts exactly, probabilities within the stated error."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.explore.packing import (
    PROBABILITY_ERROR,
    packed_ids,
    packed_numbers,
    packed_probabilities,
    packed_texts,
    unpacked_numbers,
    unpacked_probabilities,
    unpacked_texts,
    vocabulary_of,
)
from analysis.explore.page import json_block
from data_prep.errors import UserError

shapes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 4))


@given(shapes.flatmap(lambda shape: arrays(np.int64, shape, elements=st.integers(0, 200_000))))
def test_ids_come_back(token_ids):
    vocabulary = vocabulary_of([token_ids])
    assert sorted(vocabulary) == sorted(set(token_ids.ravel()))
    numbers = unpacked_numbers(packed_ids(token_ids, vocabulary))
    assert (vocabulary[numbers].reshape(token_ids.T.shape) == token_ids.T).all()


@given(shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.floats(0, 1))))
def test_probabilities_come_back_nearly(probabilities):
    shape = probabilities.T.shape
    back = unpacked_probabilities(packed_probabilities(probabilities), shape)
    assert np.abs(back - probabilities.T).max() <= PROBABILITY_ERROR


def test_small_probabilities_keep_more_digits():
    small = np.full((1, 1, 1), 0.001)
    assert abs(unpacked_probabilities(packed_probabilities(small), (1, 1, 1)) - 0.001) < 1.3e-4


@given(arrays(np.uint16, st.integers(1, 50)))
def test_numbers_come_back(numbers):
    assert (unpacked_numbers(packed_numbers(numbers)) == numbers).all()


any_text = st.text(st.characters(exclude_categories=[]))


@given(st.lists(any_text))
def test_texts_come_back(texts):
    assert unpacked_texts(packed_texts(texts)) == texts


@given(any_text)
def test_no_text_ends_or_begins_an_element(text):
    block = json_block({"text": text})
    assert json.loads(block) == {"text": text}
    assert block.isascii()
    assert not set("<>&") & set(block)


def test_frequent_tokens_come_first():
    assert vocabulary_of([np.array([[[7, 7, 3]]]), np.array([[[9, 7, 3]]])]).tolist() == [7, 3, 9]


def test_more_tokens_than_16_bits_count_are_refused():
    with pytest.raises(UserError, match="at most 65,536 different tokens, got 65,537"):
        vocabulary_of([np.arange(2**16 + 1).reshape(1, 1, -1)])
