"""Every family's small model, and a batch of three prompts of other lengths for each."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image

from probes import VLM, load_vlm
from probes.interventions.pass_on import Intervened
from tests.probes.families.small import save

QUESTIONS = ["What color is it?", "What shape is the large red thing behind the others?", "Size?"]


@pytest.fixture(scope="session")
def loaded(tmp_path_factory) -> Callable[[str], VLM]:
    """Through the gate, as a user loads one."""
    return cache(lambda name: load_vlm(save(name, tmp_path_factory.mktemp(name))))


@pytest.fixture(scope="session")
def trial(loaded) -> Callable[[str], Intervened]:
    """A padded batch of a family's model, with its plain pass."""
    rng = np.random.default_rng(0)
    sizes = ((48, 64), (64, 48), (40, 96))
    pictures = [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]

    def begin(name: str) -> Intervened:
        vlm = loaded(name)
        return Intervened(vlm, vlm.prepare(pictures, QUESTIONS))

    return cache(begin)
