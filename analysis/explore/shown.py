"""Makes the page of some items: they are read one after the other, as many as a page can hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from analysis.explore.content import ReadCondition, ReadSubject, page_content
from analysis.explore.lenses import LOGIT, Lens
from analysis.explore.page import MOST_BYTES, page
from analysis.explore.places import Grid, grid_of
from analysis.explore.reading import PassReading, read_pass
from analysis.explore.subjects import Followed, Subject, followed_tops, trajectory
from data_prep.errors import UserError
from data_prep.terminal.progress import Progress
from probes.token_names import token_names

if TYPE_CHECKING:
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A page, and facts about what it holds."""

    page: bytes
    n_items: int
    n_pairs: int


@dataclass(slots=True, kw_only=True, eq=False)
class Reader:
    """Reads items with a model through some lenses."""

    vlm: "VLM"
    lenses: Mapping[str, Lens]
    k: int
    """Number of most probable tokens that are kept at each layer and place."""
    texts: dict[int, str] = field(init=False)
    """The text of each token that was read, by token id."""

    def __post_init__(self) -> None:
        n_vocab = self.vlm.unembedding.n_vocab
        if self.k > n_vocab:
            raise UserError(
                f"tokens must be at most {n_vocab:,}, all that the model knows, got {self.k:,}: "
                "5 are usual"
            )
        self.texts = dict(enumerate(token_names(self.vlm.tokenizer, n_vocab).names))

    def read(self, subject: Subject) -> ReadSubject:
        """Runs the forward passes of an item, one for each condition, and reads them."""
        grids = {name: grid_of(self.vlm, image.size) for name, image in subject.images.items()}
        n_places = sum(len(each.boxes) if isinstance(each, Grid) else 0 for each in grids.values())
        passes: dict[str, PassReading] = {}
        what = f"read {subject.item_id}"
        total = n_places + len(grids)
        with Progress(total=total, what=what, unit="place") as bar:
            for name, image in subject.images.items():
                grid = grids[name]
                passes[name] = read_pass(
                    self.vlm,
                    image,
                    subject.question,
                    grid if isinstance(grid, Grid) else None,
                    self.lenses,
                    k=self.k,
                    progress=bar.update,
                )
        return self._put_together(subject, grids, passes)

    def _put_together(
        self,
        subject: Subject,
        grids: Mapping[str, Grid | str],
        passes: Mapping[str, PassReading],
    ) -> ReadSubject:
        lens, real = self.lenses[LOGIT], passes["real"].answer
        followed = subject.followed or followed_tops(real, lens, self.text, self.k)
        answers = {
            name: self._at_nodes(image, subject.question, followed, passes[name].answer)
            for name, image in subject.images.items()
        }
        conditions = {
            name: ReadCondition(
                image=subject.images[name],
                grid=grids[name],
                tops=read.tops,
                trajectory={
                    each: trajectory(answers[name], lens, followed)
                    for each, lens in self.lenses.items()
                },
            )
            for name, read in passes.items()
        }
        return ReadSubject(subject=subject, followed=followed, conditions=conditions)

    def _at_nodes(
        self,
        image: Image.Image,
        question: str,
        followed: Followed,
        answer: Float[Tensor, "layer d_model"],
    ) -> Float[Tensor, "place layer d_model"]:
        """The residuals at the followed nodes. That of the answer position was read already."""
        if len(followed.places) == 1:
            return answer[None]
        buffer = self.vlm.new_buffer(len(followed.places))
        self.vlm.residuals_at(self.vlm.prepare([image], [question]), followed.places, buffer)
        return buffer

    def text(self, token: int) -> str:
        """The text of a token."""
        return self.texts[token]


def page_of(
    subjects: Iterable[Subject],
    reader: Reader,
    about: Mapping[str, Any],
    *,
    n_items: int,
    all_of_them: bool,
    pairs: Iterable[Mapping[str, Any]] = (),
) -> Made:
    """The page of the first `n_items` subjects; if they need not all be shown, of as many as fit.
    Of the pairs, which come after the items, it holds the first ones that fit.

    UserError if all must be shown and they do not fit; the message says how many do.
    """
    read: list[ReadSubject] = []
    content = None
    for subject in subjects:
        read.append(reader.read(subject))
        larger = page_content(read, about, reader.texts)
        size = len(page(larger))
        if size > MOST_BYTES:
            if all_of_them or content is None:
                raise _too_large(size, len(read))
            break
        content = larger
        if len(read) == n_items:
            break
    if content is None:
        raise UserError("a page needs at least 1 item, got none: choose a run that has items")
    return with_pairs(content, pairs)


def with_pairs(content: Mapping[str, Any], pairs: Iterable[Mapping[str, Any]]) -> Made:
    """The page of this content with the first pairs that fit beside its items."""
    made = Made(page=page(content), n_items=len(content["items"]), n_pairs=0)
    shown: list[Mapping[str, Any]] = []
    for pair in pairs:
        shown.append(pair)
        larger = page({**content, "pairs": shown})
        if len(larger) > MOST_BYTES:
            break
        made = Made(page=larger, n_items=made.n_items, n_pairs=len(shown))
    return made


def _too_large(size: int, n_items: int) -> UserError:
    fit = n_items - 1
    remedy = "take fewer --tokens or --conditions real"
    return UserError(
        f"a page may have {MOST_BYTES / 1e6:g} MB, got {size / 1e6:.2f} MB for {n_items} "
        f"item{'s' if fit else ''}: {f'{fit} fit, {remedy}' if fit else remedy}"
    )
