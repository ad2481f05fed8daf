"""What is escaped is shown as it was, and can be copied from the PDF again."""

import re
import unicodedata

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from paper.output.latex import typeset
from paper.prose.escape import _SHOWN, tex
from tests.paper.conftest import needs_tex, shown_by

ASCII = "".join(chr(code) for code in range(32, 127))
FOREIGN = "中国日本語Ωжקع😀\u0301\u200b▁Ġ"
texts = st.text(alphabet=st.sampled_from(ASCII + "".join(sorted(_SHOWN)) + FOREIGN), max_size=24)
SPECIAL = [
    ASCII[:40], ASCII[40:], "--- -- ,, ?` !` `` '' << >>", "\\input{/etc/passwd}", "$x_1^2$ & 50%",
    "#~", "fi fl ffi", "<|im_end|>", "[x]*", "\u22121 ≤ λ ≥ 2", "a\u00a0b", "Ünïcödé ß Łódź",
]  # fmt: skip


def expected(text: str) -> str:
    """What the PDF's text must be, spaces aside: unknown characters as their code points."""
    own = set(ASCII) | _SHOWN | set("\u2212≤≥λ\u00a0")
    shown = [c if c in own else f"U+{ord(c):04X}" for c in unicodedata.normalize("NFC", text)]
    return re.sub(r"\s", "", "".join(shown))


def copied(batch: list[str], folder) -> list[str]:
    """Each text, set by TeX on a page of its own and copied from the PDF."""
    preamble = (
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}"
        r"\usepackage{textcomp}\usepackage{mathptmx}\usepackage{amsmath}"
        r"\input{glyphtounicode}\pdfgentounicode=1\pagestyle{empty}\parindent0pt"
        r"\newcommand{\codepoint}[1]{U+#1}\begin{document}"
    )
    pages = [rf"\hbox{{(({tex(text)}))}}\newpage" + "\n" for text in batch]
    source = preamble + "".join(pages) + r"\end{document}"
    pdf = folder / "escape.pdf"
    pdf.write_bytes(typeset({"paper.tex": source.encode()}, None).pdf)
    text = unicodedata.normalize("NFC", shown_by("pdftotext", pdf, "-"))
    pages = [re.sub(r"\s", "", page) for page in text.split("\f")[:-1]]
    return [page.removeprefix("((").removesuffix("))") for page in pages]


@needs_tex
# No shrinking: each try is a run of TeX, and the comparison shows which text it was.
@settings(max_examples=4, phases=[Phase.generate])
@given(batch=st.lists(texts, min_size=60, max_size=60))
def test_any_text_comes_back_from_the_pdf(batch, tmp_path_factory):
    batch = [*batch, *SPECIAL]
    pages = copied(batch, tmp_path_factory.mktemp("tex"))
    assert len(pages) == len(batch)
    pairs = zip(pages, map(expected, batch), strict=True)
    assert [(page, text) for page, text in pairs if page != text] == []


@needs_tex
def test_an_unescaped_text_does_not_come_back(tmp_path, monkeypatch):
    # The control: without the table of ligatures the round trip must fail.
    monkeypatch.setattr("paper.prose.escape._COMMANDS", {})
    assert copied(["a--b ,,c"], tmp_path) != [expected("a--b ,,c")]


@given(text=st.text())
def test_nothing_of_a_text_is_a_command(text):
    escaped = tex(text)
    known = re.compile(r"\\(text[a-z]+\{\}|codepoint\{[0-9A-F]+\}|[{}$&#%_]|ensuremath\{-\}"
                       r"|ensuremath\{\\[a-z]+\})|\{[\[\]*]\}|[-,?!]\{\}")  # fmt: skip
    rest = known.sub("", escaped)
    assert not set(rest) & set("\\{}$&#%_^")
    assert rest.isprintable()


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x85", "\u2028", "\u202e", "\udc80"])
def test_what_is_no_text_is_its_code_point(sign):
    assert tex(f"a{sign}") == rf"a\codepoint{{{ord(sign):04X}}}"


@pytest.mark.parametrize("space", ["\n", "\t", "\r\n"])
def test_line_breaks_are_spaces(space):
    assert tex(f"a{space}b").split() == ["a", "b"]
