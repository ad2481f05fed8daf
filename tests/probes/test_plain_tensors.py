"""Files of tensors from elsewhere: bounded, and nothing but tensors."""

import zipfile

import pytest
import torch

from data_prep.errors import UserError
from probes.plain_tensors import read_plain_tensors


def refusal(path, most_bytes=1000) -> str:
    with pytest.raises(UserError) as refused:
        read_plain_tensors(path, most_bytes)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_file_that_is_larger_once_unpacked(tmp_path):
    """A control: the same file, stored as torch stores it, is read."""
    file = tmp_path / "state.pt"
    torch.save({"a": torch.zeros(10_000_000)}, file)
    assert len(read_plain_tensors(file, 40_000_000)["a"]) == 10_000_000
    small = tmp_path / "small.pt"
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(small, "w") as packed:
        for each in whole.infolist():
            packed.writestr(each.filename, whole.read(each), zipfile.ZIP_DEFLATED)
    assert small.stat().st_size < 100_000
    assert "bytes, 16,778,216 are read at most" in refusal(small)
    assert "bytes, 16,778,216 are read at most" in refusal(file)


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(3).to_sparse(),
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3, dtype=torch.int64),
        torch.zeros(3, device="meta"),
        [torch.zeros(3)],
        "a text",
    ],
)
def test_what_is_no_plain_tensor(tmp_path, value):
    torch.save({"a": torch.zeros(3), "b": value}, tmp_path / "state.pt")
    assert "'b'" in refusal(tmp_path / "state.pt")


@pytest.mark.parametrize("content", [b"", b"\x80\x02", b"\x80\x02.", b"]" * 1000, b"(" * 10**5])
def test_damaged_files(tmp_path, content):
    (tmp_path / "state.pt").write_bytes(content)
    assert "state.pt" in refusal(tmp_path / "state.pt")


def test_a_folder_in_place_of_the_file(tmp_path):
    assert "there is no such file" in refusal(tmp_path)
