"""Drawn scenes, and the architecture with a tokenizer made from them."""

import numpy as np
import pytest

from data_prep.clevr import read_clevr
from probes.bundled.architecture import train_tokenizer
from probes.bundled.corpus import texts_for_tokenizer
from tests.probes.bundled.some_scenes import write_scenes


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Folder of 8 drawn scenes."""
    return write_scenes(tmp_path_factory.mktemp("drawn"), 8)


@pytest.fixture(scope="session")
def scenes(drawn):
    return read_clevr(drawn, "train")


@pytest.fixture(scope="session")
def words(scenes):
    """The bundled model's tokenizer, from few scenes."""
    return train_tokenizer(texts_for_tokenizer(scenes, np.random.default_rng(0)))
