"""All readouts: their names, what they are called, how they are drawn, and what fits or loads them.

To add a readout, write a file beside this one with a function `reader`, and add an entry here:
commands then offer it, figures draw it, and runs keep it without further changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tyro.extras import literal_type_from_choices

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from analysis.readouts.reader import Asked, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """One readout: how residuals become a distribution over the answers."""

    name: str
    """Its name on command lines, in folders, tables and results."""
    words: str
    """What it is called in sentences."""
    color: str
    line: Any
    """Line style of its curve, which tells it from others in grey prints too."""
    marker: str
    reader: "Callable[[Asked], Reader]"
    """Makes the reader of an attribute: fits what has to be fitted to the run, or loads it."""
    through_vocabulary: bool = True
    """Whether it reads words through the model's output map, and so the answer to any question. If
    not, it is fitted to the answers of one question."""
    takes_lens: bool = False
    """Whether it can be one that was trained elsewhere (--lens)."""


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
"""All readouts by name, in the order in which tables list them."""
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
