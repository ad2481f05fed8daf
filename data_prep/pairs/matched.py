"""Pairs for any data: two scenes that are asked the same text and have different answers.

The images have nothing else in common. So an intervention on such a pair moves everything that
the images do not share, and is weaker evidence than one on a minimal pair.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd
from numpy.random import Generator

from data_prep.errors import UserError
from data_prep.items import attribute_of_items
from data_prep.pairs.pair import Pair, Pairs, side_of
from data_prep.scene_data import SceneData
from data_prep.scenes import AnyScene

_Item: TypeAlias = Mapping[Hashable, Any]
_NO_PARTNER = "no partner with the same text and image size but another answer"
_NOT_NEEDED = "more pairs than asked for"


def matched_pairs(
    items: pd.DataFrame, data: SceneData, *, rng: Generator, most: int | None = None
) -> Pairs:
    """As many pairs as possible of items with the same text and image size but different answers,
    in random order; with `most` only the first so many.

    `items` are items of one attribute, in the columns of data_prep.items.COLUMNS. Every scene is in
    at most one pair, so that pairs are independent. Within a text, scenes of the two answers with
    the most scenes left are paired at random, until one answer is left. Which scene is the base is
    drawn. ValueError unless all items have one attribute; UserError if there is no pair.
    """
    name = attribute_of_items(items)
    if most is not None and most < 1:
        raise UserError(f"need at least 1 pair, got most={most}: give a larger number")
    scenes = {scene.scene_id: scene for scene in data.scenes}
    groups = _groups(items, scenes, data.image_size)
    used: set[str] = set()
    found: list[Pair] = []
    for group in groups.values():
        for one, other in _paired([each for each in group if each["scene_id"] not in used], rng):
            base, source = (one, other) if rng.random() < 0.5 else (other, one)
            found.append(_pair(base, source, scenes))
            used |= {one["scene_id"], other["scene_id"]}
    if not found:
        raise UserError(_no_pair(name, groups))
    order = rng.permutation(len(found)).tolist()
    chosen = tuple(found[place] for place in order[:most])
    skipped = {
        _NO_PARTNER: items["scene_id"].nunique() - 2 * len(found),
        _NOT_NEEDED: 2 * (len(found) - len(chosen)),
    }
    return Pairs(
        pairs=chosen,
        open_image=data.open_image,
        image_size=data.image_size,
        kind="matched",
        skipped={reason: count for reason, count in skipped.items() if count},
    )


def _groups(
    items: pd.DataFrame,
    scenes: Mapping[str, AnyScene],
    image_size: Callable[[str], tuple[int, int]],
) -> dict[tuple[Any, ...], list[_Item]]:
    """The items that may be paired with each other, by text and image size."""
    groups: dict[tuple[Any, ...], list[_Item]] = {}
    for item in items.sort_values(["question", "scene_id"]).to_dict("records"):
        if item["scene_id"] not in scenes:
            raise UserError(
                f"items are paired by their scenes, got {item['scene_id']!r}, which the data does "
                "not have: take the items of this data"
            )
        key = (item["template"], item["question"], image_size(item["image"]))
        groups.setdefault(key, []).append(item)
    return groups


def _paired(group: Sequence[_Item], rng: Generator) -> list[tuple[_Item, _Item]]:
    """As many pairs of items with different answers as there can be; every item and every scene at
    most once."""
    of_scene = {item["scene_id"]: item for item in group}
    by_answer: dict[str, list[_Item]] = {}
    for item in of_scene.values():
        by_answer.setdefault(item["answer"], []).append(item)
    piles = [[pile[place] for place in rng.permutation(len(pile))] for pile in by_answer.values()]
    pairs = []
    while True:
        # Taking from the highest piles first leaves the fewest items without a partner.
        piles = sorted((pile for pile in piles if pile), key=len, reverse=True)
        if len(piles) < 2:
            return pairs
        pairs.append((piles[0].pop(), piles[1].pop()))


def _pair(base: _Item, source: _Item, scenes: Mapping[str, AnyScene]) -> Pair:
    sides = [side_of(scenes[each["scene_id"]], each["answer"]) for each in (base, source)]
    return Pair(
        pair_id=f"{base['scene_id']}+{source['scene_id']}/{base['attribute']}",
        attribute=base["attribute"],
        template=base["template"],
        question=base["question"],
        base=sides[0],
        source=sides[1],
        changed=None,
        kind="matched",
    )


def _no_pair(name: str, groups: Mapping[tuple[Any, ...], Sequence[_Item]]) -> str:
    """A message that says why there is no pair and what to do about it."""
    answers: dict[str, set[str]] = {}
    for (_, text, _), group in groups.items():
        answers.setdefault(text, set()).update(item["answer"] for item in group)
    rule = f"a pair for {name} needs two scenes with the same text but other answers"
    several = sum(len(each) > 1 for each in answers.values())
    if several:
        return (
            f"{rule} and the same image size, got {several} texts with several answers but no two "
            "images of one size: scale the images to one size"
        )
    return (
        f"{rule}, got one answer for each of {len(answers)} texts: give more scenes, or ask a "
        "question whose text serves scenes with different answers"
    )
