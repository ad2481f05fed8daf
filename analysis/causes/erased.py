"""The attribute erased linearly at the object's positions: what is then still answered?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.causes.asking import pair_items
from analysis.causes.fitting import why_no_probe
from analysis.causes.found import Erased
from analysis.causes.parts import Measuring, masks, sampled_layers
from analysis.causes.patching import Batch, after, begun, odds, plain_odds
from analysis.causes.shares import Estimating, share
from analysis.causes.swaps import OBJECT, Swap
from analysis.effects.found import Interval
from analysis.run.kept_arrays import kept
from analysis.streams import Stream
from data_prep.attributes import attribute as attribute_named
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene
from probes.interventions.directions import distance_from_natural
from probes.interventions.edit import erased
from probes.interventions.erasure import Eraser, fit_eraser
from probes.linear_probe import cross_fit
from stats import cluster_bootstrap
from stats.scenes import scene_rows

OTHER = {"color": "shape", "shape": "material", "material": "shape", "size": "shape"}
"""For each attribute the other one whose probe must survive, and whose erasure must do nothing."""
LEAST_FALL = 0.05
"""How far above chance a probe may be that counts as fallen."""
_NATURAL = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The rows at the objects' positions, of both images of every pair."""

    rows: Float[Tensor, "row layer d_model"]
    scenes: list[str]
    """The scene of each row."""
    labels: dict[str, Int[ndarray, " row"]]
    """What the object is, by attribute, as a place among the attribute's answers."""


def erased_layers(measuring: Measuring, n_pairs: int, how: Estimating) -> tuple[Erased, ...]:
    """What is left of the total effect when the attribute is erased at the object's positions (in
    both images), and what probes still read there; at a few layers. Nothing where the object's
    place is not known."""
    if not measuring.swaps.main[0].boxes or measuring.attribute not in PROPERTIES:
        return ()
    swaps = measuring.swaps.main[: 2 * n_pairs]
    layers = sampled_layers(measuring.n_layers)
    other = OTHER[measuring.attribute]
    rows = _object_rows(measuring, layers)
    erasers = {
        name: [
            fit_eraser(rows.rows[:, place], torch.from_numpy(rows.labels[name]))
            for place in range(len(layers))
        ]
        for name in (measuring.attribute, other)
    }
    asked = measuring.asked(measuring.attribute)

    def run(chosen: slice) -> dict[str, ndarray]:
        return _retained(measuring, begun(asked, swaps[chosen]), erasers, layers)

    file = measuring.folder / f"erasure-{n_pairs}.safetensors"
    what = f"causes {measuring.attribute}, erasure"
    tensors = kept(
        file, len(swaps), measuring.batch_size, run, names=[*erasers, "total"], what=what
    )
    ids = [each.pair_id for each in swaps]
    total = scene_rows(tensors["total"][:, None].astype(np.float64), ids)[:, 0]
    left = {
        name: share(scene_rows(tensors[name].astype(np.float64), ids), total, level=how.level)
        for name in erasers
    }
    return tuple(
        _at_layer(measuring, rows, erasers, place, layer, left, other, how)
        for place, layer in enumerate(layers)
    )


def why_not_erased(measuring: Measuring) -> str | None:
    """Why probes cannot be fitted to what is erased, and what is not; None if they can."""
    if not measuring.swaps.main[0].boxes or measuring.attribute not in PROPERTIES:
        return None  # nothing is erased then
    things, scenes = _things(measuring), _scenes(measuring)
    for name in (measuring.attribute, OTHER[measuring.attribute]):
        answers = attribute_named(name).answers
        labels = np.array([answers.index(each[name]) for each in things.values()])
        if why := why_no_probe(labels, [scenes[image] for image in things], answers):
            return f"{name}: {why}"
    return None


