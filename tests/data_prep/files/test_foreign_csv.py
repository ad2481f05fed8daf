"""Tables as spreadsheets and pandas save them, and every way in which one can be broken."""

import os

import pytest

from data_prep.errors import UserError
from data_prep.files.foreign_csv import read_csv

PLAIN = "file,kind\na.png,red\nb.png,blue\n"


def written(folder, content):
    file = folder / "labels.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_how_it_was_saved_does_not_matter(tmp_path, encoding, end):
    table = read_csv(written(tmp_path, PLAIN.replace("\n", end).encode(encoding)))
    assert table.header == ("file", "kind")
    assert [dict(row) for row in table.rows] == [
        {"file": "a.png", "kind": "red"},
        {"file": "b.png", "kind": "blue"},
    ]


def test_blank_rows_are_passed_over_and_counted(tmp_path):
    table = read_csv(written(tmp_path, '\nfile,kind\n\n"a\nb.png", red\n,\n ,\nb.png,blue\n'))
    assert [row["kind"] for row in table.rows] == ["red", "blue"]
    assert [table.where(place) for place in (0, 1)] == ["labels.csv, row 4", "labels.csv, row 7"]


@pytest.mark.parametrize(
    ("header", "cells", "left_out"),
    [
        (",file,kind", ("0", "1"), {"unnamed_0": "numbers the rows"}),
        ("Unnamed: 0,file,kind", ("7", "3"), {"unnamed_0": "numbers the rows"}),
        ("Unnamed: 0.1,file,kind", ("0", "1"), {"unnamed_0": "numbers the rows"}),
        (",file,kind", ("", ""), {"unnamed_0": "holds nothing"}),
        (",file,unnamed 0", ("0", "1"), {"unnamed_0_": "numbers the rows"}),
    ],
)
def test_a_column_that_numbers_the_rows_is_left_out_and_told(tmp_path, header, cells, left_out):
    text = f"{header}\n{cells[0]},a.png,red\n{cells[1]},b.png,blue\n"
    table = read_csv(written(tmp_path, text))
    assert table.header == tuple(header.split(",")[1:])
    assert dict(table.left_out) == left_out


def test_columns_without_anything_are_left_out_however_many(tmp_path):
    table = read_csv(written(tmp_path, "file,kind,,\na.png,red,,\nb.png,blue,,\n"))
    assert dict(table.left_out) == {"unnamed_2": "holds nothing", "unnamed_3": "holds nothing"}


def test_a_table_of_too_many_cells_is_refused_and_blank_rows_count_for_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("data_prep.files.foreign_csv.MAX_CELLS", 6)
    assert len(read_csv(written(tmp_path, PLAIN + "\n,\n" * 50)).rows) == 2
    with pytest.raises(UserError, match="must have at most 6 cells, got more: take a part of it"):
        read_csv(written(tmp_path, PLAIN + "c.png,red\n"))


def test_names_for_columns_without_one_are_not_those_of_others(tmp_path):
    commas = "," * 3000
    text = f"file,kind,unnamed 2{commas}\na.png,red,x{commas}\nb.png,blue,y{commas}\n"
    table = read_csv(written(tmp_path, text))
    assert table.header == ("file", "kind", "unnamed 2")
    assert len(table.left_out) == 3000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file;kind\na.png;red\n", r"with commas, got 'file;kind' \(separated by semicolons"),
        ('"file";"kind"\n"a.png";"red"\n', "separated by semicolons"),
        ("file\tkind\na.png\tred\n", "separated by tabs"),
        ("file|kind\na.png|red\n", "separated by bars"),
        ("sep=;\nfile;kind\na.png;red\n", "separated by semicolons"),
        ("file\tkind\na\tred\n".encode("utf-16"), "separated by tabs"),
        ("file,kind,kind\na,b,c\n", "two columns of one name, got 'kind' twice"),
        (",file\ncat,a.png\ndog,b.png\n", "column 1 must have a name, got '' above 'cat'"),
        ("Unnamed: 0,file\ncat,a.png\n", "column 1 must have a name, got 'Unnamed: 0'"),
        ("file,kind\na.png\n", "labels.csv, row 2: must have 2 values like the header, got 1"),
        ("file,kind\n\na.png,b,c\n", "labels.csv, row 3: must have 2 values like the header"),
        ('file,kind\n"a.png,red\nb.png,blue\n', "what begins in line 2 is none"),
        ('file,kind\n"a"b.png,red\n', "what begins in line 2 is none"),
        (f"file,kind\na.png,red\nb.png,{'x' * 200_000}\n", "what begins in line 3 is none .field"),
        ("file,ki\x1bnd\na.png,b\n", "the name of a column must hold no control characters"),
        ("file,ki\u202end\na.png,b\n", "the name of a column must hold no control characters"),
        ("file,kind\na.png,\0\n", "line 2 holds the character NUL"),
        (PLAIN.encode("utf-16-le"), "line 1 holds the character NUL"),
        ("file,kind\na.png,caf\xe9\n".encode("cp1252"), "line 2 holds 0xe9, which UTF-8 does not"),
        (PLAIN.encode("utf-16")[:-1], "which UTF-16 does not allow there"),
        (b"", "must hold a header and at least 1 row, got 0"),
        (b"\xef\xbb\xbf\n\n", "must hold a header and at least 1 row, got 0"),
        ("file,kind\n,\n", "must hold a header and at least 1 row, got 1"),
    ],
)
def test_what_is_broken_is_named_in_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read_csv(written(tmp_path, content))
    assert "labels.csv" in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "folder.csv"):
        with pytest.raises(UserError, match="must be a CSV in UTF-8, got what is no file"):
            read_csv(tmp_path / name)
    with pytest.raises(UserError, match=r"cannot read the CSV '.*none\.csv': No such file"):
        read_csv(tmp_path / "none.csv")
