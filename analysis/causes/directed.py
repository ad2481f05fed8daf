"""The residual at the answer position moved along directions: those of a probe, and controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from analysis.capture.residuals import capture_residuals
from analysis.causes.asking import pair_items
from analysis.causes.found import Directed
from analysis.causes.parts import Measuring, masks
from analysis.causes.patching import Batch, after, begun, odds, plain_odds
from analysis.causes.readable import shown_pairs
from analysis.causes.shares import Estimating, share
from analysis.causes.swaps import ANSWER, Swap
from analysis.run.items import labels_of
from analysis.run.kept_arrays import kept
from analysis.streams import Stream
from data_prep.attributes import stream_key
from probes.interventions.directions import (
    class_coordinates,
    distance_from_natural,
    random_displacements,
    set_to_class,
)
from probes.interventions.edit import moved
from probes.linear_probe import CrossFittedProbe, cross_fit
from stats import sign_flip_max_t
from stats.scenes import scene_rows

PROBE, RANDOM, PERMUTED = "probe", "random", "permuted"
_NATURAL = 256
"""Natural states that distances and random directions are taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Directions:
    """What rows at the answer position are moved along."""

    probes: Mapping[str, CrossFittedProbe]
    """The probe of the attribute, and that of permuted labels."""
    answers: tuple[str, ...]
    natural: Float[Tensor, "item layer d_model"]
    fold_of: Mapping[str, int]
    """The fold of each image's scene, whose probe has not seen it."""

    def random(
        self, norms: Float[Tensor, " item"], layer: int, rngs: Sequence[np.random.Generator]
    ) -> Float[Tensor, "item d_model"]:
        """Random directions of these lengths in the span of the stream; each item has draws of its
        own, whichever others are run together with it."""
        natural = self.natural[:, layer].to(norms)
        drawn = [
            random_displacements(natural, norms[row, None], rng, 1)[0]
            for row, rng in enumerate(rngs)
        ]
        return torch.cat(drawn)

    def displaced(self, kind: str, batch: Batch, layer: int) -> Float[Tensor, "item d_model"]:
        """How far each recipient's row at the answer position is moved by a probe's directions."""
        rows = batch.recipient.streams[layer][:, -1]
        out = torch.zeros_like(rows)
        folds = torch.tensor([self.fold_of[each.recipient] for each in batch.swaps])
        targets = torch.tensor([self.answers.index(each.towards) for each in batch.swaps])
        for fold in folds.unique().tolist():
            chosen = (folds == fold).nonzero()[:, 0]
            probe = self.probes[kind].probes[fold]
            weights = probe.directions[layer]
            aims = class_coordinates(weights, probe.class_means[layer])
            wanted = set_to_class(rows[chosen].cpu(), weights, aims, targets[chosen])
            out[chosen] = wanted.to(rows) - rows[chosen]
        return out


def directed_layers(measuring: Measuring, n_pairs: int, how: Estimating) -> tuple[Directed, ...]:
    """What is moved by setting a probe's directions, by random directions of equal length and by
    probes of permuted labels, at every layer from 1 on."""
    swaps = measuring.swaps.main[: 2 * n_pairs]
    asked = measuring.asked(measuring.attribute)
    found = _Found(measuring)

    def run(rows: slice) -> dict[str, ndarray]:
        batch = begun(asked, swaps[rows])
        return _moved(measuring, found.directions, batch, rows.start)

    file = measuring.folder / f"directions-{n_pairs}.safetensors"
    what = f"causes {measuring.attribute}, directions"
    tensors = kept(
        file,
        len(swaps),
        measuring.batch_size,
        run,
        names=[PROBE, RANDOM, PERMUTED, "distance", "total"],
        what=what,
    )
    return _estimated(tensors, swaps, how)


class _Found:
    """The directions, fitted when they are first needed: a finished part needs none."""

    def __init__(self, measuring: Measuring) -> None:
        self._measuring = measuring
        self._fitted: _Directions | None = None

    @property
    def directions(self) -> _Directions:
        if self._fitted is None:
            self._fitted = _fitted(self._measuring)
        return self._fitted


