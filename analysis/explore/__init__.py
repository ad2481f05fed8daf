"""A page to look at single items: what is read where in the image, and from which layer on."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.explore.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
