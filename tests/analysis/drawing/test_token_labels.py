"""Tokens in figures and in a terminal: whole, apart from one another, and steering nothing."""

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import TextPath

from analysis.drawing.glyphs import cut, drawn, families
from analysis.drawing.token_labels import TokenLabel, printed_token, shown, token_labels
from probes.token_names import text_of, written

signs = st.characters(exclude_categories=["Cs"])
OWN = ("DejaVu Sans", "STIXGeneral", "Last Resort High-Efficiency")


@pytest.fixture
def shipped_fonts(monkeypatch) -> None:
    """Those that come with matplotlib, whatever else the machine has."""
    entries = [entry for entry in fontManager.ttflist if entry.name in OWN]
    monkeypatch.setattr(fontManager, "ttflist", entries)


def label_of(name: str) -> TokenLabel:
    (label,) = token_labels([name], most=10**6)
    return label


@pytest.mark.usefixtures("shipped_fonts")
@pytest.mark.parametrize(
    ("text", "label"),
    [
        (" red", "\u00b7red"),
        (" \u4e2d\u56fd", "\u00b7U+4E2DU+56FD"),
        ("a\u4e2d\u200b", "U+0061U+4E2DU+200B"),
        ("\u043c\u0438\u0440", "\u043c\u0438\u0440"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("\u0633\u0644\u0627\u0645", "\u0633\u0644\u0627\u0645"),
        ("\n", r"\n"),
        ("$x_1$", "$x_1$"),
    ],
)
def test_a_token_is_whole_by_its_signs_or_by_its_codes(text, label):
    assert label_of(written(text)).text == label


@pytest.mark.usefixtures("shipped_fonts")
def test_the_number_of_a_token_stays():
    assert label_of("\u4e2d<600>").text == "U+4E2D<600>"
    assert label_of("<0xE4 0xB8>").text == "<0xE4 0xB8>"


@pytest.mark.usefixtures("shipped_fonts")
def test_another_font_is_taken_if_it_has_what_is_lacking():
    assert families("red") == mpl.rcParams["font.family"]
    script = "\U0001d49c"  # a letter of mathematics
    assert families(script) == [*mpl.rcParams["font.family"], "STIXGeneral"]
    with mpl.rc_context({"font.family": ["STIXGeneral"]}):
        assert families("a\u05d0") == ["STIXGeneral", "DejaVu Sans"]
        assert families("a\u4e2d") is None, "boxes are no letters"


@pytest.mark.usefixtures("shipped_fonts")
def test_the_other_font_is_drawn(tmp_path):
    with mpl.rc_context({"font.family": ["STIXGeneral"]}):
        figure = Figure()
        text = figure.text(0.5, 0.5, "")
        label_of("\u05e9\u05dc$").put(text)
        assert text.get_text() == "\u05e9\u05dc$"
        for ending in ("png", "pdf", "svg"):  # a missing glyph would warn, and a formula raise
            figure.savefig(tmp_path / f"token.{ending}")


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_matplotlib_sets_hebrew_from_right_to_left_and_joins_arabic():
    """What this relies on, and does not do itself."""
    font = FontProperties(family="DejaVu Sans")

    def path(text: str) -> list:
        return TextPath((0, 0), text, prop=font).vertices.round(3).tolist()

    left_to_right = "\u202d{}\u202c".format
    hebrew = "\u05e9\u05dc"
    assert path(hebrew) == path(left_to_right(hebrew[::-1]))
    assert path(hebrew) != path(left_to_right(hebrew))
    apart = "\u0633\u200c\u0644"
    assert path("\u0633\u0644") != path(apart)


@pytest.mark.usefixtures("shipped_fonts")
@given(texts=st.lists(st.text(signs, min_size=1, max_size=12), max_size=8, unique=True))
def test_labels_are_of_one_token_each(texts):
    names = [written(text) for text in texts]
    labels = [label.text for label in token_labels(names)]
    assert len(set(labels)) == len(labels)
    for name in names:
        assert text_of(label_of(name).text) == text_of(name)


def test_long_tokens_are_cut_but_not_to_the_same():
    names = ["\u00b7informational", "\u00b7informationals", "\u00b7red"]
    assert [label.text for label in token_labels(names, most=12)] == [*names[:2], "\u00b7red"]
    other = ["\u00b7information\u00b7theory", "\u00b7informal\u00b7education", "\u00b7red"]
    assert [label.text for label in token_labels(other, most=12)] == [
        "\u00b7informatio\u2026", "\u00b7informal\u00b7e\u2026", "\u00b7red",
    ]  # fmt: skip
    japanese = "\u00b7U+65E5U+672CU+8A9E"
    assert [label.text for label in token_labels([japanese])] == [japanese]
    assert cut("U+4E2DU+56FD", 9) == "U+4E2D\u2026"
    assert cut("<0xE4 0xB8 0xAD>", 9) == "<0xE4 0xB8 0xAD>"


def test_printed_tokens_steer_no_terminal():
    assert printed_token(written("\x1b[2J\n\u202e")) == r"'U+001B[2J\nU+202E'"
    assert printed_token("\x1b[2J\n\u202e") == "'U+001B[2JU+000AU+202E'"
    assert printed_token("\u05e9") == "\u2068'\u05e9'\u2069"
    assert printed_token("\u00b7red") == "'\u00b7red'"


@given(text=st.text())
def test_nothing_printed_steers_a_terminal(text):
    for name in (text, written(text)):
        assert printed_token(name).strip("\u2068\u2069").isprintable()


@pytest.mark.usefixtures("shipped_fonts")
def test_captions_keep_their_words(tmp_path):
    figure = Figure()
    text = shown("$x_1$ \u4e2d\u56fda b\x00 ")
    assert text == "$x_1$ U+4E2DU+56FDU+0061 bU+0000 "
    figure.subplots().set_title(text, parse_math=False)
    figure.savefig(tmp_path / "title.png")  # a missing glyph would warn
    assert shown("\u00b7metallic\u00b7", space=True) == "\u00b7metalli\u2026"
    assert shown(" metal", space=True) == "\u00b7metal"
    assert drawn("a  \n\u4e2d\u56fd") == "a U+4E2DU+56FD"
