"""The view of a data set that studies use: its scenes, the questions for them, and their images."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import pandas as pd
from PIL import Image

from data_prep.asking import Asking
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.given_scores.scores import GivenScores
from data_prep.items import answer_set, attribute_of_items, known_attribute
from data_prep.pairs.pair import Pairs
from data_prep.scenes import AnyScene, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneData:
    """A data set: its scenes, what can be asked of them, and functions that read their images."""

    scenes: tuple[AnyScene, ...]
    asking: Asking
    """Gives the attributes and the questions that can be asked of a scene."""
    open_image: Callable[[str], Image.Image]
    """Takes a scene's `image` and gives the image, upright and as RGB. UserError if it is damaged.

    The function must be picklable, because it is sent to the workers of a cluster.
    """
    image_size: Callable[[str], tuple[int, int]]
    """Takes a scene's `image` and gives width and height in pixels without decoding the image.
    UserError if it is damaged."""
    name: str
    """Name of the data for readers of a report. It holds no path."""
    fingerprint: str
    """Hash of the scenes' content and of their images. Different data has a different hash."""
    notes: tuple[str, ...] = ()
    """What readers of a report should know of files that are there and not used, or listed and not
    there; a line each, with a count."""
    minimal_pairs: Callable[[str], Pairs] | None = None
    """Takes the name of an attribute and gives pairs of a scene and a copy in which that attribute
    of one object differs. UserError if the data has none for it. None if the data has no such pairs
    at all."""
    usual_scenes: int | None = None
    """How many of its scenes a study takes unless it says otherwise; None for all."""
    why_not_asked: Callable[[str], str | None] | None = None
    """Takes the name of an attribute and says why a study cannot ask these scenes for it, or None
    if it can. "usual" and "all" do not stand for what cannot be asked. None where no study is
    known. It need not be picklable."""
    size_fault: Callable[[tuple[int, int]], str | None] | None = None
    """Takes width and height in pixels and says what is wrong with images of that size for the
    model that is to see them, or None if nothing is. None where no model is known. It need not be
    picklable."""
    absence: pd.DataFrame | None = None
    """Questions about presence that come with the data, in the columns of
    `absence.matched_items.ABSENCE_COLUMNS`; None if it has none of its own."""
    scores: GivenScores | None = None
    """Scores that were captured elsewhere and come in the place of scenes and images; None for data
    that a model is asked about."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The attributes that can be asked, by name."""
        return self.asking.attributes

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names of the attributes to ask, each once. In `names`, "usual" and "all" stand for
        several, without those that these scenes cannot be asked for.

        UserError for a name that the data does not have; the message lists those that it has.
        """
        groups = {"usual": self.asking.usual, "all": tuple(self.attributes)}
        found = [
            each
            for name in names
            for each in (self.askable(groups[name]) if name in groups else (name,))
        ]
        for name in found:
            if name in self.asking.left_out:
                raise UserError(f"{name} cannot be asked: {self.asking.left_out[name]}")
            known_attribute(name, self.attributes)
        return tuple(dict.fromkeys(found))

    def askable(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of `names` that a study can ask these scenes for. UserError if there are names, but
        none can be asked; it says why for the first one."""
        if self.why_not_asked is None:
            return tuple(names)
        reasons = {name: self.why_not_asked(name) for name in names}
        found = tuple(name for name, reason in reasons.items() if reason is None)
        if names and not found:
            raise UserError(f"{reasons[names[0]]}")
        return found

    def answer_set(self, items: pd.DataFrame) -> Attribute:
        """The one attribute that all `items` ask for, restricted to the answers they are scored
        on."""
        return answer_set(items, attribute_of_items(items), self.attributes)

    def object_scenes(self) -> dict[str, Scene]:
        """The scenes by id, for data that knows the objects of its scenes. UserError for
        photographs."""
        scenes = {each.scene_id: each for each in self.scenes if isinstance(each, Scene)}
        if not scenes or len(scenes) < len(self.scenes):
            raise UserError(
                f"{self.name} does not say where the object of a question lies: read the position "
                "answer or image"
            )
        return scenes


def fingerprint_of(scenes: Sequence[AnyScene], mark: Callable[[str], bytes]) -> str:
    """A hash over all scenes in the order of their ids. `mark` gives the bytes that stand for an
    image."""
    digest = sha256()
    for scene in sorted(scenes, key=lambda each: each.scene_id):
        known = asdict(scene)
        if not known.get("boxes", True):
            del known["boxes"]  # so that data that gives no boxes is the data it was before
        digest.update(json.dumps(known, sort_keys=True).encode())
        digest.update(sha256(mark(scene.image)).digest())
    return digest.hexdigest()
