"""What a container may take, told from its control groups as Linux writes them."""

import psutil
import pytest

from probes.loading import host_memory
from probes.loading.host_memory import free_host_bytes, left_by_groups

GIB = 2**30


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


@pytest.fixture
def process(tmp_path):
    return tmp_path / "cgroup"


@pytest.fixture
def mount(tmp_path):
    return tmp_path / "fs"


def test_version_2(process, mount):
    """The group's own limit, and that of one around it which is tighter; pages of files are
    free."""
    process.write_text("0::/pod/job\n")
    own = mount / "pod" / "job"
    write(own, memory__max=8 * GIB, memory__current=3 * GIB)
    write(own, memory__stat=f"anon {GIB}\ninactive_file {GIB // 2}\nactive_file {GIB // 4}")
    write(mount / "pod", memory__max=4 * GIB, memory__current=3 * GIB)
    assert list(left_by_groups(process, mount)) == [5.75 * GIB, GIB]


def test_version_1(process, mount):
    process.write_text("5:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    own = mount / "memory" / "job"
    write(own, memory__limit_in_bytes=6 * GIB, memory__usage_in_bytes=5 * GIB)
    write(own, memory__stat=f"cache 7\ntotal_inactive_file {2 * GIB}\ntotal_active_file 0")
    write(mount / "memory", memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=GIB)
    assert list(left_by_groups(process, mount)) == [3 * GIB]


def test_a_container_sees_its_group_as_the_root(process, mount):
    for line in ("0::/", "0::/../other", "0::/docker/0123abc"):
        process.write_text(f"{line}\n")
        write(mount, memory__max=2 * GIB, memory__current=GIB)
        assert list(left_by_groups(process, mount)) == [GIB]


@pytest.mark.parametrize("limit", ["max", "", "many"])
def test_no_limit(process, mount, limit):
    process.write_text("0::/job\nnot a line\n")
    write(mount / "job", memory__max=limit, memory__current=GIB)
    assert list(left_by_groups(process, mount)) == []


def test_the_least_counts(process, mount, monkeypatch):
    monkeypatch.setattr(host_memory, "_PROCESS", process)
    monkeypatch.setattr(host_memory, "_MOUNT", mount)
    process.write_text("0::/job\n")
    write(mount / "job", memory__max=1000, memory__current=400)
    assert free_host_bytes() == 600
    write(mount / "job", memory__current=4000)
    assert free_host_bytes() == 0
    write(mount / "job", memory__max=2**59)
    assert 0.5 < free_host_bytes() / psutil.virtual_memory().available < 2
