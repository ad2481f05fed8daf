"""The names of tokens that are kept in a run: what we would not have written is refused."""

import pytest

from analysis.capture.token_texts import _kept

TEXTS = ["red", "\u00b7red", "<2>"]


def test_what_was_written_is_read():
    found = _kept({"texts": TEXTS, "special": [2]}, 3)
    assert (found.of([1, 2]), found.special) == (["\u00b7red", "<2>"], frozenset({2}))
    # Signs of a newer Unicode than ours are no reason to refuse a run from another machine.
    assert _kept({"texts": ["\U000323b0", "a", "b"], "special": []}, 3)


@pytest.mark.parametrize(
    ("texts", "special", "said"),
    [
        (["red", "\x1b[2J", "<2>"], [], r"'\\x1b\[2J' is no name"),
        (["red", "a\nb", "<2>"], [], "is no name"),
        (["red", "\u202eder", "<2>"], [], "is no name"),
        (["red", "", "<2>"], [], "is no name"),
        (["red", "red", "<2>"], [], "the same name"),
        (["red", "green"], [], "need 3 texts"),
        (["red", "green", 3], [], "need 3 texts"),
        (TEXTS, [3], "numbers below 3"),
        (TEXTS, [-1], "numbers below 3"),
        (TEXTS, ["2"], "numbers below 3"),
        (TEXTS, [True], "numbers below 3"),
    ],
)
def test_what_was_not_written_by_us(texts, special, said):
    with pytest.raises(ValueError, match=said):
        _kept({"texts": texts, "special": special}, 3)
