"""What cannot be text is written out on the page, and what could end or begin a tag is escaped."""

import pytest

from paper.output.page import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a & <b>", "a &amp; &lt;b&gt;"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\x00b\x1b", r"a\x00b\x1b"),
        ("\ud800", r"\ud800"),
        ("\u4e2d\u56fd", "\u4e2d\u56fd"),
    ],
)
def test_escaped(text, shown):
    assert escape(text) == shown
    assert escape(text).encode()
