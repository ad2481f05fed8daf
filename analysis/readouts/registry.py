"""Every readout there is: its name, what it is called, how it is drawn, and what fits or loads it.

A new one is a file beside this with a function `reader`, and an entry here: commands offer it,
figures draw it, and runs keep it without knowing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tyro.extras import literal_type_from_choices

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from analysis.readouts.reader import Asked, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """From residuals to a distribution over the answers."""

    name: str
    """On command lines, in folders, tables and results."""
    words: str
    """In sentences."""
    color: str
    line: Any
    """Of its curve, for grey prints and screens."""
    marker: str
    reader: "Callable[[Asked], Reader]"
    """Fits what has to be fitted to the run, or loads it."""
    through_vocabulary: bool = True
    """It reads words through the model's output map, and so any question asked; else it is fitted
    to the answers of one."""
    takes_lens: bool = False
    """It may be one that was trained elsewhere (--lens)."""


def _logit_lens(asked: "Asked") -> "Reader":
    from analysis.readouts.logit_lens import reader

    return reader(asked)


def _tuned_lens(asked: "Asked") -> "Reader":
    from analysis.readouts.tuned_lens import reader

    return reader(asked)


def _linear_probe(asked: "Asked") -> "Reader":
    from analysis.readouts.linear_probe import reader

    return reader(asked)


LOGIT_LENS = Readout(
    name="logit_lens", words="logit lens", color="#999999", line="-", marker="o",
    reader=_logit_lens,
)  # fmt: skip
TUNED_LENS = Readout(
    name="tuned_lens", words="tuned lens", color="#0072B2", line="--", marker="s",
    reader=_tuned_lens, takes_lens=True,
)  # fmt: skip
LINEAR_PROBE = Readout(
    name="linear_probe", words="linear probe", color="#000000", line=":", marker="^",
    reader=_linear_probe, through_vocabulary=False,
)  # fmt: skip

READOUTS: dict[str, Readout] = {each.name: each for each in (LOGIT_LENS, TUNED_LENS, LINEAR_PROBE)}
"""By name, in the order of tables."""
NAMES = tuple(READOUTS)

if TYPE_CHECKING:
    ReadoutName = str
    VocabularyName = str
    ReadoutNameOrAll = str
else:
    # What a command line offers.
    ReadoutName = literal_type_from_choices(NAMES)
    ReadoutNameOrAll = literal_type_from_choices((*NAMES, "all"))
    VocabularyName = literal_type_from_choices(
        tuple(name for name, each in READOUTS.items() if each.through_vocabulary)
    )
