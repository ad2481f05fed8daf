"""What a command that reads a finished run must not wait for: modules, not times."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLOW = (
    "datasets", "matplotlib.pyplot", "scipy.stats", "sklearn", "stats", "statsmodels", "torch",
    "transformers",
)  # fmt: skip


def imported(module: str) -> set[str]:
    code = f"import {module}, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    return set(found.stdout.split())


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("analysis.emergence.__main__", {"matplotlib", "huggingface_hub"}),
        ("analysis.notebook.__main__", {"matplotlib", "huggingface_hub"}),
        ("analysis.emergence", {"matplotlib", "pandas", "numpy"}),
    ],
)
def test_a_finished_run_does_not_wait_for(module, more):
    assert imported(module).isdisjoint({*SLOW, *more})
