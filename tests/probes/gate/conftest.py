"""A small random model that every test of the gate reads."""

import pytest

from probes.vlm import VLM


@pytest.fixture
def view(build_model, build_processor) -> VLM:
    return VLM(model=build_model(), processor=build_processor(), name="random", revision="none")
