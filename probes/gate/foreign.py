"""Whether residuals from elsewhere are what a lens takes them for: raw, whole, in their place.

Their last state must give the model's own logits through the final norm and the head. Where it does
not, other readings are tried, and the one that does says what went wrong.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from probes.gate.check import Check
from probes.gate.foreign_file import ForeignResiduals
from probes.trial import tolerance_in, tolerance_of
from probes.vlm import VLM
from probes.vocabulary import Projection

_RAW = "hook what enters the final norm: the last of transformers' `hidden_states` is normed"


class ForeignReadings:
    """Readings of the states of another tool's file, compared with the logits beside them."""

    def __init__(self, vlm: VLM, foreign: ForeignResiduals) -> None:
        self.vlm, self.residuals, self.logits = vlm, foreign.residuals, foreign.logits
        formats = (foreign.residuals.dtype, foreign.logits.dtype)
        given = max(tolerance_in(each).same for each in formats)
        self.allowed = max(tolerance_of(vlm).same, given)
        self.own = foreign.logits[:, -1].float()
        self._n_vocab = foreign.logits.shape[-1]

    @property
    def n_states(self) -> int:
        return self.residuals.shape[1]

    def read(self, state: int, *, normed: bool) -> Float[Tensor, "item vocab"]:
        """The logits of one state, taken as raw or as normed already."""
        residual = self.residuals[:, state].to(self.vlm.dtype)
        unembedding = self.vlm.unembedding
        inside = residual if normed else unembedding.norm(residual)
        parts = [logits for _, logits in unembedding.vocabulary_chunks(inside, 8192)]
        return torch.cat(parts, dim=-1)[:, : self._n_vocab]

    def before_cap(self) -> Float[Tensor, "item vocab"]:
        """The logits of the last state without scale and cap."""
        unembedding = self.vlm.unembedding
        plain = Projection(unembedding.head, unembedding.bias, scale=1.0, soft_cap=None)
        inside = unembedding.norm(self.residuals[:, -1].to(self.vlm.dtype))
        return plain(inside, slice(0, self._n_vocab))

    def share(
        self, got: Float[Tensor, "item vocab"], own: Float[Tensor, "item vocab"] | None = None
    ) -> float:
        """The largest difference as a share of the largest logit."""
        own = self.own if own is None else own
        return float((got - own).abs().amax() / own.abs().amax().clamp(min=torch.finfo().tiny))

    def same(self, got: Float[Tensor, "item vocab"]) -> bool:
        """Whether logits are the model's own, within what is allowed."""
        return self.share(got) <= self.allowed


def checked_foreign(vlm: VLM, foreign: ForeignResiduals) -> Iterator[Check]:
    """The checks of residuals from elsewhere.

    >>> from PIL import Image
    >>> image, text = [Image.new("RGB", (64, 64))], ["What is this?"]
    >>> own = vlm.answer_logits(image, text)
    >>> states = vlm.capture(image, text)
    >>> given = ForeignResiduals(residuals=states, logits=own[:, None])
    >>> [check.passed for check in checked_foreign(vlm, given)]
    [True, True, True]
    >>> states = torch.cat([states[:, :-1], vlm.norm(states[:, -1:])], dim=1)
    >>> given = ForeignResiduals(residuals=states, logits=own[:, None])
    >>> next(checked_foreign(vlm, given)).fault  # doctest: +ELLIPSIS
    'the last state is normed already: a lens that norms it again differs by ...'
    """
    readings = ForeignReadings(vlm, foreign)
    yield _last(readings)
    yield _number_of_states(readings)
    yield _distinct(readings)


def _last(readings: ForeignReadings) -> Check:
    raw = readings.read(-1, normed=False)
    share = readings.share(raw)
    passed = share <= readings.allowed
    fault, remedy = ("", "") if passed else _cause(readings, raw, share)
    return Check(
        name="the last state, raw, gives the model's logits",
        passed=passed,
        difference=share,
        allowed=readings.allowed,
        fault=fault,
        remedy=remedy and f"; {remedy}",
    )


def _cause(
    readings: ForeignReadings, raw: Float[Tensor, "item vocab"], share: float
) -> tuple[str, str]:
    """What went wrong, as the first reading that gives the logits tells it, and what to do."""
    differs = f"differs by {share:.2g} of the largest logit, allowed {readings.allowed:.0e}"
    if readings.same(readings.read(-1, normed=True)):
        return f"the last state is normed already: a lens that norms it again {differs}", _RAW
    for state in reversed(range(readings.n_states - 1)):
        for normed in (False, True):
            if readings.same(readings.read(state, normed=normed)):
                return _other_state(readings, state, normed, differs)
    for what in (_other_item, _other_token, _other_logits):
        if (told := what(readings, raw)) is not None:
            return f"{told}: the last state taken as raw {differs}", ""
    if _looks_normed(readings):
        return (
            f"the last state has the size of a normed one, but normed or raw it {differs}: it is "
            "of another position, of other items, or of other weights",
            _RAW,
        )
    return (
        f"no state, raw or normed, gives these logits (the last, raw, {differs}): the residuals "
        "are of another position or of other weights, the last block is missing, or something was "
        "added to them on the way",
        "capture at the last position of the prompt, padded on the left or not at all",
    )


