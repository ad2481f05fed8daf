"""Zip archives: read as a folder would be, and refused where they are not harmless."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from data_prep.errors import UserError
from data_prep.files import archive
from data_prep.files.archive import Archive
from data_prep.sources import open_data
from tests.data_prep.clevr_folder import write_clevr


def zipped(folder: Path, file: Path, top: str = "CLEVR_v1.0/") -> Path:
    """The archive as it is published: everything in one folder, with entries for folders."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, top + path.relative_to(folder).as_posix())
    return file


def written(file: Path, name: str, content: bytes = b"x", mode: int = 0) -> Path:
    """An archive with one member of that name and kind."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return file


@pytest.fixture
def folder(tmp_path):
    write_clevr(tmp_path / "CLEVR_v1.0", "valB")
    return write_clevr(tmp_path / "CLEVR_v1.0")


@pytest.mark.parametrize("top", ["CLEVR_v1.0/", "", "CLEVR_CoGenT_v1.0/"])
def test_scenes_and_images_are_those_of_the_folder(folder, tmp_path, top):
    file = zipped(folder, tmp_path / "a.zip", top)
    for end in ("", ":val", ":valB"):
        inner, outer = open_data(f"clevr:{file}{end}"), open_data(f"clevr:{folder}{end}")
        assert inner.scenes == outer.scenes
        for scene in inner.scenes:
            pixels = [data.open_image(scene.image).tobytes() for data in (inner, outer)]
            assert pixels[0] == pixels[1]
            assert inner.image_size(scene.image) == outer.image_size(scene.image) == (8, 6)
    assert open_data(f"clevr:{file}").name == "clevr:a.zip:val"
    assert not list(tmp_path.glob("**/CLEVR_val_000000.png"))[1:], "nothing is unpacked"


def test_the_fingerprint_follows_the_images(folder, tmp_path):
    first = open_data(f"clevr:{zipped(folder, tmp_path / 'a.zip')}").fingerprint
    assert open_data(f"clevr:{zipped(folder, tmp_path / 'b.zip', '')}").fingerprint == first
    (folder / "images" / "val" / "CLEVR_val_000000.png").write_bytes(b"other")
    assert open_data(f"clevr:{zipped(folder, tmp_path / 'c.zip')}").fingerprint != first


def test_what_is_missing_in_an_archive(folder, tmp_path):
    (folder / "images" / "val" / "CLEVR_val_000001.png").unlink()
    file = zipped(folder, tmp_path / "a.zip")
    with pytest.raises(UserError, match=r"1 of 2 missing, first 'CLEVR_val_000001\.png'"):
        open_data(f"clevr:{file}")
    with pytest.raises(UserError, match=r"no scenes for split 'trainA' .*\(val, valB\)"):
        open_data(f"clevr:{file}:trainA")
    with pytest.raises(UserError, match="the testA split is published without scenes"):
        open_data(f"clevr:{file}:testA")
    data = open_data(f"clevr:{file}:valB")
    with pytest.raises(UserError, match="an image must lie inside"):
        data.open_image("../../scenes/CLEVR_val_scenes.json")
    with pytest.raises(UserError, match=r"image 'nothing\.png' cannot be read"):
        data.open_image("nothing.png")


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "a/../../b", "C:/a", "..\\a"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    file = written(tmp_path / "a.zip", name)
    with pytest.raises(UserError, match="has a name that leads out of the archive") as caught:
        open_data(f"clevr:{file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(UserError, match="is a link or a device"):
        Archive(written(tmp_path / "a.zip", "a", b"/etc/passwd", kind | 0o777))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    zeros = bytes(2**25)
    file = written(tmp_path / "a.zip", "scenes/CLEVR_val_scenes.json", zeros)
    assert file.stat().st_size < 40_000
    with pytest.raises(UserError, match="would unpack to 33,554,432 bytes from"):
        open_data(f"clevr:{file}")
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 10)
    with pytest.raises(UserError, match="would unpack to 11 bytes"):
        Archive(written(tmp_path / "b.zip", "a", b"01234567890"))


def test_many_small_files_are_a_bomb_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as whole:
        for number in range(20):
            whole.writestr(f"{number}.png", bytes(2**20))
    with pytest.raises(UserError, match=r"it would unpack to 20,971,520 bytes from"):
        Archive(tmp_path / "a.zip")


def test_names_that_occur_twice_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        whole.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            whole.writestr("a.png", b"2")
    with pytest.raises(UserError, match=r"'a\.png' is listed twice"):
        Archive(tmp_path / "a.zip")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        for number in range(4):
            whole.writestr(f"{number}.png", b"1")
    assert Archive(tmp_path / "a.zip").is_file("3.png")
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(UserError, match="it lists 4 files, at most 3 are read"):
        Archive(tmp_path / "a.zip")
    monkeypatch.setattr(archive._Bounded, "limit", 100)
    with pytest.raises(UserError, match=r"its list of files would have \d+ bytes"):
        Archive(tmp_path / "a.zip")


def changed(file: Path, kind: bytes, place: int, value: bytes) -> Path:
    """The archive with other bytes in the first entry of its list, or at its end (of that kind)."""
    content = bytearray(file.read_bytes())
    start = content.index(kind) + place
    content[start : start + len(value)] = value
    file.write_bytes(content)
    return file


ENTRY, END = b"PK\1\2", b"PK\5\6"


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        (ENTRY, 10, struct.pack("<H", 12)),  # packed by bzip2
        (ENTRY, 10, struct.pack("<H", 99)),
        (ENTRY, 20, struct.pack("<I", 2**31)),  # packed size
        (ENTRY, 20, struct.pack("<I", 2**32 - 1)),  # zip64, with nothing to say it
        (ENTRY, 24, struct.pack("<I", 2**32 - 1)),
        (ENTRY, 28, struct.pack("<H", 65535)),  # length of the name
        (ENTRY, 30, struct.pack("<H", 65535)),
        (ENTRY, 42, struct.pack("<I", 2**32 - 1)),  # where it lies
        (ENTRY, 42, struct.pack("<I", 2**31)),
        (ENTRY, 46, b"\xff\xfe/"),
        (END, 8, struct.pack("<HH", 65535, 65535)),
        (END, 12, struct.pack("<I", 2**32 - 1)),  # size of the list
        (END, 12, struct.pack("<I", 2**31)),
        (END, 16, struct.pack("<I", 2**32 - 1)),
        (END, 20, struct.pack("<H", 65535)),
    ],
)
def test_a_hostile_list_of_files_is_one_line_or_harmless(folder, tmp_path, kind, place, value):
    file = changed(zipped(folder, tmp_path / "a.zip"), kind, place, value)
    try:
        open_data(f"clevr:{file}")
    except UserError as error:
        text = str(error)
    else:
        text = str(file)
    assert str(file) in text


def test_files_that_share_their_bytes_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        whole.writestr("a.png", b"1" * 100)
        whole.writestr("b.png", b"2" * 100)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    second = content.index(ENTRY, content.index(ENTRY) + 4)
    content[second + 42 : second + 46] = struct.pack("<I", 20)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"'b\.png' shares its bytes with 'a\.png'"):
        Archive(tmp_path / "a.zip")


def test_no_more_is_unpacked_than_the_list_says(tmp_path):
    zeros = zipfile.ZipInfo("a.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        whole.writestr(zeros, bytes(2**24), zipfile.ZIP_DEFLATED)
    file = changed(tmp_path / "a.zip", ENTRY, 24, struct.pack("<I", 10))
    with pytest.raises(OSError, match=r"Bad CRC-32 .*, in a\.zip"):
        Archive(file).open("a.png")


def test_an_image_of_too_many_bytes_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 10)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        for name in ("a.png", "a.json"):
            whole.writestr(name, bytes(11))
    opened = Archive(tmp_path / "a.zip")
    assert opened.open("a.json").read() == bytes(11)
    with pytest.raises(OSError, match=r"11 bytes are too many, in a\.zip"):
        opened.open("a.png")


def test_an_archive_that_is_none_or_is_damaged(folder, tmp_path):
    (tmp_path / "none.zip").write_bytes(b"PK nothing")
    with pytest.raises(UserError, match=r"cannot be read as a zip archive .*: download"):
        open_data(f"clevr:{tmp_path / 'none.zip'}")
    file = zipped(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(file) as whole:
        (member,) = (m for m in whole.infolist() if m.filename.endswith("val/CLEVR_val_000000.png"))
    content = bytearray(file.read_bytes())
    start = member.header_offset + 30 + len(member.filename)
    content[start : start + member.compress_size] = b"\xff" * member.compress_size
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"image 'CLEVR_val_000000\.png' cannot be read"):
        open_data(f"clevr:{file}").open_image("CLEVR_val_000000.png")


def test_what_a_mac_adds_is_passed_over(folder, tmp_path):
    file = zipped(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("__MACOSX/CLEVR_v1.0/._x", b"")
    assert len(open_data(f"clevr:{file}").scenes) == 2
    assert Archive(file).names("scenes") == ["CLEVR_valB_scenes.json", "CLEVR_val_scenes.json"]


def test_a_damaged_scenes_file_in_an_archive_is_to_be_downloaded_again(folder, tmp_path):
    file = zipped(folder, tmp_path / "a.zip")
    name = b"CLEVR_v1.0/scenes/CLEVR_val_scenes.json"
    content = bytearray(file.read_bytes())
    content[content.index(name) + len(name) + 5] ^= 255
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"scenes\.json' cannot be read .*: download it again"):
        open_data(f"clevr:{file}")
