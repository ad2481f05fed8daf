"""Ablates image tokens by the mean row of other images, and compares what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.special import logsumexp
from torch import Tensor

from analysis.ablation.asking import PlacedItems, placed_items
from analysis.ablation.found import CONTROLS, ELSEWHERE, OBJECT, Ablated, Contrast, FoundAblation
from analysis.ablation.tokens import DRAWS, ablated_positions
from analysis.capture.answer_trees import answer_trees
from analysis.capture.captures import passes_at_once
from analysis.effects.found import Interval
from analysis.run.items import labels_of
from analysis.run.opened import OpenRun
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from data_prep.terminal.progress import Progress
from probes.answers.scores import answer_log_probs
from probes.answers.tree import Node, different, places_of
from probes.interventions.edit import require_layer, set_to
from probes.interventions.pass_on import Intervened
from probes.interventions.places import places, shows_object
from probes.vlm import VLM
from stats import cluster_bootstrap, sign_flip_max_t

_LEAST = 10
_CROPPED, _TOO_LARGE = "the processor crops the object away", "the object fills half of the image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What every arm does to every item."""

    before: Float[ndarray, " item"]
    """log2 odds of the right answer against all others, in the plain pass."""
    right_before: Float[ndarray, " item"]
    after: dict[str, Float[ndarray, " item"]]
    right: dict[str, Float[ndarray, " item"]]
    n_tokens: Float[ndarray, " item"]


def measured_ablation(opened: OpenRun, attribute: str, *, layer: int) -> FoundAblation:
    """Ablates the object's tokens at a layer in every scene, and as many others.

    UserError if there are too few scenes whose object has a place that the model is shown.
    """
    vlm = opened.load_model()
    require_layer(layer, vlm.n_layers)
    placed = _shown(opened, vlm, placed_items(opened, attribute))
    if len(placed.items) < _LEAST:
        raise UserError(
            f"an ablation needs at least {_LEAST} scenes whose object has a place, got "
            f"{len(placed.items)}: use more scenes"
        )
    costs = _costs(opened, vlm, placed, attribute, layer)
    return estimated(costs, opened.run.study, key=stream_key(attribute), layer=layer,
                     left_out=placed.left_out)  # fmt: skip


def estimated(
    costs: Costs, study: Study, *, key: int, layer: int, left_out: dict[str, int]
) -> FoundAblation:
    """The numbers of an ablation from what it did to every scene."""
    after = _with_mean(costs.after)
    right = _with_mean(costs.right)
    names = [OBJECT, *CONTROLS]
    lost = np.stack([costs.before - after[name] for name in names], axis=1)
    more = lost[:, :1] - lost[:, 1:]
    table = np.column_stack([lost, *(right[name] for name in names), costs.right_before, more])
    found = cluster_bootstrap(
        table,
        np.arange(len(table)),
        rng=study.rng(Stream.ABLATION, key, 0),
        n_resamples=study.n_resamples,
        level=study.level,
    )
    test = sign_flip_max_t(
        more, rng=study.rng(Stream.ABLATION, key, 1), n_resamples=study.n_resamples
    )
    columns = [_interval(found, place) for place in range(table.shape[1])]
    n_names = len(names)
    return FoundAblation(
        layer=layer,
        n_scenes=len(table),
        left_out=left_out,
        n_tokens=float(costs.n_tokens.mean()),
        most_tokens=int(costs.n_tokens.max()),
        n_draws=DRAWS,
        right_before=_share(columns[2 * n_names]),
        arms={
            name: Ablated(lost=columns[place], right=_share(columns[n_names + place]))
            for place, name in enumerate(names)
        },
        contrasts=tuple(
            Contrast(
                control=name, lost_more=columns[2 * n_names + 1 + place], p=float(test.p[place])
            )
            for place, name in enumerate(CONTROLS)
        ),
        level=study.level,
        n_resamples=study.n_resamples,
    )


def _with_mean(arms: dict[str, ndarray]) -> dict[str, ndarray]:
    """The arms, with the mean over the random draws as one."""
    drawn = [values for name, values in arms.items() if name.startswith(ELSEWHERE)]
    kept = {name: values for name, values in arms.items() if not name.startswith(ELSEWHERE)}
    return kept | {ELSEWHERE: np.mean(drawn, axis=0)}


