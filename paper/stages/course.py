"""The course of all stages: which begins when, on so many cores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from paper.stages.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Which stage is next: of those that can begin, the one on which most waits, in CPU seconds
    from its beginning to the end of what depends on it."""

    stages: tuple[Stage, ...]
    first: str
    """The stage that goes before all others: its result is looked at while they work."""
    urgency: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, stages: Sequence[Stage]) -> "Course":
        """The course of these stages, of which each stands after those that it needs."""
        urgency: dict[str, float] = {}
        for each in reversed(stages):
            after = [urgency[other.name] for other in stages
                     if each.name in other.needs and other.name in urgency]  # fmt: skip
            urgency[each.name] = each.usual_seconds + max(after, default=0.0)
        return cls(stages=tuple(stages), first=stages[0].name, urgency=urgency)

    def next(self, begun: Iterable[str], ended: Iterable[str]) -> Stage | None:
        """The stage to begin now; None while all that are left wait for others."""
        begun, ended = set(begun), set(ended)
        ready = [each for each in self.stages
                 if each.name not in begun and ended.issuperset(each.needs)]  # fmt: skip
        return max(ready, key=self._key, default=None)

    def _key(self, stage: Stage) -> tuple[bool, float]:
        return stage.name == self.first, self.urgency[stage.name]

    def seconds(self, workers: int, taken: Mapping[str, float] | None = None) -> float:
        """How long all stages take on so many cores, if each takes what it usually does.

        `taken` gives, in seconds, how long stages that have begun will still take; 0 for those that
        have ended. The others begin after them.
        """
        running = {name: left for name, left in (taken or {}).items() if left > 0}
        begun, ended = set(taken or {}), {name for name, left in (taken or {}).items() if left <= 0}
        now = 0.0
        while True:
            while len(running) < workers and (stage := self.next(begun, ended)) is not None:
                begun.add(stage.name)
                running[stage.name] = now + stage.usual_seconds
            if not running:
                return now
            done = min(running, key=running.__getitem__)
            now = max(now, running.pop(done))
            ended.add(done)
