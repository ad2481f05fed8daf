"""What a page is about: items with their images under each condition, of a run or of one's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from numpy import ndarray
from PIL import Image
from torch import Tensor

from analysis.exploration.lenses import Lens
from probes.logit_lens import answer_log_probs

if TYPE_CHECKING:
    from probes.answers import AnswerTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The words whose probability is followed over the layers at the answer position."""

    tokens: "AnswerTokens"
    right: str | None
    """The right answer, where one is known."""
    among_answers: bool
    """Whether a probability is the share among these answers, as a study scores them, or that
    among all tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """One item of a page."""

    item_id: str
    question: str
    images: Mapping[str, Image.Image]
    """By condition; real comes first."""
    followed: Followed | None
    """None: the tokens that the model itself finds most probable at its last layer."""
    emergence: Mapping[str, Mapping[str, Any]]
    """By lens, what the run's results say of the item's attribute; empty where it has none."""
    attribute: str = ""

    def restricted_to(self, conditions: Sequence[str]) -> "Subject":
        """With the images of these conditions only."""
        images = {name: image for name, image in self.images.items() if name in conditions}
        return replace(self, images=images)


def followed_tops(
    answer: Float[Tensor, "layer d_model"], lens: Lens, text: Callable[[int], str], n_tokens: int
) -> Followed:
    """The most probable tokens of the last layer; `text` gives a token's."""
    from probes.answers import AnswerTokens

    ids = lens.unembedding.logits(answer[-1]).topk(n_tokens).indices.tolist()
    tokens = AnswerTokens(
        attribute="answer",
        answers=tuple(text(token) for token in ids),
        token_ids=tuple((token,) for token in ids),
        notes=(),
    )
    return Followed(tokens=tokens, right=None, among_answers=False)


@torch.no_grad()
def trajectory(
    answer: Float[Tensor, "layer d_model"], lens: Lens, followed: Followed
) -> Float[ndarray, "layer answer"]:
    """The probability of each followed answer at every layer, its tokens' added."""
    read = lens.translate(answer)
    if followed.among_answers:
        shares = answer_log_probs(read[None], lens.unembedding, followed.tokens)[0]
        return 2.0**shares
    log_probs = lens.unembedding.logits(read).log_softmax(-1)
    each = [log_probs[:, list(ids)].exp().sum(-1) for ids in followed.tokens.token_ids]
    return torch.stack(each, dim=-1).cpu().numpy()
