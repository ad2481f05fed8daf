"""Do models, data sets, prompts or readouts differ in when they know what they see?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.compare.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
