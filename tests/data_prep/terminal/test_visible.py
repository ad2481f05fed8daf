"""Nothing in a text steers a terminal or a page, and words of any script stay as they are."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.terminal.visible import visible

STEERS = [*map(chr, range(0x00, 0x09)), *map(chr, range(0x0B, 0x20)), *map(chr, range(0x7F, 0xA0)),
          *"\u061c\u200e\u200f\u2028\u2029\ufff9\ufffb\ud800\udc80\udfff",
          *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]  # fmt: skip


@pytest.mark.parametrize("sign", STEERS, ids=ascii)
def test_what_steers_is_written_out(sign):
    assert re.fullmatch(r"a\\(x[0-9a-f]{2}|u[0-9a-f]{4}|r)b", visible(f"a{sign}b"))


@pytest.mark.parametrize(
    "text",
    ["plain", "two\nlines\tand a tab", "Ünïcödé", "\u4e2d\u56fd", "\u05d9\u05e8\u05d5\u05e7",
     "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f52c",
     "Vi\u1ec7t e\u0302\u0323", "a\u00a0b", r"C:\x1b"],
)  # fmt: skip
def test_words_stay(text):
    assert visible(text) == text


@given(text=st.text(st.characters(exclude_categories=())))
def test_nothing_that_steers_is_left_and_twice_is_once(text):
    found = visible(text)
    assert not [sign for sign in found if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")
                and sign not in "\n\t"]  # fmt: skip
    assert visible(found) == found


def test_hundreds_of_accents_are_written_out():
    assert visible("e" + "\u0301" * 8) == "e" + "\u0301" * 8
    assert visible("e" + "\u0301" * 10) == "e" + "\u0301" * 8 + r"\u0301\u0301"


def test_only_a_whole_quoted_isolate_may_pass():
    quoted = "\u2068'\u05d9\u05e8'\u2069"
    assert visible(f"a {quoted} b") == f"a {quoted} b"
    assert visible("\u2068'\u05d9\u202e'\u2069") == "\\u2068'\u05d9\\u202e'\\u2069"
    assert visible("\u2068no quotes\u2069") == r"\u2068no quotes\u2069"
