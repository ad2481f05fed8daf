"""Which forward passes an attribute needs: those of its items, and those of the controls."""

from collections import Counter

import pandas as pd

from analysis.run.folder import Run
from analysis.streams import Stream
from data_prep.controls import derangement, strata

BLANK = "blank"
"""The image key of a pass that shows the blank image."""
_LEAST_SCENES = 5
"""Least number of scenes that each question text must serve for its images to be permuted among
them. Where a text serves fewer, images are swapped with those of other scenes instead."""


def forward_passes(
    run: Run, items: pd.DataFrame, *, blank_per_item: bool = False, shuffled: bool = True
) -> list[tuple[str, str, str]]:
    """Every forward pass that the attribute needs, as (id, image, question).

    The ids are real:ITEM for an item's own image, blank:QUESTION for the blank image, and
    swapK:ITEM for the K-th swapped image, where questions serve a few scenes only; these only with
    `shuffled`, for a study that has a shuffled control. A blank pass serves all items of its
    question; with `blank_per_item` every item has one of its own, blank:ITEM.
    """
    columns = [items[name].tolist() for name in ("item_id", "image", "question")]
    rows = [(f"real:{item}", image, text) for item, image, text in zip(*columns, strict=True)]
    if blank_per_item:
        rows += [(f"blank:{item}", BLANK, text) for item, _, text in zip(*columns, strict=True)]
    else:
        rows += [(f"blank:{text}", BLANK, text) for text in sorted(set(columns[2]))]
    scenes_of = items["scene_id"].groupby(strata(items))
    if not shuffled or all(len(set(scenes)) >= _LEAST_SCENES for _, scenes in scenes_of):
        return rows
    # A text that serves one scene has no other residual to borrow: its images are swapped, among
    # scenes with as many objects, so that the swap takes away the content and nothing else.
    alike = items.assign(question=_about_as_many_objects(items))
    for swap in range(run.study.swaps):
        donors = derangement(alike, run.study.rng(Stream.SWAPPED_IMAGES, swap))
        rows += [
            (f"swap{swap}:{item}", columns[1][donor], text)
            for item, donor, text in zip(columns[0], donors, columns[2], strict=True)
        ]
    return rows


def _about_as_many_objects(items: pd.DataFrame) -> pd.Series:
    """The name of a group for every item, by the number of objects in its scene; no group has a
    single scene.

    A scene that alone has so many objects joins those with the nearest smaller number, or else the
    nearest larger.
    """
    objects_of = dict(zip(items["scene_id"], items["n_objects"], strict=True))
    left, group, size = len(objects_of), 0, 0
    group_of: dict[int, str] = {}
    for n_objects, n_scenes in sorted(Counter(objects_of.values()).items()):
        group_of[n_objects] = f"group {group}"
        size, left = size + n_scenes, left - n_scenes
        if size > 1 and left > 1:
            group, size = group + 1, 0
    return pd.Series([group_of[number] for number in items["n_objects"]], index=items.index)
