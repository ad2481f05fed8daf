"""Which forward passes an attribute needs: each item's own, and those of its controls."""

from collections import Counter

import pandas as pd

from analysis.run.folder import Run
from analysis.streams import Stream
from data_prep.controls import derangement, strata

BLANK = "blank"
"""Stands for the image of a blank pass."""
_LEAST_SCENES = 5
"""Of a text whose images are permuted among its scenes; where it serves fewer, they are swapped."""


def forward_passes(
    run: Run, items: pd.DataFrame, *, blank_per_item: bool = False
) -> list[tuple[str, str, str]]:
    """(row id, image, question) of every forward pass that the attribute needs.

    Ids are real:ITEM, blank:QUESTION, and swapK:ITEM where a question serves a few scenes only.
    A blank pass serves all items of its question, unless they are read at different places.
    """
    columns = [items[name].tolist() for name in ("item_id", "image", "question")]
    rows = [(f"real:{item}", image, text) for item, image, text in zip(*columns, strict=True)]
    if blank_per_item:
        rows += [(f"blank:{item}", BLANK, text) for item, _, text in zip(*columns, strict=True)]
    else:
        rows += [(f"blank:{text}", BLANK, text) for text in sorted(set(columns[2]))]
    scenes_of = items["scene_id"].groupby(strata(items))
    if all(len(set(scenes)) >= _LEAST_SCENES for _, scenes in scenes_of):
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
    """A group for every item: scenes with as many objects, and never a single scene.

    A scene that alone has so many objects joins those with the nearest smaller number, or else
    the nearest larger.
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
