"""Studies as functions: the same as the commands, typed results, and nothing printed."""

import fcntl
import inspect
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from analysis.emergence import run
from analysis.notebook.html import html_table
from analysis.notebook.result import StudyResult
from analysis.notebook.rows import row_tables
from analysis.notebook.typed_words import command_words
from analysis.order.found import FullOrder
from analysis.tuned_lens.__main__ import TunedLensStudy
from data_prep.errors import UserError
from data_prep.files.lock import LOCK
from tests.test_every_option import COMMANDS

STUDIES = (
    "ablation", "causes", "compare", "concept", "confusion", "emergence", "examples", "explore",
    "hallucination", "mitigation", "order", "paraphrase", "pool", "probes", "trajectory",
    "tuned_lens", "worlds",
)  # fmt: skip


def is_free(folder: Path) -> bool:
    """Whether another process could write into the run."""
    file = folder / LOCK
    if not file.exists():
        return True
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_it_finds_what_the_command_finds_and_prints_nothing(quick, emergence, capsys):
    found = run(attr="color", **quick)
    assert capsys.readouterr() == ("", "")
    assert is_free(quick["run"])
    typed = emergence(["--attr", "color", "--run", quick["run"]])
    assert typed.code == 0
    assert found.text == str(found) == typed.out.rstrip("\n")
    (by_readout,) = found.found.attributes.values()
    (finding,) = by_readout.values()
    assert found.table["scenes"].tolist() == [finding.n_scenes]
    assert len(found.tables["attributes/color/logit_lens/layers"]) == len(finding.layers)
    page = found._repr_html_()
    assert "<td>color</td>" in page
    assert all(each.split()[0] in page for each in found.sentences)
    axes = found.draw()
    assert axes.get_xlabel().startswith("layer")
    assert found.draw("scale, color", ax=axes) is axes
    plt.close("all")
    with pytest.raises(UserError, match="figure must be one of emergence"):
        found.draw("nothing")


def test_what_a_command_refuses_is_refused_in_one_line_and_the_run_stays_free(quick, capsys):
    with pytest.raises(UserError, match="unknown attribute 'colour'"):
        run(attr="colour", **quick)
    with pytest.raises(UserError, match=r"unknown option 'atr': did you mean attr\?"):
        run(atr="color", **quick)
    with pytest.raises(UserError, match="level must lie between 0 and 1"):
        run(level=2, **quick)
    assert is_free(quick["run"])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_is_one_import_away_with_the_options_of_its_command(study):
    function = import_module(f"analysis.{study}").run
    kind = COMMANDS[f"analysis.{study}"]
    names = set(inspect.signature(function).parameters)
    assert {"level", "n_resamples"} <= names or study == "explore"
    assert names.isdisjoint({"plan", "declared", "plan_only"})
    assert str(kind.__doc__).splitlines()[0] in function.__doc__


def test_a_package_of_a_study_has_no_other_names():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        import_module("analysis.order").nothing  # noqa: B018  (asking for it is the test)


def test_values_are_typed_as_on_the_command_line():
    recipe = {"steps": 3, "learning_rate": 0.1}
    words = command_words(
        TunedLensStudy, {"recipe": recipe, "ask": {"a": "b c"}, "skip_broken": False, "seed": 1}
    )
    assert words == [
        "--recipe.steps=3", "--recipe.learning-rate=0.1", "--ask", "a=b c", "--no-skip-broken",
        "--seed=1",
    ]  # fmt: skip
    with pytest.raises(UserError, match="must not begin with a hyphen"):
        command_words(TunedLensStudy, {"lens_attributes": ["--run"]})


def test_findings_of_one_kind_with_names_are_a_table_and_a_single_one_is_its_parts():
    often = FullOrder(order=("color", "shape"), probability=0.75)
    rare = FullOrder(order=("shape", "color"), probability=0.25)
    assert row_tables({"often": often, "rare": rare}) == {
        "findings": [
            {"name": "often", "order": "color, shape", "probability": 0.75},
            {"name": "rare", "order": "shape, color", "probability": 0.25},
        ]
    }
    assert row_tables({"often": often}) == {}
    assert list(row_tables({"all": {"often": often, "rare": rare}})) == ["all"]


def test_texts_of_the_data_are_no_markup():
    rows = [{"<b>": "<script>alert(1)</script>", "n": 1.23456, "none": None, "yes": True}]
    result = StudyResult(
        found={}, folder=Path("<i>"), rows=tuple(rows), sentences=("a & b",), text="</pre><i>"
    )
    page = result._repr_html_()
    for mark in ("<script>", "<i>", "<b>alert"):
        assert mark not in page
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page
    assert "<td>yes</td>" in html_table(rows)
