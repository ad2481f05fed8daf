"""The linear probe as a readout: fitted on labels, each scene read by probes fitted on other
scenes."""

from collections.abc import Sequence

from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.readouts.reader import Asked, Reader
from analysis.run.items import labels_of
from data_prep.errors import UserError
from data_prep.items import attribute_of_items
from probes.linear_probe import CrossFittedProbe, by_layers, cross_fit

_NOTE = "linear probes are cross-fitted by scene: each item is read by one that has not seen it"
_BEFORE_ANY_TOKEN = (
    "linear probes read the answer position alone; lenses read after forced tokens, too, where "
    "answers part there"
)


def reader(asked: Asked) -> Reader:
    """Fits the probes and keeps them in the run."""
    opened, items, residuals = asked.opened, asked.items, asked.residuals
    position = asked.position
    attribute = attribute_of_items(items)
    answers = opened.data.answer_set(items).answers
    labels, scenes = labels_of(items, answers), items["scene_id"].tolist()
    about = {
        "model_revision": opened.about["model_revision"],
        "attribute": attribute,
        "position": position,
    }
    probe = by_layers(
        residuals.real,
        lambda part, _: cross_fit(part, labels, scenes=scenes, answers=answers, about=about),
        CrossFittedProbe.joined,
    )
    folder = asked.folder if position == "answer" else asked.folder / position
    try:
        probe.save(folder / attribute)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error

    def read(
        shown: Float[Tensor, "some place layer d_model"], where: slice, scenes: Sequence[str]
    ) -> Float[ndarray, "some layer answer"]:
        # What is known before any token of the answer has been forced.
        return probe.log_probs(shown[:, 0], scenes=scenes)

    later = len(residuals.real.nodes) > 1
    return Reader(read=read, notes=(_NOTE, _BEFORE_ANY_TOKEN) if later else (_NOTE,))
