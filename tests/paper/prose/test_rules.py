"""The text holds no number that somebody typed, and asks for nothing that there is not."""

import re

import pytest

from data_prep.errors import UserError
from paper.manuscript import manuscript
from paper.prose.citations import read_works
from paper.prose.parse import Command, Text, parse, walk
from paper.prose.rules import keys, require_known, require_no_number
from paper.sections import all_sections


def checked(text: str) -> None:
    require_no_number(parse(text, "a.tex"), "a.tex")


def test_the_paper_holds_no_number_typed_by_hand(run_folder):
    from paper.evidence.record import read_record

    record = read_record(run_folder, "run")
    sections = [
        (section, record, section.text(record))
        for section in all_sections()
        if section.about == "run" and section.holds(record)
    ]
    text = manuscript(sections, [record])  # refuses
    seen = [node for tree in text.trees.values() for node in walk(tree) if isinstance(node, Text)]
    assert sum(len(node.text.split()) for node in seen) > 2500
    assert len(sections) >= 9


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Color emerges at layer 3.8.", "3.8."),
        ("A line.\n\nWith \\emph{95\\% of them}.", "95%"),
        ("All three attributes emerge.", "three"),
        ("some\n\\begin{itemize}\\item a 2x gain\\end{itemize}", "2x"),
        ("It is $0.83$ bits.", "0.83"),
        ("\\section{On 5 things}", "5"),
        ("p\u00a0<\u00a0.001", ".001"),
        ("about a Hundred scenes", "Hundred"),
    ],
)
def test_a_number_typed_by_hand_is_refused_with_its_place(text, number):
    with pytest.raises(UserError, match=re.escape(f"the number {number!r} is typed by hand")):
        checked(text)


def test_the_line_is_named():
    with pytest.raises(UserError, match=r"a\.tex, line 3: the number '12'"):
        checked("first\n\nsecond 12")


@pytest.mark.parametrize(
    "text",
    [
        "As \\citet{neo2024} say, \\val{color.p95} of $\\lambda_{1/2}$ in GPT-2.",
        "One of the two. % 3 in a comment\nThat is \\ref",
        "A one-sided test, and often none; someone is attentive.",
    ],
)
def test_years_keys_names_and_definitions_are_no_typed_numbers(text):
    checked(text.replace("\\ref", ""))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\\textsc{x}", "unknown command \\textsc"),
        ("\\begin{tikzpicture}\\end{tikzpicture}", "unknown environment tikzpicture"),
        ("\\emph{open", "no end of '}'"),
        ("\\begin{itemize}", "no end of 'itemize'"),
        ("a } b", "'}' has no meaning here"),
        ("\\val color", "\\val needs a key in braces"),
        ("\\emph x", "\\emph needs an argument"),
        ("100 $", "'$' has no meaning here"),
        ("\\end{itemize}", "\\end{itemize} closes nothing"),
    ],
)
def test_what_is_no_part_of_our_tex_is_refused_with_its_line(text, complaint):
    with pytest.raises(UserError, match=re.escape(f"a.tex, line 2: {complaint}")) as raised:
        parse("\n" + text, "a.tex")
    assert "\n" not in str(raised.value)


def test_keys_are_found_wherever_they_stand():
    tree = parse("\\section{A \\val{b}}\\begin{itemize}\\item \\val{c}\\end{itemize}", "a.tex")
    assert keys(tree, "val") == ["b", "c"]
    assert keys(parse("\\citep{x, y}", "a.tex"), "citep") == ["x", "y"]
    with pytest.raises(UserError, match=r"a\.tex names the work 'y', which there is not"):
        require_known(["x", "y"], ["x"], "work", "a.tex")


def test_signs_are_read_as_they_are_printed():
    tree = parse("``a'' -- b~c\\%", "a.tex")
    assert "".join(node.text for node in tree if isinstance(node, Text)) == "“a” \u2013 b\u00a0c%"


def test_every_work_that_is_cited_is_listed_with_what_a_reader_needs():
    from paper.assemble import _source

    works = read_works(_source("refs.bib"), "refs.bib")
    assert works["belrose2023"].short == "Belrose et al."
    assert works["hewitt2019"].short == "Hewitt and Liang"
    assert works["nostalgebraist2020"].short == "nostalgebraist"
    assert all(re.fullmatch(r"(19|20)\d\d", work.year) for work in works.values())
    assert all(work.url.startswith("https://") for work in works.values() if work.url)
    with pytest.raises(UserError, match="x has no author"):
        read_works("@misc{x,\n  year = {2000},\n}\n", "refs.bib")
    cited = parse("\\citep{belrose2023}", "a.tex")[0]
    assert isinstance(cited, Command)
