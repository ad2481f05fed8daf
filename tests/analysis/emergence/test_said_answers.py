"""What the model says beside what is read: shares of items, and the items themselves."""

import numpy as np
import pandas as pd
import pytest

from analysis.emergence.answers_report import said_text
from analysis.emergence.found import Said
from analysis.emergence.said_answers import SaidAnswers, said_results
from analysis.typed import read_back, written


@pytest.fixture
def found() -> Said:
    """Four items of three scenes; of the third, something else is said, the fourth differs."""
    items = pd.DataFrame(
        {
            "item_id": ["a/1", "a/2", "b/1", "c/1"],
            "scene_id": ["a", "a", "b", "c"],
            "question": ["What color?"] * 4,
            "answer": ["red", "blue", "red", "blue"],
        }
    )
    answers = SaidAnswers(
        items=items,
        answers=("red", "blue"),
        texts=("red", "Blue", "a ball", "red"),
        said=np.array([0, 1, -1, 0]),
        read=np.array([0, 1, 0, 1]),
    )
    return said_results(answers, level=0.95)


def test_shares_are_of_all_items(found):
    assert (found.n_items, found.n_scenes) == (4, 3)
    counted = {"agree": 2, "said_right": 2, "read_right": 4, "other": 1}
    for name, n in counted.items():
        share = getattr(found, name)
        assert (share.n, share.share) == (n, n / 4), name
        assert 0 <= share.low <= share.share <= share.high <= 1, name


def test_each_item_has_its_text_and_what_differs_is_said_first(found):
    assert [item.said for item in found.items] == ["red", "blue", "", "red"]
    assert [item.agrees for item in found.items] == [True, True, False, False]
    text = said_text("color", found)
    rows = [text.index(item) for item in ("b/1", "c/1", "a/1", "a/2")]
    assert rows == sorted(rows)
    assert text.count("differs") == 2
    assert "in 2 of 4 items (50.0%" in text
    assert "1 times it says none of the answers" in text


def test_it_is_read_back_as_it_was_written(found):
    assert read_back(Said, written(found), "results.json") == found
