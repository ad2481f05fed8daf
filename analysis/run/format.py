"""The version number of the format of run folders, and the error for runs of another version.

It stands in a file of its own, with few imports: a command that only looks at a run needs no more.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_prep.errors import UserError

FORMAT = 9
"""Version of what is written into run folders; raised whenever the same plan gives other
results."""
_REASON = (
    "this version judges methods against hallucination on scenes on which nothing was tuned, and "
    "raises attention as published; before format 8 the rows of findings shared files, before "
    "format 7 files had no checksums, before format 6 some "
    "streams of random numbers were the same, and before format 5 answers were scored by their "
    "first token"
)


def require_format(folder: Path, identity: Mapping[str, Any]) -> None:
    """Checks that this version wrote the run. UserError if another one did, with the reason why it
    is not continued."""
    found = identity.get("format", "an earlier one")
    if found != FORMAT:
        raise UserError(
            f"{folder} has another format ({found}, now {FORMAT}): {_REASON}; measure it anew in "
            "a new folder"
        )
