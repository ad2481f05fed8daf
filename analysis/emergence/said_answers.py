"""What the model generates for some items, beside what is read at its last layer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from numpy import ndarray

from analysis.capture.answer_trees import answer_trees
from analysis.emergence.found import Said, SaidItem, Share
from analysis.run.items import askable_items, labels_of
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import share_interval

USUAL_ITEMS = 50
NONE = ""
"""Stands for the answer where the model said none of the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidAnswers:
    """Some items with what the model said about each and what was read."""

    items: pd.DataFrame
    answers: tuple[str, ...]
    texts: tuple[str, ...]
    """The texts that the model generates greedily, one per item."""
    said: Int[ndarray, " item"]
    """The answer that each text states, as index into `answers`; -1 where it states none of
    them."""
    read: Int[ndarray, " item"]
    """The most probable answer at the last layer, as index into `answers`."""


def said_answers(opened: OpenRun, attribute: str) -> SaidAnswers:
    """Asks the model now about as many items as the plan has scenes, or 50 if it does not say.

    They are drawn at random, from the run's items where it has some.
    """
    from probes.answers.said import said
    from probes.answers.scores import answer_log_probs

    study, vlm = opened.run.study, opened.load_model()
    table = askable_items(opened.run, opened.data, attribute)
    n_items = min(_most_items(opened), len(table))
    rng = study.rng(Stream.SAID_ITEMS, stream_key(attribute))
    items = table.iloc[np.sort(rng.choice(len(table), n_items, replace=False))]
    trees = answer_trees(opened, opened.data.answer_set(table), table["question"])
    questions, places = items["question"].tolist(), trees.places()
    own = trees.of(questions)
    images = [opened.data.open_image(key) for key in items["image"]]
    told = said(vlm, images, questions, own)
    residuals = vlm.capture_at(images, questions, places)
    read = answer_log_probs(residuals[:, :, -1:], vlm.unembedding, own, places)[:, 0]
    return SaidAnswers(
        items=items.reset_index(drop=True),
        answers=trees.answers,
        texts=tuple(each.text for each in told),
        said=np.array([-1 if each.answer is None else each.answer for each in told]),
        read=read.argmax(axis=1),
    )


def _most_items(opened: OpenRun) -> int:
    """As many as the scenes that were asked for."""
    study, usual = opened.run.study, opened.data.usual_scenes
    if study.scenes == "all":
        return len(opened.data.scenes)
    return study.scenes if study.scenes not in (None, usual) else USUAL_ITEMS


def said_results(found: SaidAnswers, *, level: float) -> Said:
    """How often said and read agree, how often each is right, and every item on which they
    differ."""
    right = labels_of(found.items, found.answers)
    return Said(
        n_items=len(found.items),
        n_scenes=len(set(found.items["scene_id"])),
        level=level,
        agree=_share(found.said == found.read, level),
        said_right=_share(found.said == right, level),
        read_right=_share(found.read == right, level),
        other=_share(found.said < 0, level),
        items=tuple(_item(found, row) for row in range(len(found.items))),
    )


def _share(flags: Bool[ndarray, " item"], level: float) -> Share:
    n = int(flags.sum())
    found = share_interval(np.array(n), np.array(len(flags)), level=level)
    share, low, high = (each.item() for each in (found.share, found.low, found.high))
    return Share(n=n, share=share, low=low, high=high)


def _item(found: SaidAnswers, row: int) -> SaidItem:
    return SaidItem(
        item_id=str(found.items["item_id"].iloc[row]),
        question=str(found.items["question"].iloc[row]),
        answer=str(found.items["answer"].iloc[row]),
        text=found.texts[row],
        said=found.answers[found.said[row]] if found.said[row] >= 0 else NONE,
        read=found.answers[found.read[row]],
    )
