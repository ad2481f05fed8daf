"""What can a linear probe read at each layer, and is it the residual stream or the probe?"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.probes.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
