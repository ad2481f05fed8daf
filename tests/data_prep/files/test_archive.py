"""Zip archives: read as a folder would be, and refused where they are not harmless."""

import stat
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
