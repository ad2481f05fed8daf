"""Questions that a study asks beside those of its items: captured into the run, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.runs.command import OpenRun
from analysis.runs.residuals import stored_passes
from data_prep.errors import UserError

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.residuals.rows import StoredRows
    from probes.residuals.store import ResidualStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Residuals at the answer position of other questions, by the id of the pass."""

    store: "ResidualStore"

    def rows(self, pass_ids: Sequence[str]) -> "StoredRows":
        """Those of these passes, in this order; on disk until they are read."""
        import torch

        from probes.residuals.rows import StoredRows

        place = {row_id: number for number, row_id in enumerate(self.store.row_ids)}
        numbers = [place[pass_id] for pass_id in pass_ids]
        return StoredRows(store=self.store, rows=torch.tensor(numbers, dtype=torch.int64))


def ask_of(
    opened: OpenRun, items: pd.DataFrame, passes: list[tuple[str, str, str]], *, folder: str
) -> Asked:
    """The answers to passes of (id, image, question), from the run or captured now.

    `items` are those of the attribute under which the run keeps them, in `folder`, which must
    name the texts: another text is another folder. UserError if they are neither kept nor to be
    captured here.
    """
    from probes.positions import AnswerPosition

    if not (opened.run.residuals(_attribute(items), folder) / "manifest.json").exists():
        try:
            opened.load_model()
        except UserError as error:
            raise UserError(
                f"{opened.run.folder} holds no answers to {passes[0][2]!r}, and the model is not "
                f"here ({error}): run this once where it is, and copy the run folder"
            ) from error
    store = stored_passes(opened, items, passes, AnswerPosition(), folder=folder)
    return Asked(store=store)


def _attribute(items: pd.DataFrame) -> str:
    return str(items["attribute"].iloc[0])
