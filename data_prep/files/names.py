"""Which names of files can be kept, shown and written."""

import unicodedata

_REFUSED = ("Cc", "Cs")


def is_plain(name: str) -> bool:
    """Whether a name holds no control character and no surrogate (which stands for bytes that are
    no UTF-8).

    All else is taken, also blanks and joiners that are not printable on their own: a screenshot of
    macOS has U+202F in its name, a Persian word U+200C.

    >>> is_plain("Screenshot 9.41.00\\u202fPM.png"), is_plain("a\\nb.png"), is_plain("\\udce9.png")
    (True, False, False)
    """
    return all(unicodedata.category(each) not in _REFUSED for each in name)
