"""The surroundings in which TeX runs: ours, so that a report has the same bytes for every user."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from data_prep.files.unfinished import temporary_folder

# Where programs are found, and where they may put what they need for a moment.
_TAKEN_OVER = ("PATH", "TMPDIR")


def tex_surroundings(home: Path, source_date_epoch: str | None) -> dict[str, str]:
    """The environment for a run of TeX, with the folder `home` in place of the user's.

    TeX and latexmk look into dozens of variables and into files of the user for where to search, in
    which language and of which day to write. None of these is handed on: packages come from the
    installation, and only what it lacks comes from the user's own tree.
    """
    taken = {name: os.environ[name] for name in _TAKEN_OVER if name in os.environ}
    dated = {} if source_date_epoch is None else {"SOURCE_DATE_EPOCH": source_date_epoch}
    return {
        **taken,
        **dated,
        "HOME": str(home),
        "LC_ALL": "C",
        "TZ": "UTC",
        "FORCE_SOURCE_DATE": "1",
        # The log is read line by line, joined where TeX breaks it after so many characters.
        "max_print_line": "79",
        **_own_tree(),
    }


@contextmanager
def only_tex_surroundings() -> Iterator[None]:
    """Context manager in which this process itself has the environment for TeX, for libraries that
    start it."""
    before = dict(os.environ)
    with temporary_folder() as home:
        changed = tex_surroundings(home, None)
        os.environ.clear()
        os.environ.update(changed)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _own_tree() -> dict[str, str]:
    """Has TeX search the user's own tree of packages last: an empty entry stands for all that it
    searches by itself."""
    if (kpsewhich := which("kpsewhich")) is None:
        return {}
    found = subprocess.run(
        [kpsewhich, "-var-value", "TEXMFHOME"], capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    tree = found.stdout.strip()
    return {"TEXINPUTS": f":{tree}/tex//"} if tree and Path(tree).is_dir() else {}
