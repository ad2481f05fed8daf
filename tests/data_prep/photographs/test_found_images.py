"""Images below a folder: each once, links as what they are, and nothing left out without a word."""

import os

import pytest

from data_prep.errors import UserError
from data_prep.photographs.found_images import find_images
from data_prep.photographs.image_folder import open_images
from data_prep.sources import DataOptions, open_data
from tests.data_prep.photographs.made_up import photographs, picture, write_images


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "birds", ["kite", "owl"], 2)


NAMES = ["kite/000.png", "kite/001.png", "owl/000.png", "owl/001.png"]


def labels(folder):
    return {each.image: each.labels.get("label") for each in photographs(open_images(folder))}


def refused(folder) -> str:
    with pytest.raises(UserError) as caught:
        find_images(folder)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("name", ["Shot 9.41\u202fPM.png", "\u0645\u06cc\u200c\u062f.png",
                                  "\u00a0\u3000\ufeff.png", "e\u0301\u200d\U0001f426.png",
                                  "\u202egnp.png"])  # fmt: skip
def test_any_readable_name_is_taken(folder, name):
    picture(9).save(folder / "owl" / name)
    assert labels(folder)[f"owl/{name}"] == "owl"


@pytest.mark.parametrize(
    "name", ["a\nb.png", "a\x7f.png", "a\x9b31m.png", os.fsdecode(b"\xe9.png")]
)
def test_a_name_that_cannot_be_shown_or_written_is_refused(folder, name):
    picture(9).save(folder / "owl" / "x.png")
    (folder / "owl" / "x.png").rename(folder / "owl" / name)
    assert f"needs a name in readable UTF-8 without control characters, got {f'owl/{name}'!r}" in (
        refused(folder)
    )


def test_kinds_that_are_not_read_are_counted(folder):
    for name in ("kite/a.HEIC", "kite/b.heic", "owl/c.svg", "owl/notes.txt", "owl/.d.heic"):
        (folder / name).write_bytes(b"")
    (note,) = open_data(f"images:{folder}").notes
    assert note == (
        "images of a kind that is not read, to be converted to JPEG or PNG: 3 (.heic 2, .svg 1), "
        "first 'kite/a.HEIC'"
    )
    for name in NAMES:
        (folder / name).unlink()
    assert f"need at least 1 image, got none in {str(folder)!r}, but {note}: put" in refused(folder)


def test_links_to_what_is_stored_out_of_sight_are_read(folder):
    store = folder / ".git" / "annex"
    store.mkdir(parents=True)
    (folder / "owl" / "000.png").rename(store / "MD5-1")
    (folder / "owl" / "000.png").symlink_to("../.git/annex/MD5-1")
    (folder / "gulls").symlink_to(".more/gulls")
    write_images(folder / ".more", ["gulls"], 1, first=7)
    (folder / ".more" / "gulls" / "round").symlink_to(folder / ".more")
    found = labels(folder)
    assert found["owl/000.png"] == "owl"
    assert found["gulls/007.png"] == "gulls"
    # Once: the rounds end, and add no second name.
    assert len(found) == 5
    assert open_images(folder).open_image("gulls/007.png").size == (12, 9)


def test_an_image_counts_by_the_link_to_it_and_once(folder):
    write_images(folder, ["store"], 1, first=5)
    (folder / "owl" / "a.png").symlink_to("../store/005.png")
    (folder / "owl" / "b.png").symlink_to("a.png")
    found = find_images(folder)
    assert found.names == sorted([*NAMES, "owl/a.png"])
    assert found.link_notes == [
        "other names of images, which are counted once: 2, first 'owl/b.png'"
    ]
    (folder / "kite" / "c.png").symlink_to("../store/005.png")
    with pytest.raises(UserError, match=r"one label, got 'kite/c\.png' and 'owl/a\.png' in .*link"):
        open_images(folder)


def test_links_to_folders_that_are_seen_anyway_count_nothing_twice(folder):
    for name, target in (("latest", "kite"), ("kite/up", ".."), ("owl/self", ".")):
        (folder / name).symlink_to(target)
    found = find_images(folder)
    assert found.names == NAMES
    assert found.link_notes == [
        "links to folders whose images are counted already: 3, first 'kite/up'"
    ]
    assert open_images(folder).notes == tuple(found.link_notes)


