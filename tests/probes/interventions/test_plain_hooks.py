"""Passes that go on against plain hooks on transformers, on the bundled model."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import probes
from data_prep.sources import open_data
from probes import load_vlm
from probes.interventions.edit import replace_rows
from probes.interventions.pass_on import Intervened
from probes.interventions.places import places
from tests.probes.interventions.plain_hooks import load, log2_odds

QUESTION = "What shape is the large thing?"
WORDS = ("cube", "sphere")


@pytest.fixture(scope="module")
def bundled():
    return load_vlm("bundled", device="cpu")


@pytest.fixture(scope="module")
def plain():
    return load(Path(probes.__file__).parent / "bundled" / "model")


@pytest.fixture(scope="module")
def pair() -> list[Image.Image]:
    data = open_data("bundled")
    return [data.open_image(scene.image) for scene in data.scenes[:2]]


@pytest.mark.parametrize("kind", ["image", "question", "answer", None])
def test_patched_odds_are_those_of_plain_hooks(bundled, plain, pair, kind):
    ids = [bundled.tokenizer.encode(word, add_special_tokens=False)[0] for word in WORDS]
    base, source = (Intervened(bundled, bundled.prepare([image], [QUESTION])) for image in pair)
    where = torch.ones(base.streams[0].shape[:2], dtype=torch.bool)
    if kind is not None:
        where = places(bundled, base.inputs, [kind])[kind]
    positions = where[0].nonzero()[:, 0].tolist()
    moved = []
    for layer in range(bundled.n_layers + 1):
        change = replace_rows(where, source.streams[layer])
        logits = bundled.unembed(base.go_on(layer, change(base.streams[layer])))[0]
        odds = float(logits[ids[0]] - logits[ids[1]]) / math.log(2)
        wanted = log2_odds(
            plain[0], plain[1], pair[0], pair[1], QUESTION, layer, positions, ids[0], ids[1]
        )
        assert odds == pytest.approx(wanted, abs=1e-5)
        moved.append(odds)
    # A reference that the intervention does not reach would agree with anything.
    assert np.ptp(moved) > 0.1 or kind in ("question", None)
