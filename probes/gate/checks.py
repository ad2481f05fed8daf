"""The gate of a model: all of its checks, or the error of the first that fails.

Run on every load, on a small built-in batch. A lens that is wrong at the last layer (norm
applied twice, cap forgotten, a random head) or that reads a padded position gives smooth,
believable curves: nothing later would notice. The same holds of each later use of the output map:
in chunks, of chosen tokens, kept, translated, saved.
"""

from collections.abc import Iterator

from data_prep.terminal.progress import Progress
from probes.gate.check import Check
from probes.gate.fit import running
from probes.gate.head import finite_head, tied_head
from probes.gate.readings import checked_readings
from probes.loading.options import Gate
from probes.trial import QUESTIONS
from probes.vlm import VLM


def check_gate(vlm: VLM, gate: Gate = "full") -> None:
    """Check that what is read from a model is what the model computes itself.

    "quick" takes one item and two forward passes instead of three and seven: whether padding is
    without effect, and whether the image arrives, is not checked then.

    Raises GateError that says which part differs from the model's own computation, and by how much.

    >>> check_gate(vlm)  # says nothing, for the bundled model is read faithfully
    """
    for check in checks_of(vlm, gate):
        if not check.passed:
            raise check.error


def checks_of(vlm: VLM, gate: Gate = "full") -> Iterator[Check]:
    """The checks of a model, each made when it is asked for.

    GateError if the model cannot be run, or not be read, at all.

    >>> [check.passed for check in checks_of(vlm, "quick")].count(False)
    0
    """
    n_items = 1 if gate == "quick" else len(QUESTIONS)
    yield finite_head(vlm)
    tied = tied_head(vlm)
    if tied is not None:
        yield tied
    n_passes = 2 * n_items + (n_items == len(QUESTIONS))
    with running(vlm), gate_progress(vlm, n_passes) as progress:
        yield from checked_readings(vlm, n_items, progress.update)


def gate_progress(vlm: VLM, n_passes: int) -> Progress:
    """How many forward passes of the gate are done: at 7B on a CPU they take minutes.

    >>> with gate_progress(vlm, 7) as progress:
    ...     progress.update()
    """
    what = f"gate of {vlm.name}: what is read against what it computes"
    return Progress(total=n_passes, what=what, unit="run", leave=False)
