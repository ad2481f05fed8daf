"""An image of the user's own with a question, as subject of a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from analysis.explore.subjects import Followed, Subject
from data_prep.attributes import attribute_of
from data_prep.controls import blank_image, mean_color
from data_prep.errors import UserError
from data_prep.files.image_file import UnreadableImageError
from data_prep.files.images import photograph_rgb

if TYPE_CHECKING:
    from probes.vlm import VLM


def own_image(path: Path, option: str = "--image") -> Image.Image:
    """The image in upright orientation, as RGB. UserError if the file is missing or no image."""
    if not path.is_file():
        raise UserError(f"no image file {path}: give {option} an existing JPEG, PNG or WebP")
    try:
        return photograph_rgb(lambda: path.open("rb"), path.name)
    except UnreadableImageError as error:
        raise UserError(
            f"{path} is no image that can be read ({error.reason}): give {option} a JPEG, PNG or "
            "WebP"
        ) from error


def own_subject(
    vlm: "VLM",
    image: Image.Image,
    question: str,
    *,
    other: Image.Image | None,
    answers: Sequence[str],
) -> Subject:
    """The subject with the image itself, another image for the same question if one is given, and a
    blank one.

    The blank image has the image's own mean color. UserError for answers that the tokenizer cannot
    tell apart, or for a question that holds the image token.
    """
    vlm.prompt(question)  # refuses the image token
    followed = None
    if answers:
        words = attribute_of("answers", {answer: (answer,) for answer in answers})
        tree = vlm.answer_tree(question, words)
        followed = Followed(tree=tree, right=None, among_answers=False)
    shuffled = {} if other is None else {"shuffled": other}
    return Subject(
        item_id="own image",
        question=question,
        images={
            "real": image,
            **shuffled,
            "blank": blank_image(image.size, mean_color([image])),
        },
        followed=followed,
        emergence={},
    )
