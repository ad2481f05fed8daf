"""Which attribute emerges first, and how sure is the order?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.order.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
