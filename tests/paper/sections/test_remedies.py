"""The section on trainings against hallucination, from results that come with the package."""

from fnmatch import fnmatchcase

import pytest
from matplotlib.figure import Figure

from analysis.remedies.found import Remedied
from paper.evidence.record import RunRecord
from paper.prose.parse import parse
from paper.prose.rules import keys, require_no_number
from paper.sections import levels, remedies
from paper.sections.remedies import SECTION
from tests.analysis.remedies.made_up import remedied
from tests.paper.conftest import changed_record, section_table


@pytest.fixture
def kept(monkeypatch) -> Remedied:
    found = remedied()
    monkeypatch.setattr(remedies, "kept_remedies", lambda: found)
    return found


def test_it_is_shown_of_the_bundled_model_and_where_there_are_results(record: RunRecord, kept):
    assert SECTION.holds(record)
    other = changed_record(record, lambda content: content.update(model="another"))
    assert not SECTION.holds(other)


def test_it_is_left_out_without_results(record: RunRecord, monkeypatch):
    monkeypatch.setattr(remedies, "kept_remedies", lambda: None)
    assert not SECTION.holds(record)


def test_the_text_names_what_there_is_and_holds_no_number(record: RunRecord, kept, monkeypatch):
    tree = parse(SECTION.text(record), "remedies")
    require_no_number(tree, "remedies")
    tables = [each.name for each in SECTION.tables(record)]
    assert list(keys(tree, "placetable")) == tables == ["remedies", "remedies-differences"]
    alone = remedied(("plain",), (0,))
    monkeypatch.setattr(remedies, "kept_remedies", lambda: alone)
    tree = parse(SECTION.text(record), "remedies")
    assert list(keys(tree, "placetable")) == [each.name for each in SECTION.tables(record)]
    assert set(keys(tree, "tabref")) == {"remedies"}


def test_tables_hold_every_model_and_what_is_shown(record: RunRecord, kept):
    models = section_table(SECTION, record, "remedies").frame
    assert len(models) == len(kept.models)
    frame = section_table(SECTION, record, "remedies-differences").frame
    arms = zip(frame["arm"], frame["measure"], strict=True)
    shown = dict(zip(arms, frame["shown"], strict=True))
    assert shown["none5", "none where absent"] == "raises"
    assert shown["none5", "right where there"] == "no harm"
    assert shown["none5", "yes"] == "nothing"
    assert shown["contrast", "yes"] == "lowers"


def test_it_says_from_which_model_the_arms_start(record: RunRecord, kept, monkeypatch):
    earlier = section_table(SECTION, record, "remedies").caption
    assert "from an earlier state of the bundled model, not from that" in earlier
    monkeypatch.setattr(remedies, "folder_identity", lambda _: kept.start)
    now = section_table(SECTION, record, "remedies").caption
    assert "from the model of the other sections" in now


def test_of_one_seed_the_table_says_so(record: RunRecord, monkeypatch):
    monkeypatch.setattr(remedies, "kept_remedies", lambda: remedied(("plain", "none5"), (0,)))
    frame = section_table(SECTION, record, "remedies-differences").frame
    assert set(frame["shown"]) == {"one seed"}
    assert set(frame["p"]) == {""}


def test_every_interval_and_p_has_its_meaning(record: RunRecord, kept):
    columns = {
        f"{table.name}/{column}"
        for table in SECTION.tables(record)
        for column in table.frame.columns
    }
    named = {pattern for one in levels._REMEDIES for pattern in one.columns}
    assert named <= columns
    looks = {each for each in columns if "(CI)" in each or each.partition("/")[2].startswith("p")}
    assert all(any(fnmatchcase(each, pattern) for pattern in named) for each in looks)


def test_the_figure_is_drawn(record: RunRecord, kept):
    (figure,) = SECTION.figures(record)
    canvas = Figure(figsize=figure.size, layout="constrained")
    figure.draw(canvas)
    canvas.draw_without_rendering()
    assert "800 questions about 400 scenes" in figure.caption