def _costs(opened: OpenRun, vlm: VLM, placed: PlacedItems, attribute: str, layer: int) -> Costs:

    items, data = placed.items, opened.data
    answers = data.answer_set(items)
    trees = answer_trees(opened, answers, items["question"]).of(items["question"])
    nodes = places_of(different(trees))
    label = labels_of(items, answers.answers)
    size = passes_at_once(opened, vlm)
    starts = range(0, len(items), size)
    mean = _MeanOfOthers()
    for start in Progress(starts, what=f"mean image token, {attribute}", unit="batch"):
        batch = _begun(opened, vlm, placed, slice(start, start + size))
        image = places(vlm, batch.inputs, ["image"])["image"]
        mean.add(batch.streams[layer], image)
    parts = []
    for start in Progress(starts, what=f"ablate {attribute}", unit="batch"):
        rows = slice(start, start + size)
        batch = _begun(opened, vlm, placed, rows)
        found = places(
            vlm, batch.inputs, ["image", "object"], boxes=placed.boxes[rows],
            image_sizes=[data.image_size(each) for each in items["image"][rows]],
        )  # fmt: skip
        rngs = [
            opened.run.study.rng(Stream.ABLATED_TOKENS, stream_key(attribute), row)
            for row in range(len(items))[rows]
        ]
        where = ablated_positions(found["object"], found["image"], batch.streams[layer], rngs)
        instead = mean.of_others(rows)
        ids = range(len(items))[rows]
        out = {"n": found["object"].sum(1).cpu().numpy().astype(np.float64)}
        plain = batch.at_nodes(vlm.n_layers, lambda stream: stream, nodes)
        out |= _scored("", vlm, plain, trees[rows], nodes, label[list(ids)])
        for name, mask in where.items():
            last = batch.at_nodes(layer, set_to(mask, instead.to(mask.device)), nodes)
            out |= _scored(f" {name}", vlm, last, trees[rows], nodes, label[list(ids)])
        parts.append(out)
    whole = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
    return Costs(
        before=whole["odds"],
        right_before=whole["right"],
        after={name.removeprefix("odds "): whole[name] for name in whole if "odds " in name},
        right={name.removeprefix("right "): whole[name] for name in whole if "right " in name},
        n_tokens=whole["n"],
    )


def _begun(opened: OpenRun, vlm: VLM, placed: PlacedItems, rows: slice) -> Intervened:
    part = placed.items.iloc[rows]
    images = [opened.data.open_image(each) for each in part["image"]]
    return Intervened(vlm, vlm.prepare(images, part["question"].tolist()))


def _scored(
    name: str,
    vlm: VLM,
    last: Float[Tensor, "item node d_model"],
    trees: Sequence,
    nodes: tuple[Node, ...],
    label: ndarray,
) -> dict[str, ndarray]:
    """log2 odds of the right answer against all others, and whether it is preferred."""
    scores = answer_log_probs(last[:, :, None], vlm.unembedding, trees, nodes)[:, 0].astype(float)
    rows = np.arange(len(label))
    others = scores.copy()
    others[rows, label] = -np.inf
    odds = scores[rows, label] - logsumexp(others * np.log(2), axis=1) / np.log(2)
    right = (scores.argmax(axis=1) == label).astype(np.float64)
    return {f"odds{name}": odds, f"right{name}": right}


class _MeanOfOthers:
    """The mean row at image positions, over all images but the item's own."""

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._numbers: list[Tensor] = []

    def add(self, stream: Tensor, image: Tensor) -> None:
        weights = image.to(stream.device, torch.float64)
        self._sums.append((weights[:, None] @ stream.double())[:, 0].cpu())
        self._numbers.append(weights.sum(1).cpu())

    def of_others(self, rows: slice) -> Float[Tensor, "item d_model"]:
        sums, numbers = torch.cat(self._sums), torch.cat(self._numbers)
        total = (sums.sum(0) - sums[rows]) / (numbers.sum() - numbers[rows])[:, None]
        return total.float()


def _shown(opened: OpenRun, vlm: VLM, placed: PlacedItems) -> PlacedItems:
    """The items whose object the model is shown, and shown with as many tokens elsewhere."""
    kept, left_out = [], dict(placed.left_out)
    for row, image in enumerate(placed.items["image"]):
        size = opened.data.image_size(image)
        shown = shows_object(vlm, placed.boxes[row], size)
        n_shown = int(shown.sum())
        if 0 < n_shown <= len(shown) / 2:
            kept.append(row)
            continue
        reason = _TOO_LARGE if n_shown else _CROPPED
        left_out[reason] = left_out.get(reason, 0) + 1
    return PlacedItems(
        items=placed.items.iloc[kept].reset_index(drop=True),
        boxes=tuple(placed.boxes[row] for row in kept),
        left_out=left_out,
    )


def _interval(found: object, place: int) -> Interval:
    ends = (getattr(found, name)[place] for name in ("estimate", "low", "high"))
    estimate, low, high = map(float, ends)
    return Interval(estimate=estimate, low=low, high=high)


def _share(interval: Interval) -> Interval:
    return Interval(
        estimate=interval.estimate, low=max(interval.low, 0.0), high=min(interval.high, 1.0)
    )
