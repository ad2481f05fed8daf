"""Names of files never lead out of their folder, however they are written."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from data_prep.files.tree import Folder, inside, leaves, link_out

PARTS = st.sampled_from(["..", ".", "a", "b.png", "", "/", "~", "C:", "\\", "a/../..", "link"])
NAMES = st.lists(PARTS, min_size=1, max_size=6).map("/".join)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("place")
    (place / "root" / "a").mkdir(parents=True)
    (place / "root" / "a" / "b.png").write_bytes(b"inner")
    (place / "b.png").write_bytes(b"secret")
    (place / "root" / "link").symlink_to(place)
    return place / "root"


@given(NAMES)
def test_what_is_inside_is_inside(root, name):
    path = inside(root, name)
    assert path is None or path.is_relative_to(root.resolve())
    tree = Folder(root)
    assert tree.is_file(name) == (path is not None and path.is_file())
    if path is None:
        with pytest.raises(UserError, match="a file must lie inside"):
            tree.open(name)


@given(NAMES)
def test_a_name_that_does_not_leave_stays_without_links(name):
    if not leaves(name):
        parts = PurePosixPath(name).parts
        assert ".." not in parts
        assert not PurePosixPath(name).is_absolute()


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../../b", "..\\a", "C:\\a", "\\a", "a\0"])
def test_names_that_leave(name):
    assert leaves(name)


def test_a_name_that_no_file_can_have(root):
    assert inside(root, "x" * 5000) is None
    assert inside(root, "a\0b") is None
    assert Folder(root).names("a") == ["b.png"]


def test_a_link_that_leads_out_is_told_from_a_file_that_is_missing(root, tmp_path):
    for name, target in (("in", "a/b.png"), ("gone", "nothing"), ("round", "round"),
                         ("out", tmp_path), ("in-folder", "a")):  # fmt: skip
        (tmp_path / "tree").mkdir(exist_ok=True)
        (tmp_path / "tree" / name).symlink_to(target)
    tree = tmp_path / "tree"
    (tree / "a").mkdir()
    (tree / "a" / "b.png").touch()
    (tree / "a" / "out").symlink_to(tmp_path)
    for name, link in {
        "in": None, "gone": "gone", "round": "round", "out": "out", "out/x/y.png": "out",
        "in-folder/b.png": None, "in-folder/missing.png": None, "a/out/x.png": "a/out",
        "in-folder/out/x.png": "in-folder/out", "missing.png": None, "../x": None, "x" * 5000: None,
    }.items():  # fmt: skip
        assert link_out(tree, name) == link, name
    with pytest.raises(UserError, match=r"got 'out/x\.png': 'out' is a link that leads elsewhere"):
        Folder(tree).open("out/x.png")
