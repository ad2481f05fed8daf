"""The parts of a measurement: which positions are swapped at which layers, run and kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from analysis.capture.answer_trees import answer_trees
from analysis.capture.captures import passes_at_once
from analysis.causes.asking import Swaps, pair_items
from analysis.causes.patching import Asked, Batch, Where, begun, swapped
from analysis.causes.swaps import (
    ANSWER,
    IMAGE,
    KINDS,
    OBJECT,
    REST,
    Swap,
    Swapped,
    completed,
)
from analysis.run.kept_arrays import kept
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.attributes import stream_key
from probes.answers.tree import ANSWER_NODE, different, places_of
from probes.interventions.places import elsewhere, places
from probes.vlm import VLM

LEAST_CONTROL = 5
"""Fewest pairs of which a control is made."""
DRAWS = 39
"""Random sets of positions: the fewest with which a rank can be below .05 on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measuring:
    """What every part of an attribute's measurement needs."""

    opened: OpenRun
    swaps: Swaps
    attribute: str
    folder: Path
    """Where the run keeps what came of the swaps."""
    vlm: VLM

    @property
    def n_layers(self) -> int:
        """L, the number of blocks."""
        return self.vlm.n_layers

    @property
    def batch_size(self) -> int:
        """Passes that are run together."""
        return passes_at_once(self.opened, self.vlm)

    def asked(self, attribute: str) -> Asked:
        """The model, and how it answers the questions for this attribute."""
        data = self.opened.data
        own = attribute == self.attribute
        answers = (
            data.answer_set(pair_items(self.swaps.pairs)) if own else data.attributes[attribute]
        )
        questions = self.swaps.questions[attribute]
        trees = answer_trees(self.opened, answers, questions)
        return Asked(vlm=self.vlm, open_image=self.swaps.pairs.open_image, trees=trees.by_question)

    def part(
        self,
        name: str,
        swaps: Sequence[Swap],
        where: Callable[[Batch], Where],
        *,
        kinds: Sequence[str],
        attribute: str | None = None,
    ) -> Swapped:
        """What came of some swaps of rows of these kinds, from the run or run now."""
        asked = self.asked(attribute or self.attribute)

        def run(rows: slice) -> dict[str, np.ndarray]:
            batch = begun(asked, swaps[rows])
            return swapped(batch, where(batch)).tensors()

        file = self.folder / f"{name.replace(' ', '_')}.safetensors"
        what = f"causes {self.attribute}, {name}"
        names = Swapped.names(kinds)
        found = kept(file, len(swaps), self.batch_size, run, names=names, what=what)
        return Swapped.of_tensors(found)


def main_part(measuring: Measuring) -> Swapped:
    """The pairs' own swaps, of every kind of positions at every layer at which it can matter."""
    n_layers = measuring.n_layers
    has_object = bool(measuring.swaps.main[0].boxes)
    kinds = [kind for kind in KINDS if has_object or kind not in (OBJECT, REST)]
    trees = measuring.asked(measuring.attribute).trees
    # The answer position is all there is to read at the last layer, unless an answer goes on.
    at_root = places_of(different(trees.values())) == (ANSWER_NODE,)
    layers = {kind: range(0 if kind in (IMAGE, OBJECT, REST) else 1, n_layers) for kind in kinds}
    if not at_root:
        layers[ANSWER] = range(1, n_layers + 1)

    def where(batch: Batch) -> Where:
        found = masks(measuring, batch, kinds)
        return {kind: (found[kind], layers[kind]) for kind in kinds}

    found = measuring.part("pairs", measuring.swaps.main, where, kinds=kinds)
    return _with_what_follows(found, at_root)


def control_parts(measuring: Measuring) -> dict[str, tuple[Sequence[Swap], Swapped]]:
    """The swaps of the controls that are about another donor or another question: of all image
    positions, at every second layer."""
    swaps = measuring.swaps
    layers = control_layers(measuring.n_layers)

    def where(batch: Batch) -> Where:
        return {IMAGE: (masks(measuring, batch, [IMAGE])[IMAGE], layers)}

    asked = [("same answer", swaps.same_answer, None), ("other object", swaps.other_object, None)]
    asked += [
        (f"other attribute {attribute}", own, attribute)
        for attribute, own in swaps.other_attribute.items()
    ]
    found = {
        name: (own, measuring.part(name, own, where, kinds=[IMAGE], attribute=attribute))
        for name, own, attribute in asked
        if len({each.pair_id for each in own}) >= LEAST_CONTROL
    }
    return {name: (own, _with_what_follows(each, True)) for name, (own, each) in found.items()}


def elsewhere_part(measuring: Measuring, n_pairs: int) -> tuple[Sequence[Swap], Swapped]:
    """One direction of some pairs: the object's positions, and as many others of the image, drawn
    anew 39 times; at the layers of `sampled_layers`."""
    swaps = measuring.swaps.main[: 2 * n_pairs : 2]
    layers = sampled_layers(measuring.n_layers)
    study, key = measuring.opened.run.study, stream_key(measuring.attribute)

    draws = [f"draw {number:02d}" for number in range(DRAWS)]
    row_of = {each.pair_id: row for row, each in enumerate(swaps)}

    def where(batch: Batch) -> Where:
        found = masks(measuring, batch, [IMAGE, OBJECT])
        # Each pair has draws of its own, whichever others are run together with it.
        rngs = [
            study.rng(Stream.CAUSES_ELSEWHERE, key, row_of[each.pair_id]) for each in batch.swaps
        ]
        drawn = {
            name: (
                torch.cat([
                    elsewhere(found[OBJECT][row, None], found[IMAGE][row, None], rng)
                    for row, rng in enumerate(rngs)
                ]),
                layers,
            )
            for name in draws
        }  # fmt: skip
        return {OBJECT: (found[OBJECT], layers)} | drawn

    return swaps, measuring.part(f"elsewhere-{n_pairs}", swaps, where, kinds=[OBJECT, *draws])


def control_layers(n_layers: int) -> tuple[int, ...]:
    """The layers at which controls are run that must move nothing: every second one from 0 on; at
    the last layer there is nothing to move."""
    return tuple(range(0, n_layers, 2))


def sampled_layers(n_layers: int) -> tuple[int, ...]:
    """The layers at which what takes many passes is done: the first, and those at a quarter and at
    half of the depth."""
    return tuple(sorted({0, n_layers // 4, n_layers // 2}))


def masks(
    measuring: Measuring, batch: Batch, kinds: Sequence[str]
) -> Mapping[str, Bool[Tensor, "item token"]]:
    """The positions of a batch, by their kind."""
    pairs = measuring.swaps.pairs
    return places(
        measuring.vlm,
        batch.inputs,
        kinds,
        boxes=[each.boxes for each in batch.swaps],
        image_sizes=[pairs.image_size(each.recipient) for each in batch.swaps],
    )


def _with_what_follows(found: Swapped, at_root: bool) -> Swapped:
    """With the odds at those layers that need not be run: nothing is moved there, but for the
    answer position at the last layer, whose row is all that is read."""
    patched = {
        kind: completed(kind, found.patched[kind], found.recipient, found.donor, at_root=at_root)
        for kind in KINDS
        if kind in found.patched
    }
    return replace(found, patched=patched)
