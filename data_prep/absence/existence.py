"""Questions whether a thing is in a scene: "Is there a large red cube?"

As in POPE (Li et al. 2023, arXiv:2305.10355), half of the answers are yes. Unlike there, every text
and every scene has as many yes as no, so that neither alone tells anything.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd
from numpy.random import Generator

from data_prep.absence.matched_items import Wording, matched_items
from data_prep.questions import Description, Question
from data_prep.scenes import Scene

EXIST: Final = "exist"


def existence_questions(
    scenes: Sequence[Scene], *, rng: Generator, min_scenes_per_text: int = 20
) -> pd.DataFrame:
    """A table with two questions per scene, in the columns `matched_items.ABSENCE_COLUMNS`; its
    answers are yes and no.

    A description mentions 1 to 4 properties, and the answer is yes if at least one object fits. As
    many things are absent by one property as by all, as far as the scenes allow. How the texts are
    matched, what is left out and what is refused is said at `matched_items`.
    """
    wording = Wording(attribute=EXIST, without=None, unique=False, question=_question, suffix=EXIST)
    return matched_items(scenes, wording, min_scenes_per_text=min_scenes_per_text, rng=rng)


def _question(scene: Scene, description: Description, present: bool) -> Question:
    return Question(
        attribute=EXIST,
        template=EXIST,
        text=f"Is there a {description.phrase}?",
        answer="yes" if present else "no",
    )
