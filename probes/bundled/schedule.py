"""Learning-rate schedule and progress lines of the training stages."""

import math
import sys
import time

_WARM_UP_SHARE = 0.05


def one_cycle(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up, then a cosine to a hundredth."""
    warm_up = max(1, int(_WARM_UP_SHARE * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    along = (step - warm_up) / max(1, steps - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * along))


class Progress:
    """Prints a line every few seconds: stage, step, running loss, steps a second."""

    def __init__(self, stage: str, *, every_s: float = 20.0) -> None:
        self._stage, self._every_s = stage, every_s
        self._start = self._last = time.monotonic()
        self._first_step: int | None = None
        self._mean: dict[str, float] = {}

    def report(self, step: int, steps: int, **values: float) -> None:
        """Takes note of `values`, and prints when it is time."""
        self._first_step = step if self._first_step is None else self._first_step
        for name, value in values.items():
            self._mean[name] = 0.95 * self._mean.get(name, value) + 0.05 * value
        now = time.monotonic()
        if now - self._last >= self._every_s or step == steps - 1:
            self._last = now
            rate = (step - self._first_step + 1) / max(now - self._start, 1e-9)
            shown = "  ".join(f"{name} {value:.4f}" for name, value in self._mean.items())
            line = f"{self._stage}: step {step + 1}/{steps}  {shown}  {rate:.2f} steps/s"
            print(line, file=sys.stderr, flush=True)
