"""Attention to the image cut from a layer on: the same question as a swap, by other means.

What the text has taken from the image's positions by then is left, and nothing more can be taken.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.causes.parts import Measuring, masks
from analysis.causes.patching import Batch, begun, last_of, odds, plain_odds
from analysis.causes.shares import Estimating, share
from analysis.causes.swaps import IMAGE
from analysis.effects.found import Interval
from analysis.run.kept_arrays import kept
from data_prep.errors import UserError
from probes.interventions.attention_cut import attention_cut
from probes.interventions.attention_masks import attention_of, implementation_of
from probes.vlm import VLM
from stats.scenes import scene_rows


def cut_shares(measuring: Measuring, n_pairs: int, how: Estimating) -> tuple[Interval, ...]:
    """The share of the total effect that is left when text cannot look at the image after a layer,
    by that layer; at the last one nothing is cut."""
    swaps = measuring.swaps.main[: 2 * n_pairs : 2]
    asked = measuring.asked(measuring.attribute)

    def run(rows: slice) -> dict[str, ndarray]:
        return _left(measuring, begun(asked, swaps[rows], tails=False))

    file = measuring.folder / f"cut-{n_pairs}.safetensors"
    what = f"causes {measuring.attribute}, attention cut"
    tensors = kept(file, len(swaps), measuring.batch_size, run, names=["left", "total"], what=what)
    rows = _by_pair(tensors, [each.pair_id for each in swaps])
    return share(rows["left"], rows["total"][:, 0], level=how.level)


def why_not_cut(vlm: VLM) -> str | None:
    """Why the attention of a model cannot be cut: its implementation takes no mask; None if it
    can."""
    try:
        for block in vlm.blocks:
            if (attention := attention_of(block)) is not None:
                implementation_of(attention)
    except UserError as error:
        return str(error)
    return None


def _by_pair(
    tensors: Mapping[str, ndarray], ids: list[str]
) -> dict[str, Float[ndarray, "pair layer"]]:
    return {
        name: scene_rows(values.reshape(len(ids), -1).astype(np.float64), ids)
        for name, values in tensors.items()
    }


def _left(measuring: Measuring, batch: Batch) -> dict[str, ndarray]:
    """How far apart the odds of recipient and donor are when neither's text sees the image after a
    layer."""
    (own, _), (other, _) = plain_odds(batch)
    vlm, n_layers = measuring.vlm, measuring.n_layers
    image = masks(measuring, batch, [IMAGE])[IMAGE]
    text = batch.inputs["attention_mask"].bool() & ~image
    left = np.zeros((len(batch.swaps), n_layers + 1), dtype=np.float32)
    for layer in range(n_layers):
        found = []
        for one in (batch, batch.flipped()):
            window = (layer + 1, n_layers)
            with attention_cut(vlm, one.inputs, keys=image, queries=text, blocks=window):
                found.append(odds(batch, last_of(one.recipient, layer, batch.nodes)))
        left[:, layer] = found[1] - found[0]
    left[:, n_layers] = other - own
    return {"left": left, "total": other - own}
