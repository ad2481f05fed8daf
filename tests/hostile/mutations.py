"""Inputs of the kind that damaged disks, foreign tools and bad will make of good ones."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

_DEEP = "a nesting of 100,000"
VALUES: tuple[Any, ...] = (
    None, True, "", "x" * 100_000, 0, -1, 1, 3, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0,
    1e308, float("nan"), float("inf"), [], {}, [[]], [None], {"": None}, _DEEP, "../../etc/passwd",
    "/etc/passwd", "a/../../b", "\x00", "\x1b[31mred\x1b[0m", "\u202ereversed", "\ufeff", "\ud800",
    "caf\u00e9\u202f3", "<script>", "\\input{x}", "$(id)", "%s%n", "NaN", "-1", "1e999", ",", ";",
    "\n", "\r\n\r\n", "'\"", "<image>", "</s>", "{{ 1 }}", "con.png", "a" * 300,
)  # fmt: skip
"""What stands in the place of a good value."""


@st.composite
def damaged_bytes(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes with one to three damages: flipped, cut, doubled, put in, or of another
    encoding."""
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["flip", "set", "cut", "drop", "double", "insert", "tail"]))
        end = min(len(content), place + draw(st.sampled_from([1, 2, 4, 8, 64, 1000])))
        if kind == "flip" and content:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set" and content:
            content[place:end] = bytes([draw(st.sampled_from([0, 0x7F, 0x80, 0xFF]))]) * (
                end - place
            )
        elif kind == "cut":
            del content[place:]
        elif kind == "drop":
            del content[place:end]
        elif kind == "double":
            content[place:place] = content[place:end]
        elif kind == "insert":
            content[place:place] = draw(st.binary(max_size=64))
        else:
            content += draw(st.binary(max_size=64))
    return bytes(content)


@st.composite
def damaged_document(draw: st.DrawFn, good: Any) -> Any:
    """A JSON document in which one to three values are others, absent, doubled, or new."""
    document = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = _place(draw, document)
        if holder is None:
            return _value(draw)
        kind = draw(st.sampled_from(["value", "value", "value", "drop", "double", "new"]))
        if kind == "value":
            holder[key] = _value(draw)
        elif kind == "drop":
            del holder[key]
        elif kind == "double" and isinstance(holder, list):
            holder.append(holder[key])
        elif kind == "new" and isinstance(holder, dict):
            holder[draw(st.sampled_from(["", "x", "\x00", "__class__", "id"]))] = _value(draw)
    return document


def _value(draw: st.DrawFn) -> Any:
    """A copy of one, since the next damage may be done to it."""
    return deepcopy(draw(st.sampled_from(VALUES)))


def _place(draw: st.DrawFn, document: Any) -> tuple[Any, Any]:
    """A list or dictionary somewhere in the document, and one of its keys; None for a document
    without any."""
    holder, key, here = None, None, document
    while isinstance(here, (list, dict)) and here:
        keys = list(here) if isinstance(here, dict) else list(range(min(len(here), 3)))
        holder, key = here, draw(st.sampled_from(keys))
        here = here[key]
        if draw(st.integers(0, 3)) == 0:
            break
    return holder, key


def written_json(document: Any) -> bytes:
    """The document as a file may hold it, hostile values as they are written there."""
    text = json.dumps(document, ensure_ascii=True)
    deep = "[" * 100_000 + "]" * 100_000
    return text.replace(json.dumps(_DEEP), deep).encode()


@st.composite
def damaged_json(draw: st.DrawFn, good: Any) -> bytes:
    """A JSON file: values damaged, and now and then its bytes as well."""
    content = written_json(draw(damaged_document(good)))
    other = draw(st.integers(0, 9))
    if other == 0:
        return draw(damaged_bytes(content[:5000]))
    if other == 1:
        return draw(st.sampled_from([b"\xef\xbb\xbf" + content, content.decode().encode("utf-16")]))
    return content
