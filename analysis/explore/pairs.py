"""Single pairs of the study of causes: both images, and the odds of both answers after every swap.

All of it is taken from what the run has kept: no model is needed.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.causes.asking import Swaps, pairs_of, swaps_of
from analysis.causes.found import Caused
from analysis.causes.swaps import FLOATS, KINDS, Swapped, completed
from analysis.explore.content import image_url
from analysis.run.kept_arrays import read_kept
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, read_results, study_result
from analysis.streams import Stream
from analysis.typed import read_back
from data_prep.attributes import stream_key

_STUDY = "causes"
_OF_EACH = 3
"""Pairs of an attribute: more of them would be looked through, and not at."""
_MOST_PIXELS = 320
"""Both images stand side by side, each a quarter of a screen wide."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptSwaps:
    """The swaps of an attribute's pairs, and what came of them."""

    swaps: Swaps
    found: Swapped


def explored_pairs(opened: OpenRun, attributes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What the page shows of a few pairs, drawn at random, one of each attribute in turn; nothing
    of an attribute whose causes were not measured, or whose swaps the run has not kept.

    UserError for kept swaps that are damaged.
    """
    kept = {name: each for name in attributes if (each := kept_swaps(opened, name)) is not None}
    orders = {
        name: opened.run.study.rng(Stream.EXPLORED_PAIRS, stream_key(name))
        .permutation(len(each.swaps.pairs.pairs))
        .tolist()
        for name, each in kept.items()
    }
    for turn in range(_OF_EACH):
        for name, each in kept.items():
            if turn < len(orders[name]):
                yield pair_content(each, orders[name][turn])


def kept_swaps(opened: OpenRun, attribute: str) -> KeptSwaps | None:
    """The swaps that the run has kept of an attribute; None if its causes were not measured. If
    they were, but the swaps are not there, a note says how to get them."""
    known = study_result(read_results(opened.run), _STUDY)
    if attribute not in known:
        return None
    folder = opened.run.folder
    asked = read_back(Caused, known[attribute], f"{FILE_NAME} of {folder}").asked
    swaps = swaps_of(opened, pairs_of(opened, attribute, asked.pairs, most=asked.n_pairs))
    file = folder / "causes" / f"{attribute}-{swaps.digest}" / "pairs.safetensors"
    if not file.exists():
        print(
            f"note: no pairs of {attribute} are shown, for {file} is not there: measure them anew "
            "in a new folder with python -m analysis.causes",
            file=sys.stderr,
        )
        return None
    return KeptSwaps(
        swaps=swaps, found=Swapped.of_tensors(read_kept(file, len(swaps.main), FLOATS))
    )


def pair_content(kept: KeptSwaps, place: int) -> dict[str, Any]:
    """One pair as data that JSON can hold. All odds are those of the source's answer against the
    base's, in bits, whichever image was the recipient; the base was it first."""
    pairs, found = kept.swaps.pairs, kept.found
    pair, rows = pairs.pairs[place], slice(2 * place, 2 * place + 2)
    signs = np.array([1.0, -1.0])
    recipient, donor = found.recipient[rows], found.donor[rows]
    patched = {
        kind: signs[:, None] * completed(kind, found.patched[kind][rows], recipient, donor)
        for kind in KINDS
        if kind in found.patched
    }
    sizes = [pairs.image_size(side.image) for side in pair.sides]
    return {
        "id": pair.pair_id,
        "attribute": pair.attribute,
        "kind": pair.kind,
        "question": pair.question,
        "answers": [side.answer for side in pair.sides],
        "images": [
            {
                "url": image_url(pairs.open_image(side.image), most=_MOST_PIXELS),
                "width": width,
                "height": height,
            }
            for side, (width, height) in zip(pair.sides, sizes, strict=True)
        ],
        "plain": [_rounded(each) for each in signs * recipient],
        "swapped": {
            kind: [[_rounded(odds) for odds in layers] for layers in both]
            for kind, both in patched.items()
        },
    }


def _rounded(odds: float) -> float:
    return float(f"{odds:.4g}")
