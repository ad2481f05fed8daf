"""What a page is about: items of a run, or the user's own image, with the images of each
condition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from numpy import ndarray
from PIL import Image
from torch import Tensor

from analysis.explore.lenses import Lens
from probes.answers.scores import answer_log_probs
from probes.answers.tree import one_token_tree, places_of
from probes.answers.words import word_log_probs

if TYPE_CHECKING:
    from probes.answers.tree import AnswerTree, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The words whose probability is followed over the layers at the answer position."""

    tree: "AnswerTree"
    right: str | None
    """The right answer; None where it is not known."""
    among_answers: bool
    """Whether a probability is the share among these answers, as a study scores them, or the
    probability among all tokens."""

    @property
    def places(self) -> "tuple[Node, ...]":
        """The nodes of the answer tree that are read, the answer position first."""
        return places_of([self.tree], whole=not self.among_answers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """One item of a page."""

    item_id: str
    question: str
    images: Mapping[str, Image.Image]
    """The images by condition; the item's own image, "real", comes first."""
    followed: Followed | None
    """The words to follow; None for the tokens that the model finds most probable at its last
    layer."""
    emergence: Mapping[str, Mapping[str, Any]]
    """What the run's results say about the emergence of the item's attribute, by lens; empty where
    there is nothing."""
    attribute: str = ""

    def restricted_to(self, conditions: Sequence[str]) -> "Subject":
        """The same item with the images of these conditions only."""
        images = {name: image for name, image in self.images.items() if name in conditions}
        return replace(self, images=images)


def followed_tops(
    answer: Float[Tensor, "layer d_model"], lens: Lens, text: Callable[[int], str], n_tokens: int
) -> Followed:
    """The most probable tokens of the last layer, as words to follow; `text` gives a token's
    text."""
    ids = lens.unembedding.logits(answer[-1]).topk(n_tokens).indices.tolist()
    tree = one_token_tree({text(token): (token,) for token in ids})
    return Followed(tree=tree, right=None, among_answers=False)


def trajectory(
    answer: Float[Tensor, "place layer d_model"], lens: Lens, followed: Followed
) -> Float[ndarray, "layer answer"]:
    """The probability of each followed answer at every layer; places are the followed nodes."""
    read = lens.translate(answer)[None]
    score = answer_log_probs if followed.among_answers else word_log_probs
    return 2.0 ** score(read, lens.unembedding, [followed.tree], followed.places)[0]
