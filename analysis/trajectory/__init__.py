"""What the model would say at each layer, item by item, and how that changes over layers."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.trajectory.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