def _other_state(
    readings: ForeignReadings, state: int, normed: bool, differs: str
) -> tuple[str, str]:
    last = readings.n_states - 1
    form = "normed already, " if normed else "raw, "
    follows = ""
    if not normed and state == last - 1:
        inside = readings.vlm.unembedding.norm(readings.residuals[:, state].to(readings.vlm.dtype))
        wanted = readings.residuals[:, last].to(inside.dtype)
        if readings.share(wanted.float(), inside.float()) <= readings.allowed:
            follows = ", and the last state is its norm"
    return (
        f"state {state}, {form}gives the logits, and not the last one, {last} (counted from 0), "
        f"which {differs}: the states are {last - state} off by their layers{follows}",
        f"leave out what comes after state {state}",
    )


def _other_item(readings: ForeignReadings, raw: Float[Tensor, "item vocab"]) -> str | None:
    """That the states are those of the items in another order, if each is that of one."""
    n_items = len(raw)
    for form, got in (("raw", raw), ("normed already", readings.read(-1, normed=True))):
        matches: list[int] = []
        for row in got:
            far = (readings.own - row).abs().amax(-1) / readings.own.abs().amax()
            if float(far.min()) > readings.allowed:
                break
            matches.append(int(far.argmin()))
        if n_items > 1 and len(matches) == n_items and matches != list(range(n_items)):
            first = next(item for item, match in enumerate(matches) if item != match)
            return (
                f"the items are in another order: the last state of item {first}, {form}, gives "
                f"the logits of item {matches[first]}"
            )
    return None


def _other_token(readings: ForeignReadings, raw: Float[Tensor, "item vocab"]) -> str | None:
    """That the states are those of another position, if the logits of all are given."""
    n_tokens = readings.logits.shape[1]
    for token in reversed(range(n_tokens - 1)):
        own = readings.logits[:, token].float()
        for form, got in (("raw", raw), ("normed already", readings.read(-1, normed=True))):
            if readings.share(got, own) <= readings.allowed:
                return (
                    f"the states are of another position: the last state, {form}, gives the logits "
                    f"of token {token}, {n_tokens - 1 - token} before the answer position"
                )
    return None


def _other_logits(readings: ForeignReadings, raw: Float[Tensor, "item vocab"]) -> str | None:
    """That it is the logits which are not the model's, if they can be made from these."""
    unembedding = readings.vlm.unembedding
    plain = unembedding.scale == 1 and unembedding.soft_cap is None
    if not plain and readings.same(readings.before_cap()):
        return "the logits are from before the model's logit scale or soft cap"
    apart = raw - readings.own
    if readings.same(raw - apart.mean(-1, keepdim=True)):
        return (
            "the logits differ from the model's by a constant for each item, as log-probabilities "
            "or those of a centred head do: give the model's own"
        )
    return None


def _looks_normed(readings: ForeignReadings) -> bool:
    """Whether the last state has the statistics that the norm gives: of one size, item by item."""
    norm = readings.vlm.unembedding.norm
    state = readings.residuals[:, -1].float()
    weight = norm.weight.float() + (1 if norm.kind == "rms_plus_one" else 0)
    if norm.bias is not None:
        state = state - norm.bias.float()
    used = weight.abs() > 1e-3
    size = (state[:, used] / weight[used]).square().mean(-1).sqrt()
    return bool(((size - 1).abs() < 0.02).all())


def _number_of_states(readings: ForeignReadings) -> Check:
    n_states, wanted = readings.n_states, readings.vlm.n_layers + 1
    told = {
        wanted - 1: "one is missing: if the last gives the logits it is the embeddings, and state "
        "i is layer i + 1",
        wanted + 1: "one is too many: often the normed last one after the raw last one",
    }
    why = told.get(n_states, "some are missing, or not of the residual stream")
    fault = (
        f"{readings.vlm.name} has {wanted} states (what enters block 1, and the stream after each "
        f"of {wanted - 1} blocks), got {n_states}: {why}"
    )
    passed = n_states == wanted
    return Check(name="as many states as layers", passed=passed, fault="" if passed else fault)


def _distinct(readings: ForeignReadings) -> Check:
    """That no layer stands twice: a block changes the stream, if only in the last places."""
    states = readings.residuals
    twice = [
        place for place in range(1, readings.n_states)
        if torch.equal(states[:, place - 1], states[:, place])
    ]  # fmt: skip
    fault = (
        f"states {twice[0] - 1} and {twice[0]} are the same: one layer stands twice"
        if twice
        else ""
    )
    return Check(name="no state stands twice", passed=not twice, fault=fault)
