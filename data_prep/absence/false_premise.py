"""Questions that take for granted what is not there: "What color is the large sphere?" of a scene
without a large sphere.

Every such text is also asked, equally often, of scenes with a single large sphere, and every scene
is also asked for a thing that it has. So a reader that tells the two apart has used both.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator

from data_prep.absence.matched_items import Wording, matched_items
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, Description, Question
from data_prep.scenes import Scene

NO_ANSWER = ""
"""The answer of an item whose thing is absent: there is no right one."""


def false_premises(
    scenes: Sequence[Scene],
    attribute_names: Sequence[str],
    *,
    rng: Generator,
    min_scenes_per_text: int = 20,
) -> pd.DataFrame:
    """A table with two questions per attribute and scene, in that order, in the columns
    `matched_items.ABSENCE_COLUMNS`.

    The attributes are among `PROPERTIES`. Where the thing is present, exactly one object fits, and
    its property is the answer; where it is absent, the answer is `NO_ANSWER`. The items of an
    attribute do not depend on which other attributes are asked. How the texts are matched, what is
    left out and what is refused is said at `matched_items`.
    """
    names = tuple(dict.fromkeys(attribute_names))
    unknown = [name for name in names if name not in PROPERTIES]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "none"
        raise UserError(f"a thing is asked for {', '.join(PROPERTIES)}, got {got}: choose of them")
    seed = int(rng.integers(2**63))
    tables = [
        matched_items(
            scenes,
            _wording(name),
            min_scenes_per_text=min_scenes_per_text,
            rng=np.random.default_rng([seed, stream_key(name)]),
        )
        for name in names
    ]
    skipped = {name: each.attrs["skipped"][name] for name, each in zip(names, tables, strict=True)}
    # pandas compares attrs where it joins tables, and drops those that differ.
    joined = pd.concat(tables, ignore_index=True)
    joined.attrs["skipped"] = skipped
    return joined


def _wording(name: str) -> Wording:
    def question(scene: Scene, description: Description, present: bool) -> Question:
        fitting = [thing for thing in scene.objects if description.fits(thing)]
        return Question(
            attribute=name,
            template="referring",
            text=f"What {name} is the {description.phrase}?",
            answer=getattr(fitting[0], name) if present else NO_ANSWER,
        )

    return Wording(attribute=name, without=name, unique=True, question=question, suffix="premise")