@pytest.mark.parametrize("target", ["outside/kite", "outside/kite/000.png", "nothing", "CIRCLE"])
def test_links_that_lead_elsewhere_are_called_links(folder, tmp_path, target):
    write_images(tmp_path / "outside", ["kite"], 1)
    for link in (folder / "gulls", folder / "owl" / "link.png"):
        link.symlink_to(link if target == "CIRCLE" else tmp_path / target)
    message = refused(folder)
    assert "which leads elsewhere or to no file" in message
    assert "put copies there instead of links (cp -rL" in message
    (folder / "owl" / "link.png").unlink()
    if target != "outside/kite/000.png":  # a file without the ending of an image is passed over
        assert "got 'gulls', which leads elsewhere" in refused(folder)
        (folder / "gulls").unlink()
    assert find_images(folder).names == NAMES


def test_links_to_other_files_elsewhere_are_passed_over(folder, tmp_path):
    (tmp_path / "LICENSE").touch()
    (folder / "LICENSE").symlink_to(tmp_path / "LICENSE")
    (folder / "readme.md").symlink_to(tmp_path / "nothing")
    assert find_images(folder).names == NAMES


def test_what_is_no_file(folder):
    os.mkfifo(folder / "owl" / "pipe.png")
    assert "got 'owl/pipe.png', which leads elsewhere or to no file" in refused(folder)


def test_a_csv_may_name_an_image_by_any_link_but_once(folder, tmp_path):
    write_images(folder, ["store"], 1, first=5)
    (folder / "owl" / "a.png").symlink_to("../store/005.png")
    rows = ["file,kind", "store/005.png,x", "owl/000.png,y", "kite/000.png,x"]
    (folder / "labels.csv").write_text("\n".join(rows))
    data = open_data(f"images:{folder}:labels.csv")
    assert {each.image for each in photographs(data)} == {row.split(",")[0] for row in rows[1:]}
    assert data.notes == ()
    other = write_images(tmp_path / "other", [""], 1)
    both = open_data(f"images:{folder}:labels.csv", DataOptions(contrast=str(other)))
    kinds = {each.image: each.labels.get("kind") for each in photographs(both)}
    assert kinds["own/owl/a.png"] == "x"
    assert "own/store/005.png" not in kinds
    (folder / "labels.csv").write_text("\n".join([*rows, "owl/a.png,y"]))
    with pytest.raises(UserError, match=r"one row, got 'store/005\.png' and 'owl/a\.png'"):
        open_data(f"images:{folder}:labels.csv")


def test_a_contrast_inside_of_the_folder_would_be_both(folder):
    for own, contrast in ((folder, folder / "owl"), (folder / "owl", folder)):
        with pytest.raises(UserError, match=r"got '.*owl' inside of '.*birds', whose images"):
            open_images(own, contrast=contrast)


def test_an_image_that_is_stored_once_under_two_names_is_told(folder, tmp_path):
    os.link(folder / "kite" / "000.png", folder / "owl" / "again.png")
    with pytest.raises(UserError, match=r"'kite/000.png' and 'owl/again.png', which are one file"):
        open_images(folder)
    # With a CSV only those count that have a row.
    table = tmp_path / "labels.csv"
    table.write_text("file,kind\nkite/000.png,a\nkite/001.png,a\nowl/000.png,b\nowl/001.png,b\n")
    assert len(open_images(folder, table).scenes) == 4
    table.write_text(table.read_text() + "owl/again.png,b\n")
    with pytest.raises(UserError, match="which are one file"):
        open_images(folder, table)


def test_an_image_and_its_contrast_are_not_one_file(folder, tmp_path):
    other = write_images(tmp_path / "other", [""], 2)
    os.link(folder / "kite" / "000.png", other / "same.png")
    with pytest.raises(UserError, match=r"got 'own/kite/000.png' and 'contrast/same.png'"):
        open_images(folder, contrast=other)
