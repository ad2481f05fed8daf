"""The format of run folders, and why runs of another one are not gone on with.

In a file of its own, since to look at a run it must not take more than this.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_prep.errors import UserError

FORMAT = 6
"""Of what is written into run folders; raised whenever the same plan gives other results."""
_REASON = (
    "this version draws every random number from a stream of its own; before, some streams were "
    "the same, and answers were scored by their first token until format 5"
)


def require_format(folder: Path, identity: Mapping[str, Any]) -> None:
    """UserError for a run that another version wrote, with the reason why it is not continued."""
    found = identity.get("format", "an earlier one")
    if found != FORMAT:
        raise UserError(
            f"{folder} has another format ({found}, now {FORMAT}): {_REASON}; measure it anew in "
            "a new folder"
        )
