"""The items of a run: which scenes are asked what, built once per attribute."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy import ndarray

from analysis.run.folder import Run
from analysis.run.image_survey import chosen_scenes, image_survey, is_surveyed
from analysis.streams import Stream
from data_prep.errors import UserError
from data_prep.given_scores.scores import GivenScores
from data_prep.items import attribute_of_items, build_items
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph

_MIN_SCENES = 10
_BROKEN = "image cannot be read"
_REFUSED = "the model does not take the image's size"
_NOTES = "notes"


def items_of(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    """The items of one attribute, from the run or built now.

    UserError, before any model work, if there are too few items or answers for the statistics.
    """
    if (kept := _kept(run, attribute)) is not None:
        items = kept
    elif data.scores is not None:
        items = _given(data.scores, attribute)
        require_enough(items)
        run.replace_rows("items", items, key=["attribute"])
    else:
        if not is_surveyed(run):
            # What the labels alone do not allow is said before images are read or a model loaded.
            require_enough(_asked(run, data, attribute, ()))
        items = _judgeable(_built(run, data, attribute))
        require_enough(items)
        run.replace_rows("items", items, key=["attribute"])
    require_enough(items)
    return items


def expected_items(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    """The items of one attribute as `items_of` will build them, told from the labels alone:
    nothing is written, and no image is looked at that the run has not looked at.

    UserError as of `items_of`.
    """
    if (kept := _kept(run, attribute)) is not None:
        return kept
    broken = image_survey(run, data).broken if is_surveyed(run) else ()
    items = _asked(run, data, attribute, broken)
    items.attrs[_NOTES] = {attribute: []}
    items = _judgeable(items)
    require_enough(items)
    return items


def askable_items(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    """The run's items of one attribute; where the run has none, all items that can be asked,
    however rare their answers are.

    They are not written into the run, since a study needs more scenes of each answer.
    """
    if (kept := _kept(run, attribute)) is not None:
        return kept
    every = replace(run.study, min_scenes_per_text=1, min_scenes_per_answer=1)
    items = _built(replace(run, study=every), data, attribute)
    if len(set(items["answer"])) < 2:
        require_enough(items)
    return items


def _kept(run: Run, attribute: str) -> pd.DataFrame | None:
    """The run's items of one attribute, with their own notes and no others': what is written of
    them must not depend on what else the run holds."""
    rows = run.read_rows("items", {"attribute": attribute})
    return rows if rows is not None and len(rows) else None


def item_notes(items: pd.DataFrame) -> tuple[str, ...]:
    """What the reader should know of how the items of one attribute were chosen."""
    return tuple(items.attrs.get(_NOTES, {}).get(attribute_of_items(items), ()))


def with_note(items: pd.DataFrame, note: str) -> pd.DataFrame:
    """The same items, with one more note for the reader of the results."""
    name = attribute_of_items(items)
    noted = items.copy()
    noted.attrs = {**items.attrs, _NOTES: {name: [*item_notes(items), note]}}
    return noted


def require_enough(items: pd.DataFrame) -> None:
    """UserError if the items come from too few scenes, or all have the same answer."""
    n_scenes = len(set(items["scene_id"]))
    if n_scenes < _MIN_SCENES:
        raise UserError(
            f"the statistics need at least {_MIN_SCENES} scenes, got {n_scenes}: use more scenes"
        )
    if len(set(items["answer"])) < 2:
        raise UserError(
            f"need at least 2 different answers, every item's is {items['answer'].iloc[0]!r}: "
            "use more scenes"
        )


def require_readable(items: pd.DataFrame) -> None:
    """UserError for an answer that only one scene has: a reader fitted on the other scenes has
    never met it."""
    if alone := _answers_of_one_scene(items):
        raise UserError(
            f"an answer needs at least 2 scenes to be read by what was fitted on others, "
            f"{alone[0]!r} has 1: use more scenes"
        )


def labels_of(items: pd.DataFrame, answers: Sequence[str]) -> Int[ndarray, " item"]:
    """Each item's answer as an index into the answer set."""
    return np.array([answers.index(answer) for answer in items["answer"]], dtype=np.int64)


def _built(run: Run, data: SceneData, attribute: str) -> pd.DataFrame:
    survey = image_survey(run, data)
    items = _asked(run, data, attribute, survey.broken)
    skipped: dict[str, int] = items.attrs["skipped"][attribute]
    missing = {_BROKEN: len(survey.unreadable), _REFUSED: len(survey.refused)}
    skipped.update({reason: count for reason, count in missing.items() if count})
    # Which of rendered scenes a text suits is no news; which photographs are missing is.
    told = skipped if isinstance(data.scenes[0], Photograph) else missing
    items.attrs[_NOTES] = {attribute: [*data.notes, *_not_asked(told)]}
    return items


def _given(scores: GivenScores, attribute: str) -> pd.DataFrame:
    """The items of a table of scores. What is too rare to be read is left out of them, too."""
    items = scores.items[attribute].copy()
    items.attrs = {**items.attrs, _NOTES: {attribute: []}}
    return _judgeable(items)


def _asked(run: Run, data: SceneData, attribute: str, broken: Collection[str]) -> pd.DataFrame:
    """The items of one attribute about the study's scenes, but for those whose image is broken."""
    study = run.study
    scenes = chosen_scenes(data, study.n_scenes)
    return build_items(
        [scene for scene in scenes if scene.scene_id not in broken],
        [attribute],
        rng=study.rng(Stream.ITEMS),
        questions=study.questions,
        min_scenes_per_text=study.min_scenes_per_text,
        min_scenes_per_answer=study.min_scenes_per_answer,
        asking=data.asking,
    )


def _judgeable(items: pd.DataFrame) -> pd.DataFrame:
    """The items without those whose answer only one scene has: a reader fitted on the other scenes
    would never have met it."""
    alone = _answers_of_one_scene(items)
    if not alone or len(set(items["answer"])) - len(alone) < 2:
        return items
    kept = items.loc[~items["answer"].isin(alone)].reset_index(drop=True)
    kept.attrs = dict(items.attrs)
    note = f"left out, an answer of one scene each: {', '.join(alone)}"
    name = attribute_of_items(items)
    kept.attrs[_NOTES] = {name: [*items.attrs[_NOTES][name], note]}
    return kept


def _answers_of_one_scene(items: pd.DataFrame) -> list[str]:
    scenes_of = Counter(items.drop_duplicates(["answer", "scene_id"])["answer"])
    return sorted(answer for answer, number in scenes_of.items() if number == 1)


def _not_asked(skipped: Mapping[str, int]) -> list[str]:
    reasons = [f"{number:,} ({reason})" for reason, number in sorted(skipped.items()) if number]
    return [f"scenes that are not asked: {', '.join(reasons)}"] if reasons else []
