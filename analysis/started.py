"""What a command settles before anything heavy is imported, so that the user's surroundings do not
reach into it.

Nothing is done where `analysis` is imported by a script or a notebook: what is set there is its
own business.
"""

import contextlib
import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from data_prep.terminal.signals import end_at_once

_RC_FILE = "matplotlibrc"


def settle() -> None:
    """To be called when a package of commands is imported. Does something only while Python looks
    for the module that `python -m` names."""
    if sys.argv[:1] != ["-m"]:
        return
    end_at_once()
    _keep_numbers_of_streams()
    _as_matplotlib_ships()


def _keep_numbers_of_streams() -> None:
    """Where a stream is closed, its number is taken by nothing, so that no file that is opened
    later gets what libraries write to that number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def _as_matplotlib_ships() -> None:
    """Matplotlib will be imported without settings of the user, for figures that are files alone:
    notebooks name a backend that other environments lack, and a broken file of settings may end
    the import."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return
    own = Path(found.origin).parent / "mpl-data"
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = str(own / _RC_FILE)
    # A folder for its cache that cannot be written to is replaced by another, with a long warning.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if Path(_RC_FILE).exists():
        # It is read from the working folder first, whatever is set.
        with contextlib.chdir(own):
            # Unused here: what counts is that its settings are read now, and from this folder.
            import matplotlib  # noqa: F401
