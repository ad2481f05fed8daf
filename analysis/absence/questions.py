"""Which questions about absence can be asked of a run, and their items."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from numpy import ndarray

from analysis.run.image_survey import chosen_scenes, image_survey
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.absence.existence import EXIST, existence_questions
from data_prep.absence.false_premise import false_premises
from data_prep.attributes import Attribute, attribute_of, stream_key
from data_prep.errors import UserError
from data_prep.photographs.labels import PRESENCE, YES_NO, LabelQuestions
from data_prep.photographs.presence import asked_text
from data_prep.questions import PROPERTIES
from data_prep.scene_data import SceneData
from data_prep.scenes import Photograph, Scene

Kind = Literal["existence", "premise"]
_LEAST_GROUPS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Questions:
    """Questions of one name, each about something that is in the image or is not."""

    name: str
    """"exist", "presence", or the attribute that is asked for under a premise."""
    kind: Kind
    """existence: whether a thing is there, answered yes or no; premise: what a thing looks like
    that may not be there."""
    items: pd.DataFrame
    """In the columns of `data_prep.absence.matched_items.ABSENCE_COLUMNS`."""
    answers: Attribute
    """The answers that are scored: yes and no, or those of the attribute. An item whose thing is
    absent has no right one among the latter."""

    def part(self, rows: Int[ndarray, " chosen"]) -> "Questions":
        """The same questions, of some of the items only."""
        return replace(self, items=self.items.iloc[rows].reset_index(drop=True))

    @property
    def absent(self) -> Bool[ndarray, " item"]:
        """Whether the thing that an item asks about is missing from its image."""
        return ~self.items["present"].to_numpy(dtype=bool)

    @property
    def groups(self) -> Int[ndarray, " item"]:
        """The number of each item's group: scenes that are asked the same texts are one group,
        which is what is sampled."""
        return np.unique(self.items["group"], return_inverse=True)[1]

    @property
    def n_groups(self) -> int:
        return len(set(self.items["group"]))

    @property
    def n_scenes(self) -> int:
        return len(set(self.items["scene_id"]))

    @property
    def right_answer(self) -> Int[ndarray, " item"]:
        """The place of each item's right answer among `answers`; -1 where none is right."""
        place = {answer: number for number, answer in enumerate(self.answers.answers)}
        return np.array([place.get(each, -1) for each in self.items["answer"]], dtype=np.int64)

    @property
    def digest(self) -> str:
        """Tells these items from others."""
        rows = self.items[["item_id", "image", "question"]].to_csv(index=False)
        return hashlib.sha256(rows.encode()).hexdigest()[:16]


def askable(data: SceneData) -> tuple[str, ...]:
    """The names of the questions about absence that the data allows."""
    if PRESENCE in data.attributes:
        return (PRESENCE,)
    if all(isinstance(each, Scene) for each in data.scenes):
        return (EXIST, *(name for name in data.attributes if name in PROPERTIES))
    return ()


def chosen_questions(data: SceneData, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the questions to ask, each once; "usual" stands for existence and color, or for
    presence, and "all" for everything that can be asked. UserError for others."""
    known = askable(data)
    if not known:
        raise UserError(
            f"{data.name} does not say what is absent from its images: take scenes whose objects "
            "are described, COCO, or the files of POPE"
        )
    usual = tuple(name for name in known if name in (PRESENCE, EXIST, "color"))
    found = [each for name in names for each in {"usual": usual, "all": known}.get(name, (name,))]
    for name in found:
        if name not in known:
            raise UserError(f"about must be among {', '.join(known)}, or all, got {name!r}")
    if not found:
        raise UserError(f"--about needs at least one of {', '.join(known)}, or all")
    return tuple(dict.fromkeys(found))


def questions_of(opened: OpenRun, name: str, *, most: int) -> Questions:
    """The questions of one name about at most `most` scenes of the run's, or a few more where one
    group of scenes holds several. UserError if too few scenes can be asked."""
    items = _items(opened, name)
    rng = opened.run.study.rng(Stream.ABSENCE_CHOICE, stream_key(name))
    items = _some_groups(items, most, rng)
    n_groups = len(set(items["group"]))
    if n_groups < _LEAST_GROUPS or len(set(items["present"])) < 2:
        raise UserError(
            f"questions about {name} need at least {_LEAST_GROUPS} groups of scenes, of which some "
            f"hold the thing and some do not, got {n_groups}: use more scenes"
        )
    return Questions(
        name=name,
        kind="existence" if name in (EXIST, PRESENCE) else "premise",
        items=items,
        answers=_answers(opened.data, name, items),
    )


def _items(opened: OpenRun, name: str) -> pd.DataFrame:
    data, study = opened.data, opened.run.study
    if name == PRESENCE:
        if data.absence is not None:
            return _readable(opened, data.absence)
        return _with_presence(items_of(opened.run, data, PRESENCE), data)
    broken = image_survey(opened.run, data).broken
    scenes = [
        scene
        for scene in chosen_scenes(data, study.n_scenes)
        if isinstance(scene, Scene) and scene.scene_id not in broken
    ]
    rng = study.rng(Stream.ABSENCE_ITEMS, stream_key(name))
    floor = max(2, study.min_scenes_per_text)
    if name == EXIST:
        return existence_questions(scenes, rng=rng, min_scenes_per_text=floor)
    return false_premises(scenes, [name], rng=rng, min_scenes_per_text=floor)


def _readable(opened: OpenRun, items: pd.DataFrame) -> pd.DataFrame:
    study = opened.run.study
    broken = image_survey(opened.run, opened.data).broken
    chosen = {each.scene_id for each in chosen_scenes(opened.data, study.n_scenes)} - set(broken)
    return items.loc[items["scene_id"].isin(list(chosen))].reset_index(drop=True)


def _with_presence(items: pd.DataFrame, data: SceneData) -> pd.DataFrame:
    """Items on the presence of single categories, one for each photograph, which is its own
    group."""
    category_of: dict[str, str] = {}
    if isinstance(data.asking, LabelQuestions):
        named = {name for each in data.scenes if isinstance(each, Photograph)
                 for name in each.categories}  # fmt: skip
        pattern = data.asking.texts[PRESENCE]
        category_of = {asked_text(pattern, name): name for name in sorted(named)}
    return items.assign(
        thing=[category_of.get(text, "") for text in items["question"]],
        present=items["answer"] == "yes",
        absent_by="",
        group=items["scene_id"],
    )


def _some_groups(items: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    scenes_of = items.drop_duplicates("scene_id")["group"].value_counts()
    order = rng.permutation(np.array(sorted(set(items["group"]))))
    before = np.concatenate([[0], np.cumsum([scenes_of[each] for each in order])[:-1]])
    chosen = order[before < most].tolist()
    return items.loc[items["group"].isin(chosen)].reset_index(drop=True)


def _answers(data: SceneData, name: str, items: pd.DataFrame) -> Attribute:
    if name in (EXIST, PRESENCE):
        return attribute_of(name, YES_NO)
    return data.attributes[name].restricted_to(set(items["answer"]) - {""})
