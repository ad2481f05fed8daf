"""What is known inside of what is not there, and not said."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.hallucination.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
