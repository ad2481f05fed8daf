"""Is what is readable also used? From which positions, until which layer, and carried where?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.causes.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
