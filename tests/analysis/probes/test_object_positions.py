"""Probes at the tokens of objects, with a processor that crops some of the objects away."""

import shutil

import pytest

from analysis.capture.object_places import object_squares, shown_items
from analysis.commands.options import open_run, parse_options
from analysis.probes.__main__ import COMMAND, Probes, main
from analysis.run.items import items_of
from tests.analysis.conftest import results_of, write_noise
from tests.probes.families.small import save

# Of images 48 pixels wide and 16 high, LLaVA's processor shows columns 16 to 31. Objects stand at
# 0, 10, 20 and 30.
SHOWN = {20.0, 30.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("cropped")
    write_noise(place / "clevr", 150, width=48)
    save("llava", place / "model")
    return place


def options(place, run) -> Probes:
    arguments = [
        *("--model", place / "model", "--data", f"clevr:{place / 'clevr'}", "--run", run),
        *("--attr", "size", "--position", "object", "--min-scenes-per-text", "5"),
        *("--n-resamples", "800"),
    ]
    return parse_options(Probes, command=COMMAND, arguments=[str(each) for each in arguments])


def test_items_whose_object_is_not_shown_are_left_out_and_counted(folders, tmp_path, capsys):
    chosen = options(folders, tmp_path / "run")
    main(chosen)
    found = results_of(tmp_path / "run")["studies"]["probes"]["object"]["size"]
    opened = open_run(chosen)
    items = items_of(opened.run, opened.data, "size")
    squares = object_squares(opened, items)
    seen = sum(squares[f"real:{each}"].x_px in SHOWN for each in items["item_id"])
    assert 0 < seen < len(items)
    assert found["n_items"] == seen
    note = f"items whose object the processor crops away: {len(items) - seen}"
    assert note in found["left_out"]
    assert note in capsys.readouterr().out.replace("\n", " ")


def test_where_they_are_captured_no_model_is_asked(folders, tmp_path):
    chosen = options(folders, tmp_path / "run")
    main(chosen)
    opened = open_run(chosen)
    items = items_of(opened.run, opened.data, "size")
    before = shown_items(opened, items)
    shutil.copytree(folders / "model", tmp_path / "kept")
    shutil.rmtree(folders / "model")
    try:
        again = shown_items(open_run(chosen), items)
    finally:
        shutil.copytree(tmp_path / "kept", folders / "model")
    assert again["item_id"].tolist() == before["item_id"].tolist()
