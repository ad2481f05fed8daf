"""Items of a run: the same, notes included, whenever they are asked for."""

from analysis.run.folder import claim
from analysis.run.items import askable_items, expected_items, items_of
from analysis.run.study import Study
from data_prep.sources import open_data


def test_items_and_their_notes_do_not_depend_on_what_else_the_run_holds(tmp_path):
    """A killed command that goes on finds more in the run than it found at first."""
    data = open_data("bundled")
    run = claim(tmp_path / "run", Study(), model_revision="r", data_fingerprint="f")
    first = items_of(run, data, "color")
    assert set(first.attrs["skipped"]) == {"color"}
    items_of(run, data, "shape")
    for again in (items_of, expected_items, askable_items):
        found = again(run, data, "color")
        assert found.equals(first)
        assert found.attrs == first.attrs
