"""Scores from elsewhere as readings: which of their conditions a study can use, and what it cannot
do without."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from analysis.readouts.registry import NAMES
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.given_scores.scores import ConditionScores, GivenScores
from data_prep.items import attribute_of_items

# That of `stats.shuffled_labels`, for which whoever opens a run does not wait.
_LEAST_SCENES = 5
_BITS_PER_NAT = float(1 / np.log(2))
_NOTE = "scores were captured elsewhere and given as a table: how answers were read is not checked"


def given_readings(
    given: GivenScores,
    items: pd.DataFrame,
    readout: str,
    study: Study,
    *,
    without_blank: bool = False,
) -> tuple[dict[str, Float[ndarray, "*condition item layer answer"]], tuple[str, ...]]:
    """log2 p over the answers of these items by condition, as a run keeps them, and notes about
    them for the reader of the results.

    Scores under swapped images are used only where a question text serves too few scenes for their
    answers to be exchanged, or where the plan asks for one scene per text. `without_blank` leaves
    the blank image out. UserError for a readout
    that the table does not have, and for conditions that the tests cannot do without.
    """
    attribute = attribute_of_items(items)
    scores = _scores(given, attribute, readout)
    study.require_layers(scores.real.shape[1] - 1)
    swapped, notes = _swapped(scores, items, study)
    place = {item: row for row, item in enumerate(given.items[attribute]["item_id"])}
    rows = [place[item] for item in items["item_id"]]
    tensors = {"real": log2_shares(scores.real[rows])}
    if not without_blank:
        if scores.blank is None:
            raise _no_blank(given.source, attribute)
        tensors["blank"] = log2_shares(scores.blank[rows])
    if swapped is not None:
        tensors["swapped"] = log2_shares(swapped[:, rows])
    if not without_blank and np.array_equal(tensors["real"], tensors["blank"]):
        notes = (*notes, "every item's scores are the same under the blank image: either the image "
                 "did not reach the model, or the same rows were written twice")  # fmt: skip
    return tensors, (_NOTE, *notes)


def require_testable(given: GivenScores, attribute: str, study: Study) -> None:
    """UserError for scores of an attribute that the tests cannot do without, or that have fewer
    layers than the plan speaks of: under any readout that the table holds of it."""
    for readout in given.readouts_of(attribute):
        scores = _scores(given, attribute, readout)
        study.require_layers(scores.real.shape[1] - 1)
        _swapped(scores, given.items[attribute], study)
        if scores.blank is None:
            raise _no_blank(given.source, attribute)


def held_by_all(given: GivenScores, attributes: Sequence[str]) -> tuple[str, ...]:
    """The readouts by which the scores of all these attributes were read. UserError if there is
    none."""
    found = tuple(
        name for name in NAMES if all(name in given.readouts_of(each) for each in attributes)
    )
    if not found:
        raise UserError(
            f"{given.source} holds no readout of all of {', '.join(attributes)}: name fewer with "
            "--attr"
        )
    return found


def log2_shares(
    log_probs: Float[ndarray, "*condition item layer answer"],
) -> Float[ndarray, "*condition item layer answer"]:
    """log2 of each answer's share in the probability of all answers, as readouts give it, from
    natural logarithms of probabilities."""

    from scipy.special import log_softmax  # here: only who reads a table waits for it

    return (log_softmax(log_probs, axis=-1) * _BITS_PER_NAT).astype(np.float32)


def _scores(given: GivenScores, attribute: str, readout: str) -> ConditionScores:
    for _, held in given.scores:
        if held not in NAMES:
            raise UserError(
                f"{given.source}: readout must be one of {', '.join(NAMES)}, got {held[:80]!r}: "
                "write the one that it is most like"
            )
    if (attribute, readout) not in given.scores:
        raise UserError(
            f"{given.source} holds {attribute} by {', '.join(given.readouts_of(attribute))}, got "
            f"--readout {readout}: choose one that it holds, or add rows with that readout"
        )
    return given.scores[attribute, readout]


def _swapped(
    scores: ConditionScores, items: pd.DataFrame, study: Study
) -> tuple[Float[ndarray, "swap item layer answer"] | None, Sequence[str]]:
    """The scores under swapped images if the test against other images must rest on them, and what
    a reader should know of that choice."""
    # Here, because who reads a finished run does not wait for the statistics.

    floor = max(study.min_scenes_per_text, _LEAST_SCENES)
    by_text = items.groupby("question")["scene_id"]
    fewest, text = min((len(set(scenes)), str(text)) for text, scenes in by_text)
    if fewest >= floor and not (study.min_scenes_per_text == 1 and scores.swapped is not None):
        if scores.swapped is None:
            return None, ()
        return None, (
            f"scores under swapped images are not used: every text serves {floor} scenes or more, "
            "and then other scenes' answers make the control",
        )
    if scores.swapped is not None:
        return scores.swapped, ()
    lower = f"--min-scenes-per-text {fewest}, " if fewest >= _LEAST_SCENES else ""
    raise UserError(
        f"answers are exchanged between scenes with the same text, and {text!r} serves {fewest}, "
        f"not {floor}: give {lower}rows of condition shuffled (the same items with other scenes' "
        "images), or leave such items out"
    )


def _no_blank(source: str, attribute: str) -> UserError:
    return UserError(
        f"{source}: {attribute} has no rows of condition blank, without which the effect of the "
        "image and its layer of emergence are not defined: add them (the same questions with a "
        "uniform image), or take --without-blank for what is defined (right answers, stated bits, "
        "loudness, information with whatever the question gives away, the test against other "
        "images)"
    )
