"""Reads text files that come from elsewhere, in the encodings in which spreadsheets save them."""

import codecs
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.bounded import NoFileError, TooLargeError, bounded_content

MAX_TEXT_BYTES = 2**29
"""Largest size in bytes of a table or of a file of questions."""
# That of UTF-32 begins like that of UTF-16, so that it is looked for first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_foreign_text(file: Path, kind: str) -> str:
    """The text of a file in UTF-8, or in another Unicode encoding that its byte order mark names.

    `kind` says in messages what the file must be, such as "a CSV in UTF-8". UserError, with the
    number of the line, for bytes of another encoding and for the character NUL, which no text
    holds; also for a pipe or a device. OSError if the file cannot be read.
    """
    content = _content(file, kind)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        # The mark itself is no part of the text.
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"0x{content[error.start]:02x}" if error.start < len(content) else "an end"
        raise UserError(
            f"{str(file)!r} must be {kind}, line {line} holds {found}, which {encoding.upper()} "
            "does not allow there: save it again as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(
            f"{str(file)!r} must be {kind}, line {line} holds the character NUL, as UTF-16 and "
            "damaged files do: save it again as UTF-8"
        )
    return text


def _content(file: Path, kind: str) -> bytes:
    try:
        return bounded_content(file, MAX_TEXT_BYTES)
    except NoFileError as error:
        raise UserError(
            f"{str(file)!r} must be {kind}, got what is no file: name another one"
        ) from error
    except TooLargeError as error:
        raise UserError(
            f"{str(file)!r} must have at most {MAX_TEXT_BYTES:,} bytes, got more: take a part of it"
        ) from error
