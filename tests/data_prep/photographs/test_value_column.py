"""A column for a decoder: numbers or labels, and what is neither."""

import pytest

from data_prep.errors import UserError
from data_prep.photographs.value_column import read_value_column


def written(folder, values, header="file,age"):
    file = folder / "t.csv"
    rows = [f"{number:02d}.png,{value}" for number, value in enumerate(values)]
    file.write_text("\n".join([header, *rows]), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5", "2.5", "3"], "number"),
        ([str(number) for number in range(30)], "number"),
        (["1", "2", "1"], "label"),
        (["1_000", "2.5", "3.5_5"], "label"),
        (["none", "1.5T", "3T"], "label"),
    ],
)
def test_the_kind_is_read_from_all_values(tmp_path, values, kind):
    assert read_value_column(written(tmp_path, values), "age").kind == kind


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["1.5", "nan", "3.5"], "auto", "must hold numbers or labels, got numbers and 'nan'"),
        (["1.5", "2.5", "N/A"], "auto", "got numbers and 'N/A'"),
        (["1.5", "nan", "3.5"], "number", "must hold numbers, got 'nan'"),
        (["1.5", "1e300", "3.5"], "number", r"within 1e\+100 of 0, got 1e\+300"),
        (["1.5", "1" * 400, "3.5"], "number", "must hold numbers, got '1111"),
        (["a", "b\x1b[31m", "c"], "auto", "row 3: a value of 'age' must hold no control"),
    ],
)
def test_values_that_are_neither(tmp_path, values, kind, message):
    with pytest.raises(UserError, match=message):
        read_value_column(written(tmp_path, values), "age", kind)


def test_a_row_names_its_image(tmp_path):
    for image in ("", "../a.png", "/etc/passwd"):
        (tmp_path / "t.csv").write_text(f"file,age\na.png,1\n{image},2\n")
        with pytest.raises(UserError, match="row 3: an image must lie inside"):
            read_value_column(tmp_path / "t.csv", "age")


def test_row_numbers_cannot_be_decoded(tmp_path):
    (tmp_path / "t.csv").write_text("Unnamed: 0,file,age\n0,a.png,1.5\n1,b.png,2\n")
    with pytest.raises(UserError, match="has no column 'Unnamed: 0': choose from age"):
        read_value_column(tmp_path / "t.csv", "Unnamed: 0")
