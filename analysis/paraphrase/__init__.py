"""The same questions in other words: how much of an attribute's layer is due to the wording?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.paraphrase.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
