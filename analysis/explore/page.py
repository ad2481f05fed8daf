"""Builds the page as one file with template, style, script and data, which loads nothing else.

Token texts may come from others and are not trusted: the data stands in a block that is not run as
a script, everything that could end it or begin a tag is escaped, and the script writes text only,
in which control characters are written out.
The page's own policy allows this style and this script, by their hashes, and no request.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from data_prep.terminal.visible import visible

SCRIPTS = ("data.js", "image.js", "tables.js", "chart.js", "pairs.js", "words.js", "page.js")
"""The files of the page's script, in the order in which they are joined."""
MOST_BYTES = 2_000_000
"""Largest size of a page in bytes: a page of that size still opens at once on a phone."""
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}


def page(content: Mapping[str, Any]) -> bytes:
    """The page that shows what `page_content` gave."""
    style = "\n" + _file("page.css")
    parts = "\n".join(_file(name) for name in SCRIPTS)
    script = f'\n(() => {{\n"use strict";\n{parts}}})();\n'
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    return (
        Template(_file("page.html"))
        .substitute(
            policy=policy,
            title=escape(str(content["title"])),
            style=style,
            data=json_block(_visible(content)),
            script=script,
        )
        .encode()
    )


def json_block(content: Mapping[str, Any]) -> str:
    """JSON in ASCII that can neither end an element nor begin one, whatever texts it holds."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _visible(content: Any) -> Any:
    """The content with all its texts as `visible` writes them, keys as well: they are looked up by
    such texts."""
    if isinstance(content, str):
        return visible(content)
    if isinstance(content, Mapping):
        return {_visible(key): _visible(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_visible(each) for each in content]
    return content


def _file(name: str) -> str:
    return files("analysis.explore").joinpath("browser", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
