"""Feeds damaged and hostile inputs to everything that reads foreign files.

    PYTHONPATH=. python tests/hostile/fuzz.py --minutes 30 --seed 0

Each input is read in a process of its own with 10 s of processor time and 2 GB. It must be taken
for a reason that the target checks, or refused in one line. Prints a line for each other ending,
shrunk by Hypothesis, and a table by target; ends with code 1 if there was one.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.hostile.limited import limited
from tests.hostile.targets import Target, targets

_SLOW_IS_FINE = (
    HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
)  # fmt: skip
CHUNK = 40
"""Inputs of one target before it is the next one's turn."""


def attack(
    target: Target, folder: Path, *, examples: int, random_seed: int, counted: Counter[str]
) -> str | None:
    """Tries some inputs; gives the shortest that was found to end otherwise, or None."""
    found: list[str] = []

    def attempt(content: bytes) -> None:
        ended = limited(lambda: target.read(content, folder))
        counted[ended.how] += 1
        if not ended.is_tidy:
            found.append(f"{target.name}: {ended.how} for {content[:300]!r}\n{ended.said[-1500:]}")
        assert ended.is_tidy

    check: Callable[[], None] = settings(
        max_examples=examples, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=_SLOW_IS_FINE,
    )(seed(random_seed)(given(target.inputs)(attempt)))  # fmt: skip
    try:
        check()
    except Exception:
        if not found:  # not an input's fault
            raise
        return found[-1]
    return None


def table(counted: dict[str, Counter[str]]) -> str:
    """A line for each target: how its inputs ended."""
    names = ("accepted", "refused", "traceback", "memory", "time", "died")
    lines = [f"{'target':<12} {'  '.join(f'{name:>9}' for name in names)}"]
    total: Counter[str] = Counter()
    for target, own in counted.items():
        lines.append(f"{target:<12} {'  '.join(f'{own[name]:>9}' for name in names)}")
        total += own
    lines.append(f"{'all':<12} {'  '.join(f'{total[name]:>9}' for name in names)}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Tries as long as asked; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(targets()))
    given_ = parser.parse_args(arguments)
    end, turn, faults = time.monotonic() + 60 * given_.minutes, 0, []
    counted: dict[str, Counter[str]] = {name: Counter() for name in given_.only}
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            name = given_.only[turn % len(given_.only)]
            fault = attack(
                targets()[name], Path(folder), examples=CHUNK,
                random_seed=given_.seed + turn // len(given_.only), counted=counted[name],
            )  # fmt: skip
            if fault is not None:
                faults.append(fault)
                print(fault, flush=True)
            turn += 1
    print(table(counted))
    print(f"{sum(sum(each.values()) for each in counted.values())} inputs, {len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
