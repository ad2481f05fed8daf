"""Scenes of any kind, what can be asked of them, and a way to their images: what studies see."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import pandas as pd
from PIL import Image

from data_prep.asking import Asking
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.items import answer_set, attribute_of_items, known_attribute
from data_prep.scenes import AnyScene, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneData:
    """Scenes, and a way to their images."""

    scenes: tuple[AnyScene, ...]
    asking: Asking
    """What can be asked of a scene."""
    open_image: Callable[[str], Image.Image]
    """The image of a scene by its `image`, upright and as RGB. UserError if it is damaged.

    Can be pickled: it is sent to the workers of a cluster.
    """
    image_size: Callable[[str], tuple[int, int]]
    """Its width and height in pixels, without decoding it. UserError if it is damaged."""
    name: str
    """For people: what a report calls the data. Holds no path."""
    fingerprint: str
    """Hash of what the scenes hold and of their images; other data has another one."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What can be asked, by name."""
        return self.asking.attributes

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Attributes by name, each once; "usual" and "all" stand for several.

        UserError for one that the data does not have, with those that it has.
        """
        groups = {"usual": self.asking.usual, "all": tuple(self.attributes)}
        found = [each for name in names for each in groups.get(name, (name,))]
        for name in found:
            if name in self.asking.left_out:
                raise UserError(f"{name} cannot be asked: {self.asking.left_out[name]}")
            known_attribute(name, self.attributes)
        return tuple(dict.fromkeys(found))

    def answer_set(self, items: pd.DataFrame) -> Attribute:
        """The attribute of `items`, which all have one, with the answers they are scored on."""
        return answer_set(items, attribute_of_items(items), self.attributes)

    def object_scenes(self) -> dict[str, Scene]:
        """By id the scenes whose objects are known. UserError for photographs."""
        scenes = {each.scene_id: each for each in self.scenes if isinstance(each, Scene)}
        if not scenes or len(scenes) < len(self.scenes):
            raise UserError(
                f"{self.name} does not say where the object of a question lies: read the position "
                "answer or image"
            )
        return scenes


def fingerprint_of(scenes: Sequence[AnyScene], mark: Callable[[str], bytes]) -> str:
    """Over all scenes in the order of their ids; `mark` stands for the image."""
    digest = sha256()
    for scene in sorted(scenes, key=lambda each: each.scene_id):
        digest.update(json.dumps(asdict(scene), sort_keys=True).encode())
        digest.update(sha256(mark(scene.image)).digest())
    return digest.hexdigest()
