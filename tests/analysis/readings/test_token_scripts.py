"""Scripts by Unicode names, and tokens that would steer a terminal or a figure."""

import pytest
from matplotlib.figure import Figure

from analysis.readings.token_scripts import ONE_LANGUAGE, script_of
from analysis.reporting.token_labels import printed_token, shown


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (" red", "Latin"),
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
        ("\ufffd", "part of a character"),
    ],
)
def test_letters_tell_the_script(text, script):
    assert script_of(text) == script


def test_a_special_token_is_no_text():
    assert script_of("<image>", special=True) == "special token"


def test_scripts_of_many_languages_tell_none():
    assert not {"Latin", "Cyrillic", "Han", "Arabic", "Devanagari"} & set(ONE_LANGUAGE)


def test_printed_tokens_steer_no_terminal():
    assert printed_token("\x1b[2J\n\u202e") == r"'\x1b[2J\n\u202e'"
    assert printed_token("\u05e9") == "\u2068'\u05e9'\u2069"


def test_drawn_tokens_have_glyphs(tmp_path):
    figure = Figure()
    text = shown("$x_1$ \u4e2d\x00\U0001f600", space=False)
    assert text == "$x_1$ U+4E2DU+0000U+1F600" or "\U0001f600" in text
    figure.subplots().set_title(text, parse_math=False)
    figure.savefig(tmp_path / "title.png")  # a missing glyph would warn
