"""Makes the data of a study from photographs and their questions."""

from collections.abc import Sequence
from functools import partial

from PIL import Image

from data_prep.files.images import photograph_rgb, photograph_size, unreadable
from data_prep.files.tree import Tree
from data_prep.photographs.labels import LabelQuestions
from data_prep.scene_data import SceneData, fingerprint_of
from data_prep.scenes import Photograph


def photograph_data(
    photographs: Sequence[Photograph],
    asking: LabelQuestions,
    tree: Tree,
    *,
    name: str,
    notes: Sequence[str] = (),
) -> SceneData:
    """The data of a study with these photographs, whose images are opened in `tree` by their
    names. `notes` says what of the data is not used."""

    def mark(image: str) -> bytes:
        try:
            return tree.mark(image)
        except FileNotFoundError:
            return b""  # a broken image, which the look at all images names or leaves out
        except OSError as error:
            raise unreadable(image, error) from error

    return SceneData(
        scenes=tuple(photographs),
        asking=asking,
        open_image=partial(_shown, tree),
        image_size=partial(_size, tree),
        name=name,
        fingerprint=fingerprint_of(photographs, mark),
        notes=tuple(notes),
    )


def _shown(tree: Tree, image: str) -> Image.Image:
    return photograph_rgb(partial(tree.open, image), image)


def _size(tree: Tree, image: str) -> tuple[int, int]:
    return photograph_size(partial(tree.open, image), image)