def _fitted(measuring: Measuring) -> _Directions:
    pairs, study = measuring.swaps.pairs, measuring.opened.run.study
    items = pair_items(pairs)
    shown = shown_pairs(measuring.opened, pairs)
    residuals = capture_residuals(
        shown, items, folder=f"causes-{measuring.swaps.digest}", shuffled=False
    ).real.read()
    answers = measuring.opened.data.answer_set(items).answers
    labels = labels_of(items, answers)
    scenes = items["scene_id"].tolist()
    rng = study.rng(Stream.CAUSES_DIRECTIONS, stream_key(measuring.attribute))
    probe = cross_fit(residuals, labels, scenes=scenes, answers=answers)
    permuted = cross_fit(residuals, _permuted(labels, rng), scenes=scenes, answers=answers)
    natural = rng.permutation(len(residuals))[:_NATURAL]
    return _Directions(
        probes={PROBE: probe, PERMUTED: permuted},
        answers=answers,
        natural=residuals[torch.from_numpy(natural)].float(),
        fold_of={
            image: probe.fold_of_scene[scene]
            for image, scene in zip(items["image"], scenes, strict=True)
        },
    )


def _permuted(labels: Int[ndarray, " item"], rng: np.random.Generator) -> Int[ndarray, " item"]:
    return labels[rng.permutation(len(labels))]


def _moved(
    measuring: Measuring, directions: _Directions, batch: Batch, start: int
) -> dict[str, ndarray]:
    (own, _), (other, _) = plain_odds(batch)
    where = masks(measuring, batch, [ANSWER])[ANSWER]
    study, key = measuring.opened.run.study, stream_key(measuring.attribute)
    layers = range(1, measuring.n_layers + 1)
    out = {
        kind: np.zeros((len(batch.swaps), len(layers)), dtype=np.float32)
        for kind in (PROBE, RANDOM, PERMUTED, "distance")
    }
    for place, layer in enumerate(layers):
        natural = directions.natural[:, layer].to(batch.recipient.streams[layer])
        if torch.equal(natural, natural[:1].expand_as(natural)):
            continue  # Nothing of the image is here, so there is nothing to move along.
        displaced = {kind: directions.displaced(kind, batch, layer) for kind in (PROBE, PERMUTED)}
        rngs = [
            study.rng(Stream.CAUSES_DIRECTIONS, key, layer, start + row)
            for row in range(len(batch.swaps))
        ]
        displaced[RANDOM] = directions.random(displaced[PROBE].norm(dim=-1), layer, rngs)
        for kind, displacement in displaced.items():
            last = after(batch, layer, moved(where, displacement))
            out[kind][:, place] = odds(batch, last) - own
        rows = batch.recipient.streams[layer][:, -1] + displaced[PROBE]
        out["distance"][:, place] = distance_from_natural(rows, natural).cpu().numpy()
    return {**out, "total": other - own}


def _estimated(
    tensors: Mapping[str, ndarray], swaps: Sequence[Swap], how: Estimating
) -> tuple[Directed, ...]:
    ids = [each.pair_id for each in swaps]
    rows = {
        kind: scene_rows(values.reshape(len(ids), -1).astype(np.float64), ids)
        for kind, values in tensors.items()
    }
    total = rows["total"][:, 0]
    shares = {kind: share(rows[kind], total, level=how.level) for kind in (PROBE, RANDOM, PERMUTED)}
    test = sign_flip_max_t(
        rows[PROBE] - rows[RANDOM],
        rng=how.study.rng(Stream.CAUSES_DIRECTION_TESTS, how.key),
        n_resamples=how.n_resamples,
    )
    return tuple(
        Directed(
            layer=place + 1,
            probe=shares[PROBE][place],
            random=shares[RANDOM][place],
            permuted=shares[PERMUTED][place],
            probe_above_random=float(test.p[place]),
            distance=float(np.median(tensors["distance"][:, place])),
        )
        for place in range(rows[PROBE].shape[1])
    )
