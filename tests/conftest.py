"""One setting for every test: no network, one thread, no display, the same examples every time."""

import os

import pytest
from hypothesis import settings

# Before ours are imported: their signatures are checked by it.
from tests import first_calls  # isort: skip

from data_prep.terminal import progress

# Read when numpy, torch and transformers are first imported, and by commands run as a user would.
os.environ.update(
    HF_HUB_OFFLINE="1",
    MPLBACKEND="Agg",
    # Small arrays: threads cost more than they give, and sums keep one order.
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

# No deadline: the machine is shared, and a slow example is not a wrong one.
settings.register_profile("onset", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("onset")


# Commands that tests run in one process would share the half minute after which a line tells how
# far they are. Tests of these lines set a clock of their own.
progress._shown.clock = lambda: 0.0


def pytest_runtest_setup(item: pytest.Item) -> None:
    first_calls.next_test()
