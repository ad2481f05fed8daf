"""Single items to look at: what each layer would say, token by token."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.examples.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
