"""Figures of the literature: each has its place and its source, and is set beside the same method
of a run."""

import re

import pytest

from analysis.mitigation.literature import Literature, baseline_text, here_text, literature
from analysis.mitigation.methods import declining, inside, shifted
from analysis.mitigation.methods.away import AWAY
from analysis.mitigation.methods.decodings import decodings
from analysis.mitigation.passes.setup import METHOD_NAMES
from analysis.typed import read_back
from data_prep.errors import UserError
from paper.assemble import _source
from paper.prose.citations import read_works
from tests.paper.made_up_absence import mitigated

ROW = {"method": "A", "cites": "leng2024", "arxiv": "2311.16922", "model": "M", "benchmark": "B",
       "measure": "right, %", "baseline": 83.2, "reported": 87.7, "decoding": ["beam"],
       "place": "Table 1", "source": "second hand"}  # fmt: skip


def test_every_figure_has_a_place_a_source_and_a_work():
    works = read_works(_source("refs.bib"), "refs.bib")
    for row in literature():
        assert row.place.strip()
        assert row.cites in works
        assert re.fullmatch(r"\d{4}\.\d{5}", row.arxiv)
        assert row.arxiv in works[row.cites].url
        assert row.measure.endswith("%")
        assert 0 < row.reported <= 100


@pytest.mark.parametrize("lacking", ["place", "source", "reported", "measure", "decoding"])
def test_a_row_that_lacks_a_fact_is_refused(lacking):
    row = {name: value for name, value in ROW.items() if name != lacking}
    with pytest.raises(UserError, match=f"rows/0/{lacking}"):
        read_back(Literature, {"rows": [row]}, "the table")


def test_a_source_or_a_fact_that_nobody_declared_is_refused():
    for changed in ({"source": "memory"}, {"decoding": ["guessed"]}, {"figure": 1.0}):
        with pytest.raises(UserError, match="rows/0"):
            read_back(Literature, {"rows": [ROW | changed]}, "the table")
    assert read_back(Literature, {"rows": [ROW]}, "the table").rows[0].here is None


def test_the_works_that_are_compared():
    assert {row.arxiv for row in literature()} >= {
        "2311.16922", "2403.18715", "2605.14621", "2410.11779", "2407.21771", "2410.02762",
        "2311.17911", "2504.15707", "2504.10020",
    }  # fmt: skip


def test_methods_of_a_run_are_named_as_the_run_names_them():
    known = {each.name for each in decodings(32, METHOD_NAMES)}
    known |= {AWAY, inside.GUIDED, inside.CUT, shifted.SHIFTED, declining.BY_PROBE}
    named = {row.here for row in literature() if row.here is not None}
    assert named <= known
    assert len(named) > 8


def test_the_baseline_is_named_with_how_it_decodes():
    by = {row.method: baseline_text(row) for row in literature()}
    assert by["VCD"] == "83.29 (sampled)"
    assert by["SIRA"] == "83.29 (not stated; as VCD's sampled one)"
    assert by["ProjectAway"] == "(beam search)"
    assert by["DeCo"] == "(greedy, beam search, sampled)"
    assert by["labels looked at again"] == ""


def test_what_this_run_found_of_the_same_method():
    found = mitigated()
    by = {row.method: here_text(row, found) for row in literature()}
    assert by["VCD"] == "no gain: +.001 (-.011 to +.013)"
    assert by["SIRA"] == "loss: -.021 (-.033 to -.009)"
    assert by["yes where both are close"] == "no gain: .000 (-.012 to +.012)"
    assert by["ICD"] == by["OPERA"] == "not tried"
    assert by["labels looked at again"] == "no method"