def _at_layer(
    measuring: Measuring,
    rows: _Rows,
    erasers: dict[str, list[Eraser]],
    place: int,
    layer: int,
    left: dict[str, tuple[Interval, ...]],
    other: str,
    how: Estimating,
) -> Erased:
    own = measuring.attribute
    plain = rows.rows[:, place]
    after_it = erasers[own][place](plain)
    before, after_own = (_read(each, rows, own, how, 2 * layer) for each in (plain, after_it))
    before_other, after_other = (
        _read(each, rows, other, how, 2 * layer + 1) for each in (plain, after_it)
    )
    counts = np.bincount(rows.labels[own])
    chance = float(counts.max() / counts.sum())
    # Every second row, so that a state is not compared with what it was itself.
    far = distance_from_natural(after_it[::2][:_NATURAL], plain[1::2][:_NATURAL])
    return Erased(
        layer=layer,
        retained=left[own][place],
        retained_other=left[other][place],
        other=other,
        probe_before=before.estimate,
        probe_after=after_own,
        chance=chance,
        other_before=before_other.estimate,
        other_after=after_other,
        fell=after_own.high < chance + LEAST_FALL,
        distance=float(far.median()),
    )


def _read(
    features: Float[Tensor, "row d_model"],
    rows: _Rows,
    name: str,
    how: Estimating,
    number: int,
) -> Interval:
    """Right answers of a linear probe on rows of other scenes, with the interval over scenes."""
    answers = attribute_named(name).answers
    labels = rows.labels[name]
    probe = cross_fit(features[:, None].float(), labels, scenes=rows.scenes, answers=answers)
    said = probe.log_probs(features[:, None].float(), scenes=rows.scenes)[:, 0].argmax(axis=-1)
    found = cluster_bootstrap(
        (said == labels).astype(np.float64)[:, None],
        rows.scenes,
        rng=how.study.rng(Stream.CAUSES_ERASED, how.key, number),
        n_resamples=how.n_resamples,
        level=how.level,
    )
    return Interval(
        estimate=float(found.estimate[0]), low=float(found.low[0]), high=float(found.high[0])
    )


def _retained(
    measuring: Measuring,
    batch: Batch,
    erasers: dict[str, list[Eraser]],
    layers: Sequence[int],
) -> dict[str, ndarray]:
    """How far apart the odds of recipient and donor are when both have an attribute erased."""
    (own, _), (other, _) = plain_odds(batch)
    where = masks(measuring, batch, [OBJECT])[OBJECT]
    flipped = batch.flipped()
    out = {}
    for name, of_layers in erasers.items():
        columns = []
        for layer, eraser in zip(layers, of_layers, strict=True):
            change = erased(where, eraser)
            columns.append(
                odds(batch, after(flipped, layer, change))
                - odds(batch, after(batch, layer, change))
            )
        out[name] = np.stack(columns, axis=1)
    return {**out, "total": other - own}


def _object_rows(measuring: Measuring, layers: Sequence[int]) -> _Rows:
    """One plain pass for each image: both directions of a pair have each of its images once as
    recipient."""
    asked = measuring.asked(measuring.attribute)
    swaps: Sequence[Swap] = measuring.swaps.main
    scene_of = _scenes(measuring)
    things = _things(measuring)
    rows, scenes, about = [], [], []
    for start in range(0, len(swaps), measuring.batch_size):
        batch = begun(asked, swaps[start : start + measuring.batch_size])
        where = masks(measuring, batch, [OBJECT])[OBJECT]
        rows.append(
            torch.stack([batch.recipient.streams[layer][where].cpu() for layer in layers], dim=1)
        )
        for swap, number in zip(batch.swaps, where.sum(1).tolist(), strict=True):
            scenes += [scene_of[swap.recipient]] * number
            about += [things[swap.recipient]] * number
    names = (measuring.attribute, OTHER[measuring.attribute])
    labels = {
        name: np.array([attribute_named(name).answers.index(each[name]) for each in about])
        for name in names
    }
    return _Rows(rows=torch.cat(rows), scenes=scenes, labels=labels)


def _scenes(measuring: Measuring) -> dict[str, str]:
    items = pair_items(measuring.swaps.pairs)
    return dict(zip(items["image"], items["scene_id"], strict=True))


def _things(measuring: Measuring) -> dict[str, dict[str, str]]:
    """What the changed object is, by image."""
    found = {}
    for pair in measuring.swaps.pairs.pairs:
        for side in pair.sides:
            if pair.changed is None or not isinstance(side.scene, Scene):
                continue
            thing = side.scene.objects[pair.changed]
            found[side.image] = {name: getattr(thing, name) for name in PROPERTIES}
    return found
