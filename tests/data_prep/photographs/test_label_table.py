"""Labels in a CSV: which images they are about, and which columns are none."""

import pytest

from data_prep.errors import UserError
from data_prep.files.tree import Folder
from data_prep.photographs.label_table import read_label_table
from tests.data_prep.photographs.made_up import write_images


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "birds", [""], 3)


def read(folder, *rows, **options):
    (folder / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    return read_label_table(folder / "t.csv", Folder(folder), **options)


def test_an_image_that_is_not_there_is_kept_as_a_broken_one(folder):
    rows = ("file,kind", "000.png,a", "nowhere.png,b", "001.png,b")
    assert read(folder, *rows).labels["nowhere.png"] == {"kind": "b"}
    # Where the folder says which images there are, a row about another would be lost silently.
    with pytest.raises(UserError, match=r"row 3: no image 'nowhere.png' in .* \(1 of 3 missing"):
        read(folder, *rows, needed=False)


def test_if_no_image_is_there_the_folder_is_the_wrong_one(folder):
    with pytest.raises(UserError, match=r"row 2: no image 'a/0.png' in .* \(2 of 2 missing\)"):
        read(folder, "file,kind", "a/0.png,a", "a/1.png,b")


def test_a_column_of_row_numbers_cannot_be_asked(folder):
    table = read(folder, ",file,kind", "0,000.png,a", "1,001.png,b")
    assert list(table.values) == ["kind"]
    assert table.left_out == {"unnamed_0": "numbers the rows"}


def test_decimals_are_no_labels_whatever_the_sign_between_them(folder):
    table = read(folder, "file,kind,x", '000.png,a,"0,5"', '001.png,b,"1,5"', '002.png,b,"0,5"')
    assert table.left_out["x"].startswith("holds numbers with decimals")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["file,kind", "000.png,a\x1b[31m", "001.png,b"], "t.csv, row 2: a label .* no control"),
        (["file,kind", "000.png,a\u202e", "001.png,b"], "t.csv, row 2: a label .* no control"),
        (["file,kind", "0\x1b.png,a", "001.png,b"], "row 2: the name of an image must hold no"),
        (["file;kind,x", "000.png;a,1"], r"got file;kind, x \(separated by semicolons"),
    ],
)
def test_what_would_steer_a_terminal_is_refused_with_its_row(folder, rows, message):
    with pytest.raises(UserError, match=message) as caught:
        read(folder, *rows)
    assert str(caught.value).isprintable()


def test_a_long_text_in_lines_is_left_out_like_any_other_note(folder):
    rows = [f'00{n}.png,{"ab"[n % 2]},"seen\nat {n}"' for n in range(3)]
    assert list(read(folder, "file,kind,note", *rows).values) == ["kind"]
