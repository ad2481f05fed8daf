"""Which of several competing words does a model mean (a cube or a square, metal or silver), and
from which layer on?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.confusion.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
