"""The results that come with the package, which the report shows."""

import json
from functools import cache
from importlib.resources import files

from analysis.remedies.found import Remedied
from analysis.typed import read_back
from data_prep.errors import UserError

FILE_NAME = "results.json"


@cache
def kept_remedies() -> Remedied | None:
    """The results that are kept beside this file; None where there are none."""
    file = files("analysis.remedies").joinpath(FILE_NAME)
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{FILE_NAME} of analysis.remedies is damaged ({error}): make it anew with python -m "
            "analysis.remedies"
        ) from error
    return read_back(Remedied, content, f"{FILE_NAME} of analysis.remedies")
