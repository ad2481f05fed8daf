"""The best guess from the text: exact on small tables, and half on balanced ones."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.absence.text_only import text_only_accuracy

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["yes", "no", ""])), min_size=1)


@given(ROWS)
def test_it_is_the_best_of_all_answers_by_text(rows):
    best = 0
    for text in "abc":
        own = [answer for each, answer in rows if each == text]
        best += max(own.count(answer) for answer in ("yes", "no", ""))
    items = pd.DataFrame(rows, columns=["question", "answer"])
    assert text_only_accuracy(items) == pytest.approx(best / len(rows))


def test_a_text_that_gives_its_answer_away_is_found():
    items = pd.DataFrame({"question": ["a", "a", "b", "b"], "present": [True, True, False, False]})
    assert text_only_accuracy(items, "present") == 1.0
    assert text_only_accuracy(items.assign(question="a"), "present") == 0.5


def test_no_items_are_refused():
    with pytest.raises(ValueError, match="at least 1 item, got 0"):
        text_only_accuracy(pd.DataFrame({"question": [], "answer": []}))
