"""Why not stated bits? Three simulated worlds with the same knowledge, stated more or less
loudly."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.worlds.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
