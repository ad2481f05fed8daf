"""From labels and corrected labels to shares with intervals."""

from typing import get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool
from numpy import ndarray

from analysis.effects.found import Interval
from analysis.pope_labels.found import Changed, ChangedLabels, ChangedShare, Label
from analysis.pope_labels.reading import AMBIGUOUS
from data_prep.errors import UserError
from stats import cluster_share, share_interval

ALL_LINES = "all files, every line"
DISTINCT = "each question once"


def changed_labels(labels: pd.DataFrame, *, level: float) -> ChangedLabels:
    """How many of the labels in a table of `read_labels` were changed.

    Assumes that the images are independent draws; of labels of one image nothing is assumed.
    UserError where fewer than 2 images of a file have a question labelled yes, or one labelled no.
    """
    # The files agree about a question, so that it does not matter from which one it is taken.
    once = labels.drop_duplicates(["image", "question"])
    files = [
        each
        for name, own in labels.groupby("file", sort=False)
        for each in _of_yes_and_no(str(name), own, level)
    ]
    return ChangedLabels(
        level=level,
        files=tuple(files),
        lines=_of_yes_and_no(ALL_LINES, labels, level),
        distinct=_of_yes_and_no(DISTINCT, once, level),
    )


def _of_yes_and_no(where: str, labels: pd.DataFrame, level: float) -> tuple[Changed, ...]:
    return tuple(_changed(where, labels, label, level) for label in get_args(Label))


def _changed(where: str, labels: pd.DataFrame, label: Label, level: float) -> Changed:
    own = labels.loc[labels["label"] == label]
    images = own["image"].to_numpy()
    judged = (own["corrected"] != AMBIGUOUS).to_numpy()
    changed = judged & (own["corrected"] != label).to_numpy()
    of_all = _share(changed, images, level)
    if of_all is None:
        raise UserError(
            f"{where}: at least 2 images need a question labelled {label}, got "
            f"{len(set(images))}: give the whole file"
        )
    return Changed(
        where=where,
        label=label,
        n_ambiguous=int((~judged).sum()),
        n_changed=int(changed.sum()),
        of_all=of_all,
        of_judged=_share(changed[judged], images[judged], level),
    )


def _share(changed: Bool[ndarray, " label"], images: ndarray, level: float) -> ChangedShare | None:
    """The share of labels that were changed; None where fewer than 2 images have such labels."""
    n_images = len(set(images))
    if n_images < 2:
        return None
    over_images = cluster_share(changed.astype(float), images, level=level)
    alone = share_interval(np.array(changed.sum()), np.array(len(changed)), level=level)
    return ChangedShare(
        counted=float(alone.share),
        over_images=_interval(over_images.estimate, over_images.low, over_images.high),
        as_independent=_interval(alone.share, alone.low, alone.high),
        worth=float(over_images.effective_n),
        n_labels=len(changed),
        n_images=n_images,
    )


def _interval(estimate: ndarray, low: ndarray, high: ndarray) -> Interval:
    return Interval(estimate=float(estimate), low=float(low), high=float(high))
