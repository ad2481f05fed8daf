"""What the whole report says of itself: the plan, its progress, and the table of its stages."""

from collections.abc import Sequence

from paper.stages.forks import Ended
from paper.stages.stage import Stage


def forecast(stages: Sequence[Stage], workers: int, seconds: float) -> str:
    """What will be done, and how long that takes.

    >>> forecast([Stage(name="emergence", words=("m",), usual_seconds=90)], 2, 90.0)
    '1 stage on 2 cores, about 1 min 30 s: emergence'
    """
    names = ", ".join(each.name for each in stages)
    return f"{_count(len(stages), 'stage')} on {_count(workers, 'core')}, about " + (
        f"{duration(seconds)}: {names}"
    )


def progress_line(ended: Ended, n_ended: int, n_stages: int, since: float, left: float) -> str:
    """A line for a stage that has ended."""
    how = "" if not ended.code else f" FAILED with code {ended.code},"
    after = f", about {duration(left)} left" if left else ""
    return (
        f"[{clock(since)}] {n_ended} of {n_stages}: {ended.stage.name},{how} "
        f"{duration(ended.seconds)}{after}"
    )


def stage_table(ended: Sequence[Ended], began: float, imports: float, whole: float) -> str:
    """When each stage began, and what it took: time, and time of a core."""
    width = max(len("libraries"), *(len(each.stage.name) for each in ended))
    lines = [f"{'stage':<{width}}  {'began':>6}  {'took':>10}  {'of a core':>10}"]
    lines.append(f"{'libraries':<{width}}  {clock(0):>6}  {duration(imports):>10}")
    for each in sorted(ended, key=lambda each: each.began):
        lines.append(
            f"{each.stage.name:<{width}}  {clock(each.began - began):>6}  "
            f"{duration(each.seconds):>10}  {duration(each.cpu_seconds):>10}"
        )
    total = sum(each.cpu_seconds for each in ended)
    lines.append(f"{'all':<{width}}  {'':>6}  {duration(whole):>10}  {duration(total):>10}")
    return "\n".join(lines)


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(83.4)
    '1:23'
    """
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def duration(seconds: float) -> str:
    """A duration in words.

    >>> duration(4.26), duration(42.4), duration(83)
    ('4.3 s', '42 s', '1 min 23 s')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
