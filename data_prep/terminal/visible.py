r"""Text that cannot steer what shows it: control characters are written out, such as \x1b.

Labels, file names and tokens may come from others. Raw, an escape sequence in one of them would
move the cursor, retitle the window or delete what stands above it; a bidi override would turn the
text beside it around.
"""

import re

_MOST_MARKS = 8
CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # direction of text
    "\u2028\u2029"  # line and paragraph separators
    "\ufff9-\ufffb"  # annotations, shown between lines or not at all
    "\ud800-\udfff"  # halves of characters, which no encoding can write
)
"""What steers, as the inside of a character class of `re`. Of line breaks it has all but the line
feed, and not the tab."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# No language puts more marks on a letter; hundreds of them cover the lines above and below.
_FLOOD = rf"(?<=[{_MARKS}]{{{_MOST_MARKS}}})[{_MARKS}]+"
# A quoted text from right to left, kept by `printed_token` from reversing the text beside it.
_ISOLATED = rf"(\u2068)('[^\n{CONTROLS}]*')(\u2069)"
_STEERS = re.compile(f"{_ISOLATED}|[{CONTROLS}]|{_FLOOD}")


def visible(text: str) -> str:
    r"""`text` with everything written out that would steer a terminal or a page.

    These are control characters (line feeds and tabs aside), bidi controls, line separators,
    halves of characters, and accents beyond eight on one letter. What is written out stays as it
    is when the function is applied again.

    >>> visible("red\x1b[2J")
    'red\\x1b[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return _STEERS.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    return found[0].encode("unicode_escape").decode("ascii")
