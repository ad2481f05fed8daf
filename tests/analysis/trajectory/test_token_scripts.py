"""Scripts by the Unicode names of a token's letters."""

import pytest

from analysis.trajectory.token_scripts import ONE_LANGUAGE, script_of
from probes.token_names import written


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (" red", "Latin"),
        ("\u200b\u4e2d", "Han"),
        ("\u00b7\n\u200b", "no letters"),
        ("<600>", "no letters"),
        ("\u00e9t\u00e9", "Latin"),
        ("\uff41\uff42", "Latin"),  # full width
        ("\u043c\u0438\u0440", "Cyrillic"),
        ("\u4e2d\u56fd", "Han"),
        ("\u3005", "Han"),
        ("\u306e", "Hiragana"),
        ("\u30ab\u30fc", "Katakana"),
        ("\uff76", "Katakana"),  # half width
        ("\ud55c\uad6d", "Hangul"),
        ("\u0627\u0644", "Arabic"),
        ("\u05e9\u05dc", "Hebrew"),
        ("\u0e01", "Thai"),
        ("\u0915\u093e", "Devanagari"),
        ("\U0001d400", "other letters"),
        ("a\u4e2d", "mixed"),
        ("ab\u4e2d", "Latin"),
        (" 42!", "no letters"),
        ("", "no letters"),
        ("\u200f", "no letters"),
        ("\ufffd", "no letters"),
        ("e\u0301\u05e9\u05dc", "Hebrew"),
    ],
)
def test_letters_tell_the_script(text, script):
    assert script_of(written(text)) == script


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("<0xE4>", "part of a character"),
        ("<0xE4 0xB8>", "part of a character"),
        ("<0x0A>", "no letters"),
        ("<0x41>", "Latin"),
        ("<600>", "no letters"),
        ("\u00b7\u4e2d<600>", "Han"),
        ("\\n", "no letters"),
        ("U+200B", "no letters"),
    ],
)
def test_names_that_are_made_are_no_letters(name, script):
    assert script_of(name) == script


def test_a_special_token_is_no_text():
    assert script_of("<image>", special=True) == "special token"


def test_scripts_of_many_languages_tell_none():
    assert not {"Latin", "Cyrillic", "Han", "Arabic", "Devanagari"} & set(ONE_LANGUAGE)
