"""A tuned lens for a model: trained, judged on held-out scenes, and written for others to use."""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.tuned_lens.__main__ import run as run

__getattr__ = handed_on(__name__, {"run": "__main__"})
