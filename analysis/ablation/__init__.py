"""Does the answer need the image tokens that show the object?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.ablation.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
