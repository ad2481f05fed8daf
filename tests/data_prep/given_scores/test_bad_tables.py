"""Tables of scores that are at fault: one line each that says what, where and what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from data_prep.errors import UserError
from data_prep.given_scores.data import open_scores_file
from data_prep.given_scores.from_arrays import scores_table
from data_prep.given_scores.scores import given_scores
from data_prep.given_scores.table_file import read_scores_file
from data_prep.sources import open_data
from tests.data_prep.given_scores.tables import ANSWERS, small_table

Change = Callable[[pd.DataFrame], pd.DataFrame]
LISTED = list(ANSWERS)


def with_cells(rows: Callable[[pd.DataFrame], pd.Series], column: object, value: object) -> Change:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({column: object}) if isinstance(value, str) else table
        table.loc[rows(table), column] = value  # type: ignore[index]
        return table

    return change


def first(table: pd.DataFrame) -> pd.Series:
    return pd.Series(table.index == 0)


def scaled(factor: float) -> Change:
    return lambda table: table.assign(**{name: table[name] * factor for name in LISTED})


def natural_probabilities(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: np.exp(table[name]) for name in LISTED})


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no rows": (lambda t: t.iloc[:0], "must hold at least 1 row"),
    "a column that is missing": (lambda t: t.drop(columns="scene"), "got no 'scene' among item"),
    "a column of another name": (lambda t: t.rename(columns={"text": "question"}), "no 'text'"),
    "two columns of one name": (
        lambda t: t.set_axis([*t.columns[:-1], "red"], axis=1), "two columns of one name"),
    "a text beside the answers": (lambda t: t.assign(model="llava"), "'model' must hold numbers"),
    "no answers": (lambda t: t.drop(columns=LISTED), "at least 2 answers"),
    "a single answer": (lambda t: t[[*t.columns[:7], "red"]], "at least 2 answers"),
    "a single filled answer": (
        lambda t: t.assign(blue=np.nan, green=np.nan), "'red' only: with a single possible"),
    "a right answer without a column": (
        lambda t: t.replace({"answer": {"red": "mauve"}}), r"\(red, blue, green\), got 'mauve'"),
    "a right answer with an empty column": (
        lambda t: t.assign(green=np.nan), r"\(red, blue\), got 'green'"),
    "NaN": (with_cells(first, "blue", np.nan), "item 'i0', real, layer 0.: no log-prob.* 'blue'"),
    "minus infinity": (with_cells(first, "blue", -np.inf), "finite number, got -inf for 'blue'"),
    "what float32 does not hold": (
        with_cells(first, "blue", -1e300), r"at least -1e\+30, got -1e\+300 for 'blue'"),
    "a mask's minus infinity": (
        with_cells(first, "blue", float(np.finfo(np.float32).min)), r"at least -1e\+30"),
    "above 0": (with_cells(first, "blue", 0.5), "at most 0, got 0.5 for 'blue': give log_softmax"),
    "probabilities": (natural_probabilities, "which are probabilities, and .* take log of them"),
    "log2": (scaled(1 / np.log(2)), "if the scores are log2.*multiply them by ln 2 = 0.693147"),
    "log10": (scaled(1 / np.log(10)), "if the scores are log10"),
    "a doubled row": (lambda t: pd.concat([t, t.iloc[[4]]]), "item 'i1', real, layer 1.: there is"),
    "a layer that is missing": (
        lambda t: t.drop(index=4), "lacks 1 of 36 rows, the first is item 'i1', condition real, "
        "layer 1"),
    "a condition of some items": (
        lambda t: t[(t["condition"] != "blank") | (t["item"] != "i3")], "'i3', condition blank"),
    "layers from 1 on": (lambda t: t.assign(layer=t["layer"] + 1), "got no layer 0: number them"),
    "a gap": (lambda t: t.replace({"layer": {2: 5}}), "got no layer 2: number them so"),
    "a negative layer": (lambda t: t.assign(layer=t["layer"] - 1), "whole number from 0"),
    "half a layer": (lambda t: t.assign(layer=t["layer"] / 2), "whole number from 0.*got 0.5"),
    "a single layer": (lambda t: t[t["layer"] == 0], "layers 0 to 1 are the least"),
    "a word for a layer": (lambda t: t.assign(layer="last"), "'layer' must hold numbers"),
    "no real rows": (lambda t: t[t["condition"] == "blank"], "no rows of condition real"),
    "another condition": (lambda t: t.replace("blank", "gray"), "must be real, .*'gray'"),
    "a scene that is missing": (with_cells(first, "scene", None), "row 1: no value for 'scene'"),
    "a blank text": (with_cells(first, "text", "  "), "row 1: no value for 'text'"),
    "an item of two scenes": (with_cells(first, "scene", "other"), "has one scene, got 's0' and"),
    "an item of two texts": (with_cells(first, "text", "Which?"), "an item has one text"),
    "control characters": (lambda t: t.replace("s1", "s\x1b[2J"), r"no control characters"),
    "an attribute for no file": (
        lambda t: t.assign(attribute="../Colour"), "got '../Colour': write 'colour'"),
    "a reserved attribute": (lambda t: t.assign(attribute="all"), "not all or usual, got 'all'"),
    "decimals for ids": (lambda t: t.assign(scene=0.5), "'scene' must hold texts or whole"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_one_line(name):
    change, expected = FAULTS[name]
    with pytest.raises(UserError, match=expected) as caught:
        given_scores(change(small_table()), "scores.parquet")
    said = str(caught.value)
    assert said.startswith("scores.parquet") or name in ("a reserved attribute",), said
    assert "\n" not in said
    assert "\x1b" not in said


def test_the_good_table_is_taken():
    given = given_scores(small_table(), "scores.parquet")
    assert given.answers == {"color": ANSWERS}


def test_more_scenes_than_there_are_cannot_be_asked_for():
    with pytest.raises(UserError, match="has 6 scenes, got --scenes 7"):
        given_scores(small_table(), "scores.parquet", limit=7)


def test_files_that_hold_no_table(tmp_path):
    named = tmp_path / "scores.txt"
    with pytest.raises(UserError, match=r"\.parquet or \.csv file"):
        read_scores_file(named)
    with pytest.raises(UserError, match=r"cannot read the scores .*No such file"):
        open_data(f"scores:{tmp_path / 'none.parquet'}")
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(UserError, match="got what is none"):
        read_scores_file(tmp_path / "folder.parquet")
    whole = tmp_path / "whole.parquet"
    small_table().to_parquet(whole)
    content = whole.read_bytes()
    for number, part in enumerate((b"", b"PAR1", content[:-40], content[40:])):
        damaged = tmp_path / f"{number}.parquet"
        damaged.write_bytes(part)
        with pytest.raises(UserError, match="must be a Parquet file, and is none or is damaged"):
            read_scores_file(damaged)


def test_texts_are_measured_before_they_are_unpacked(tmp_path, monkeypatch):
    table = small_table()
    table.assign(text="What is it? " * 500).to_parquet(tmp_path / "long.parquet")
    assert (tmp_path / "long.parquet").stat().st_size < 50_000
    read = read_scores_file(tmp_path / "long.parquet")
    pd.testing.assert_frame_equal(read, table.assign(text="What is it? " * 500))
    monkeypatch.setattr("data_prep.given_scores.table_file.MAX_TEXT_BYTES", 100_000)
    with pytest.raises(UserError, match=r"texts .* at most 100,000 bytes, got 2\d\d,\d\d\d"):
        read_scores_file(tmp_path / "long.parquet")
    table.to_parquet(tmp_path / "short.parquet")
    assert len(read_scores_file(tmp_path / "short.parquet")) == len(table)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize(
    "packing",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}},
    ],
    ids=["usual", "second version", "shared beginnings", "shared lengths"],
)
def test_however_texts_are_packed_they_are_read_and_measured(tmp_path, monkeypatch, kind, packing):
    table = pa.table(
        {"text": pa.array(["What is it?", None, "What is it?", "e"], kind), "x": [1.0, 2.0, 3.0, 4]}
    )
    pq.write_table(table, tmp_path / "it.parquet", **packing)
    read = read_scores_file(tmp_path / "it.parquet")
    assert read["text"].fillna("none").tolist() == ["What is it?", "none", "What is it?", "e"]
    assert read["x"].tolist() == [1.0, 2.0, 3.0, 4.0]
    monkeypatch.setattr("data_prep.given_scores.table_file.MAX_TEXT_BYTES", 20)
    with pytest.raises(UserError, match="the texts of a table of scores must have at most 20"):
        read_scores_file(tmp_path / "it.parquet")


@pytest.mark.parametrize("cells", [[["a"], ["b"]], [{"a": 1}, {"a": 2}], [b"a", b"b"]], ids=str)
def test_lists_records_and_bytes_are_not_unpacked(tmp_path, cells):
    pq.write_table(pa.table({"it": cells}), tmp_path / "it.parquet")
    with pytest.raises(UserError, match="column 'it' must hold numbers or texts, got"):
        read_scores_file(tmp_path / "it.parquet")


def test_a_csv_with_other_separators_is_named(tmp_path):
    file = tmp_path / "scores.csv"
    small_table().to_csv(file, sep=";", index=False)
    with pytest.raises(UserError, match="separated by semicolons, it seems: save it with commas"):
        open_scores_file(file)
    small_table().to_csv(file, index=False, decimal=",")
    with pytest.raises(UserError, match="must hold numbers, got '-"):
        open_scores_file(file)


def test_arrays_of_other_shapes_are_refused():
    items = small_table().drop_duplicates("item")
    with pytest.raises(UserError, match=r"\[item, layer, answer\] \(6, 3, 3\), got \(6, 2, 3\)"):
        scores_table(items, ANSWERS, real=np.zeros((6, 3, 3)), blank=np.zeros((6, 2, 3)))
    with pytest.raises(UserError, match="got no 'scene'"):
        scores_table(items.drop(columns="scene"), ANSWERS, real=np.zeros((6, 3, 3)))
