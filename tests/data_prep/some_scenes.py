"""Scenes for the tests of this folder: made by hand, drawn by hypothesis, or many at random."""

import numpy as np
from hypothesis import strategies as st

from data_prep.attributes import attribute
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene, SceneObject


def thing(words: str, x: float = 0.0) -> SceneObject:
    """An object from "large red metal sphere", at `x` pixels from the left."""
    size, color, material, shape = words.split()
    return SceneObject(
        size=size,
        color=color,
        material=material,
        shape=shape,
        position_px=(x, 64.0),
        coords=(0.0, 0.0, 0.35),
        rotation_deg=0.0,
    )


def scene(*words: str, scene_id: str = "scene") -> Scene:
    """A scene of such objects, from left to right."""
    objects = tuple(thing(each, x=float(place)) for place, each in enumerate(words))
    return Scene(scene_id=scene_id, image=f"{scene_id}.png", split="val", objects=objects)


def many_scenes(n_scenes: int, *, fewest: int = 2, most: int = 6, seed: int = 0) -> list[Scene]:
    """Random scenes with every property even and independent."""
    rng = np.random.default_rng(seed)
    answers = [attribute(name).answers for name in PROPERTIES]
    return [
        scene(
            *(
                " ".join(each[rng.integers(len(each))] for each in answers)
                for _ in range(rng.integers(fewest, most + 1))
            ),
            scene_id=f"scene_{number:05d}",
        )
        for number in range(n_scenes)
    ]


# Few colors, so that twins and shared properties are common.
_words = st.tuples(
    st.sampled_from(attribute("size").answers),
    st.sampled_from(("red", "blue", "gray")),
    st.sampled_from(attribute("material").answers),
    st.sampled_from(attribute("shape").answers),
).map(" ".join)


def phrases(fewest: int = 0, most: int = 7) -> st.SearchStrategy[list[str]]:
    """What `scene` takes, twins included.

    Not scenes themselves: beartype draws random numbers where it checks them, which hypothesis
    does not allow inside of a strategy.
    """
    return st.lists(_words, min_size=fewest, max_size=most)
