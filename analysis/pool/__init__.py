"""What may be said about models in general, and not about one of them? Pools at least three
finished runs."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.pool.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
