"""The memory that this process may still take on its host.

A container is often allowed less than its machine has, and is killed for more: the limits of its
control groups count, and psutil does not see them.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

_PROCESS, _MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
# What the kernel calls no limit in version 1 is a number near 2**63.
_NO_LIMIT = 2**60
_NAMES = {
    2: ("memory.max", "memory.current", ("inactive_file", "active_file")),
    1: (
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
}


def free_host_bytes() -> int:
    """The least of what the machine has available and what the control groups leave.

    >>> 0 < free_host_bytes() <= psutil.virtual_memory().total
    True
    """
    return max(0, min([psutil.virtual_memory().available, *left_by_groups(_PROCESS, _MOUNT)]))


def left_by_groups(process: Path, mount: Path) -> Iterator[int]:
    """The bytes that each control group of this process leaves it; nothing where there is no limit.

    `process` is /proc/self/cgroup and `mount` where control groups are mounted: elsewhere in tests.

    >>> list(left_by_groups(Path("/no/such/file"), Path("/no/such/folder")))
    []
    """
    for version, folder in _groups(process, mount):
        limit_file, used_file, cached = _NAMES[version]
        limit, used = _number(folder / limit_file), _number(folder / used_file)
        if limit is None or used is None or limit >= _NO_LIMIT:
            continue
        # Pages of files are counted as used, and given back as soon as memory is short.
        yield limit - used + sum(_statistics(folder / "memory.stat", cached))


def _groups(process: Path, mount: Path) -> Iterator[tuple[int, Path]]:
    """The version and folder of every group that bounds the process: its own, and those around."""
    try:
        lines = process.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        version, root = (1, mount / "memory") if controllers else (2, mount)
        own = root / group.lstrip("/")
        # In a container the path can be one outside of it: then the root is its own group.
        inside = own if own.is_relative_to(root) and ".." not in own.parts else root
        while inside != root:
            yield version, inside
            inside = inside.parent
        yield version, root


def _number(file: Path) -> int | None:
    """The number in a file; None if it holds another word, as `max`, or is not there."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _statistics(file: Path, names: tuple[str, ...]) -> list[int]:
    try:
        pairs = [line.split() for line in file.read_text().splitlines()]
        return [int(value) for name, value in pairs if name in names]
    except (OSError, ValueError):
        return []
