"""Tables of items in which every text, and every scene, has as many things present as absent."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator

from data_prep.absence.matching import Match, Offers, matched_scenes
from data_prep.absence.standing import all_descriptions, standing_of
from data_prep.errors import UserError
from data_prep.items import COLUMNS, item_row, items_table
from data_prep.questions import Description, Question
from data_prep.scenes import Scene

ABSENCE_COLUMNS: tuple[str, ...] = (*COLUMNS, "thing", "present", "absent_by", "group")
"""Columns of every table about absence. `thing` is what the question names, as "large red cube", or
empty where the data does not say. `present` says whether what the question names is in the
image. `absent_by` is one of `standing.AbsentBy`, and empty where the thing is present or where the
data does not say. `group` names the scenes that are asked the same texts: these are sampled
together."""

_NO_PARTNER = "no other scene with the same texts and number of objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How descriptions are asked about."""

    attribute: str
    """The attribute of the items."""
    without: str | None
    """The property that a description must not mention; None if it may mention all."""
    unique: bool
    """Whether a thing only counts as present if a single object fits its description. Where several
    fit, the text is not asked."""
    question: Callable[[Scene, Description, bool], Question]
    """The question of a scene about a description, given whether the thing is present."""
    suffix: str
    """The end of the items' ids."""


def matched_items(
    scenes: Sequence[Scene], wording: Wording, *, min_scenes_per_text: int, rng: Generator
) -> pd.DataFrame:
    """A table with the columns `ABSENCE_COLUMNS` and two rows per scene, in the order of their ids:
    first one whose thing is present, then one whose thing is absent.

    Every text is asked of at least `min_scenes_per_text` scenes. In half of them its thing is
    present, in the other half absent, and the numbers of objects are the same in both halves, also
    within each way of absence. The order of `scenes` does not matter.
    `.attrs["skipped"][attribute][reason]` holds how many scenes were left out. UserError if a scene
    occurs twice or none can be asked.
    """
    if min_scenes_per_text < 2:
        raise UserError(
            f"min_scenes_per_text must be at least 2, got {min_scenes_per_text}: a text is asked "
            "of a scene with its thing and of one without"
        )
    ordered = _each_once(scenes)
    descriptions = all_descriptions(without=wording.without)
    matches = matched_scenes(
        _offers(ordered, descriptions, wording), floor=min_scenes_per_text, rng=rng
    )
    if not matches:
        raise UserError(
            f"need scenes with equally many objects that share texts for {wording.attribute}, "
            f"got none among {len(ordered)}: give more scenes or a min_scenes_per_text below "
            f"{min_scenes_per_text}"
        )
    asked = [each for match in matches for each in _asked(match)]
    # Present first: it is absent by nothing.
    group_of = {
        scene: ordered[min(match.scenes)].scene_id for match in matches for scene in match.scenes
    }
    rows = [
        _row(ordered[scene], descriptions[text], absent_by, wording) | {"group": group_of[scene]}
        for scene, absent_by, text in sorted(asked)
    ]
    left_out = len(ordered) - 2 * len(matches)
    skipped = {_NO_PARTNER: left_out} if left_out else {}
    return absence_table(rows, skipped={wording.attribute: skipped})


def absence_table(
    rows: Sequence[Mapping[str, str | int | bool]], *, skipped: Mapping[str, Mapping[str, int]]
) -> pd.DataFrame:
    """The rows as a table with the columns `ABSENCE_COLUMNS`, even if there are no rows."""
    common = [{name: row[name] for name in COLUMNS} for row in rows]
    table = items_table(common, skipped=skipped)
    table["thing"] = pd.Series([row["thing"] for row in rows], dtype="str")
    table["present"] = pd.Series([row["present"] for row in rows], dtype=bool)
    table["absent_by"] = pd.Series([row["absent_by"] for row in rows], dtype="str")
    table["group"] = pd.Series([row["group"] for row in rows], dtype="str")
    return table


def _offers(
    scenes: Sequence[Scene], descriptions: Sequence[Description], wording: Wording
) -> Offers:
    standing = standing_of(scenes, descriptions)
    n_fitting = standing.n_fitting
    mentioned = [each.properties for each in descriptions]
    sort_of = {names: number for number, names in enumerate(dict.fromkeys(mentioned))}
    return Offers(
        present=n_fitting == 1 if wording.unique else n_fitting > 0,
        absent_by=standing.absent_by,
        n_objects=np.array([scene.n_objects for scene in scenes], dtype=np.int64),
        sorts=np.array([sort_of[names] for names in mentioned]),
    )


def _asked(match: Match) -> list[tuple[int, str, int]]:
    """The four questions of a match: scene, way of absence (empty if present) and text."""
    scenes, texts = match.scenes, match.texts
    return [
        (scene, "" if own == place else match.absent_by, text)
        for place, text in enumerate(texts)
        for own, scene in enumerate(scenes)
    ]


def _row(
    scene: Scene, description: Description, absent_by: str, wording: Wording
) -> dict[str, str | int | bool]:
    question = wording.question(scene, description, not absent_by)
    which = "absent" if absent_by else "present"
    return {
        **item_row(scene, question),
        "item_id": f"{scene.scene_id}/{wording.attribute}/{wording.suffix}/{which}",
        "thing": description.phrase,
        "present": not absent_by,
        "absent_by": absent_by,
    }


def _each_once(scenes: Sequence[Scene]) -> list[Scene]:
    """The scenes in the order of their ids. UserError if an id occurs twice."""
    for scene_id, times in Counter(scene.scene_id for scene in scenes).items():
        if times > 1:
            raise UserError(
                f"a scene is asked once, got scene id {scene_id!r} {times} times: give every image "
                "its own id"
            )
    return sorted(scenes, key=lambda scene: scene.scene_id)
