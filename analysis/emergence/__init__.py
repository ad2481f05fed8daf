"""At which layer does a model know an attribute of what it sees, and how sure is that?

`run` is the command as a function. `from_scores` is the study for scores that were captured
elsewhere, `scores_table` puts arrays into the table that it takes.
"""

from typing import TYPE_CHECKING

from analysis.notebook.handed_on import handed_on

if TYPE_CHECKING:
    from analysis.emergence.__main__ import run
    from analysis.emergence.given_scores import ScoredRun, from_scores, scores_table

__all__ = ["ScoredRun", "from_scores", "run", "scores_table"]

# On demand: who reads results of this study need not wait for its statistics.
__getattr__ = handed_on(
    __name__,
    {
        "run": "__main__",
        "ScoredRun": "given_scores",
        "from_scores": "given_scores",
        "scores_table": "given_scores",
    },
)
