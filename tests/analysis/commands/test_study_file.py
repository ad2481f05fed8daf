"""Options of a command in a study file: read by that command, below what is typed."""

from pathlib import Path

import pytest

from analysis.commands.options import parse_options
from analysis.concept.__main__ import COMMAND as CONCEPT
from analysis.concept.__main__ import Concept
from analysis.confusion.__main__ import COMMAND as CONFUSION
from analysis.confusion.__main__ import Confusion
from analysis.emergence.__main__ import COMMAND as EMERGENCE
from analysis.emergence.__main__ import Emergence
from data_prep.errors import UserError

FILE = """
seed = 3

[concept]
words = ["fundus", "retina \\"eye\\""]
export = true
layers = [3, 7]

[confusion]
attr = ["shape"]
words = {cube = "square,box"}
margin_bits = 0.25
say_3d = false
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    return path


def test_each_command_reads_the_plan_and_its_own_table(file):
    concept = parse_options(Concept, command=CONCEPT, arguments=["--study", str(file)])
    assert concept.words == ("fundus", 'retina "eye"')
    assert (concept.export, concept.layers, concept.plan.seed) == (True, (3, 7), 3)
    confusion = parse_options(Confusion, command=CONFUSION, arguments=["--study", str(file)])
    assert (confusion.attr, confusion.words) == (("shape",), {"cube": "square,box"})
    assert (confusion.margin_bits, confusion.say_3d) == (0.25, False)
    emergence = parse_options(Emergence, command=EMERGENCE, arguments=["--study", str(file)])
    assert (emergence.attr, emergence.plan.seed) == (("usual",), 3)


def test_the_command_line_has_the_last_word(file):
    typed = ["--study", str(file), "--words", "iris", "--no-export", "--layers", "--seed", "4"]
    concept = parse_options(Concept, command=CONCEPT, arguments=typed)
    assert (concept.words, concept.export, concept.layers) == (("iris",), False, ())
    assert concept.plan.seed == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "wrods = ['x']",
            r"unknown key 'wrods' in \[concept\] of .*: the keys of concept are words,",
        ),
        ("device = 'cpu'", r"unknown key 'device' in \[concept\]"),
        (
            "words = ['--trust-remote-code']",
            "must not begin with a hyphen, got '--trust-remote-code'",
        ),
        ("question = '-h'", "must not begin with a hyphen, got '-h'"),
        ("layers = [[3]]", r"layers in \[concept\] of .* must be text, a number or a list"),
        ("words = {a = {b = 'c'}}", "must be text, a number or a list"),
        ("table = 1979-05-27", "must be text, a number or a list of these, got datetime.date"),
        ("layers = ['x']", r"study.toml: .*--layers"),
        ("layers = [3]", "study.toml: .*--layers says what --export writes: add --export"),
        ("question = ''", "study.toml: .*--question needs a text"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_place(tmp_path, text, message):
    file = tmp_path / "study.toml"
    file.write_text(f"[concept]\n{text}\n")
    with pytest.raises(UserError, match=message):
        parse_options(Concept, command=CONCEPT, arguments=["--study", str(file)])


@pytest.mark.parametrize("text", ["[concepts]\nwords = ['x']", "concept = 3"])
def test_a_table_of_no_command_is_refused(tmp_path, text):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(UserError, match="options of a command go into a table of its name"):
        parse_options(Concept, command=CONCEPT, arguments=["--study", str(file)])
