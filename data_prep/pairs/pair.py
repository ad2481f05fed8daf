"""What a pair of images is: one question that has one answer for the first image and another
answer for the second.

An intervention takes activations from the run on the source and puts them into the run on the
base. That says something only if the two answers differ, and if both images have equally many
pixels: otherwise a model turns them into unlike numbers of image tokens.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from PIL import Image

from data_prep.errors import UserError
from data_prep.questions import Template
from data_prep.scenes import AnyScene

Kind: TypeAlias = Literal["minimal", "matched"]
"""How the images of a pair are related. "minimal": the same scene, in which one attribute of one
object differs. "matched": two unrelated scenes that the same text is asked of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One image of a pair."""

    scene_id: str
    image: str
    """Name under which the `open_image` and `image_size` of the pairs find the image."""
    answer: str
    """The right answer to the pair's question for this image."""
    scene: AnyScene
    """What is known about this image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two images that are asked the same question and have different answers. UserError if the
    answers are equal."""

    pair_id: str
    """Identifier that is unique among the pairs of an attribute. A pair is the sampling unit (the
    cluster) of the statistics of interventions."""
    attribute: str
    template: Template
    question: str
    """The text that is asked of both images."""
    base: Side
    """The image whose run is changed by an intervention."""
    source: Side
    """The image whose activations are taken."""
    changed: int | None
    """Index of the object that differs, in both scenes. None for matched pairs."""
    kind: Kind

    def __post_init__(self) -> None:
        if self.base.answer == self.source.answer:
            raise UserError(
                f"pair {self.pair_id!r}: the answers of base and source must differ, got "
                f"{self.base.answer!r} for both: pair images with other answers"
            )

    @property
    def sides(self) -> tuple[Side, Side]:
        """Base and source."""
        return self.base, self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of one attribute, and the way to their images.

    UserError if two pairs have the same id, or if the images of a pair differ in size.
    """

    pairs: tuple[Pair, ...]
    open_image: Callable[[str], Image.Image]
    """Takes the `image` of a side and gives the image as RGB. It can be pickled."""
    image_size: Callable[[str], tuple[int, int]]
    """Takes the `image` of a side and gives width and height in pixels."""
    kind: Kind
    skipped: Mapping[str, int] = field(default_factory=dict, hash=False)
    """The number of scenes that gave no pair, by reason."""
    changed_outside: Mapping[int, float] | None = field(default=None, hash=False)
    """For minimal pairs, how far the change reaches beyond the changed object, by its shadow and
    its reflected light: for each threshold in grey levels (of 255), the share (0 to 1) of the
    pixels outside the object's outlines that differ by more, as the mean over pairs. None if it was
    not measured."""

    def __post_init__(self) -> None:
        for pair_id, times in Counter(pair.pair_id for pair in self.pairs).items():
            if times > 1:
                raise UserError(
                    f"a pair is one cluster, got pair id {pair_id!r} {times} times: give every "
                    "pair its own id"
                )
        for pair in self.pairs:
            _require_equal_sizes(pair, self.image_size)


def minimal_pair(*, attribute: str, text: str, base: Side, source: Side, changed: int) -> Pair:
    """The pair of a scene and its changed copy. A scene has at most one such pair per attribute."""
    return Pair(
        pair_id=f"{base.scene_id}/{attribute}",
        attribute=attribute,
        template="referring",
        question=text,
        base=base,
        source=source,
        changed=changed,
        kind="minimal",
    )


def side_of(scene: AnyScene, answer: str) -> Side:
    """The scene as one side of a pair."""
    return Side(scene_id=scene.scene_id, image=scene.image, answer=answer, scene=scene)


def _require_equal_sizes(pair: Pair, image_size: Callable[[str], tuple[int, int]]) -> None:
    sizes: Sequence[tuple[int, int]] = [image_size(side.image) for side in pair.sides]
    if sizes[0] != sizes[1]:
        (width, height), (other_width, other_height) = sizes
        raise UserError(
            f"pair {pair.pair_id!r}: both images must have the same size, got {width} x {height} "
            f"and {other_width} x {other_height} pixels: scale them to one size"
        )
