"""Every family's small model, saved and loaded once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from probes import VLM, load_vlm
from tests.probes.families.small import save


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory) -> Callable[[str], Path]:
    return cache(lambda name: save(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="session")
def loaded(folder_of) -> Callable[[str], VLM]:
    """Through the gate, as a user loads one."""
    return cache(lambda name: load_vlm(folder_of(name)))
