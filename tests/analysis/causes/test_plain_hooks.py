"""Shares of swaps on the bundled model against those of plain hooks on transformers alone."""

from collections import defaultdict

import numpy as np
import pytest
import torch

from analysis.causes.asking import object_boxes
from analysis.causes.patching import Asked, begun, swapped
from analysis.causes.shares import pair_rows, share
from analysis.causes.swaps import Swap
from data_prep.attributes import attribute
from data_prep.sources import open_data
from probes import load_vlm
from probes.answers.tree import one_token_tree
from probes.interventions.places import places
from tests.analysis.causes.planted_models import BUNDLED
from tests.probes.interventions.plain_hooks import load, log2_odds

LAYERS = {"image": (0, 5, 9), "object": (2,), "rest": (2,), "question": (4,), "answer": (3, 8)}
ATTRIBUTE, N_PAIRS = "color", 2


@pytest.fixture(scope="module")
def pairs():
    found = open_data("bundled").minimal_pairs
    assert found is not None
    return found(ATTRIBUTE)


@pytest.fixture(scope="module")
def swaps(pairs) -> list[Swap]:
    """Both directions of a few pairs."""
    return [
        Swap(
            pair_id=pair.pair_id, question=pair.question, recipient=recipient.image,
            donor=donor.image, towards=donor.answer, away=recipient.answer,
            boxes=object_boxes(pair, pairs),
        )
        for pair in pairs.pairs[:N_PAIRS]
        for recipient, donor in (pair.sides, pair.sides[::-1])
    ]  # fmt: skip


def test_shares_are_those_of_plain_hooks(pairs, swaps):
    """Pairs one by one, since the plain script knows no padding."""
    model, processor = load(BUNDLED)
    vlm = load_vlm("bundled", device="cpu")
    spelled = vlm.answer_tree(swaps[0].question, attribute(ATTRIBUTE)).spellings
    ids = {each.text: each.tokens[0] for each in spelled if len(each.tokens) == 1}
    tree = one_token_tree({word: [ids[word]] for word in attribute(ATTRIBUTE).answers})
    asked = Asked(
        vlm=vlm,
        open_image=pairs.open_image,
        trees={swap.question: tree for swap in swaps},
    )
    batch = begun(asked, swaps)
    masks = places(
        vlm,
        batch.inputs,
        list(LAYERS),
        boxes=[swap.boxes for swap in swaps],
        image_sizes=[pairs.image_size(swap.recipient) for swap in swaps],
    )
    rows = pair_rows(swaps, swapped(batch, {kind: (masks[kind], LAYERS[kind]) for kind in LAYERS}))

    totals, moved = [], defaultdict(list)
    padding = (batch.inputs["attention_mask"] == 0).sum(1).tolist()
    for number, swap in enumerate(swaps):
        own, other = (pairs.open_image(each) for each in (swap.recipient, swap.donor))
        words = ids[swap.towards], ids[swap.away]

        def odds(base, source, layer, positions, swap=swap, words=words):
            return log2_odds(
                model, processor, base, source, swap.question, layer, positions, *words
            )

        plain = odds(own, own, 0, None)
        totals.append(odds(other, other, 0, None) - plain)
        for kind, layers in LAYERS.items():
            positions = torch.nonzero(masks[kind][number])[:, 0] - padding[number]
            for layer in layers:
                moved[kind, layer].append(odds(own, other, layer, positions.tolist()) - plain)
    total = float(np.mean(totals))
    assert rows.total.mean() == pytest.approx(total, abs=1e-5)
    shares = {key: float(np.mean(bits)) / total for key, bits in moved.items()}
    found = {
        (kind, layer): share(rows.moved[kind][:, [layer]], rows.total, level=0.95)[0].estimate
        for kind, layer in moved
    }
    assert found == pytest.approx(shares, abs=1e-5)
    # A reference that swaps do not reach would agree with anything.
    assert max(shares.values()) - min(shares.values()) > 0.5
