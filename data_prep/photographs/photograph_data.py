"""Photographs and their questions as the data of a study."""

from collections.abc import Callable, Sequence
from functools import partial

from data_prep.files.images import photograph_rgb, photograph_size, unreadable
from data_prep.files.tree import Stream, Tree
from data_prep.photographs.labels import LabelQuestions
from data_prep.scene_data import SceneData, fingerprint_of
from data_prep.scenes import Photograph


def photograph_data(
    photographs: Sequence[Photograph], asking: LabelQuestions, tree: Tree, *, name: str
) -> SceneData:
    """Images are opened in `tree` by their names."""

    def opener(image: str) -> Callable[[], Stream]:
        return partial(tree.open, image)

    def mark(image: str) -> bytes:
        try:
            return tree.mark(image)
        except OSError as error:
            raise unreadable(image, error) from error

    return SceneData(
        scenes=tuple(photographs),
        asking=asking,
        open_image=lambda image: photograph_rgb(opener(image), image),
        image_size=lambda image: photograph_size(opener(image), image),
        name=name,
        fingerprint=fingerprint_of(photographs, mark),
    )
