"""Does a model recognise what kind of image it sees, at which layer, and how sure is that?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.concept.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
