"""What is said of stages."""

from paper.stages.forks import Ended
from paper.stages.stage import Stage
from paper.stages.texts import duration, progress_line, stage_table


def ended(name: str, began: float, seconds: float, code: int = 0) -> Ended:
    stage = Stage(name=name, words=("m",), usual_seconds=1)
    return Ended(
        stage=stage,
        began=began,
        seconds=seconds,
        cpu_seconds=seconds / 2,
        code=code,
        out="",
        err="",
    )


def test_a_table_of_stages():
    table = stage_table([ended("later", 130.0, 61), ended("early", 104.0, 20)], 100.0, 4.0, 92.0)
    assert table.splitlines() == [
        "stage       began        took   of a core",
        "libraries    0:00       4.0 s",
        "early        0:04        20 s        10 s",
        "later        0:30   1 min 1 s        30 s",
        "all                1 min 32 s        40 s",
    ]


def test_a_line_of_progress():
    said = progress_line(ended("early", 4.0, 20), 1, 3, 24.0, 95.0)
    assert said == "[0:24] 1 of 3: early, 20 s, about 1 min 35 s left"
    failed = progress_line(ended("early", 4.0, 20, code=2), 1, 3, 24.0, 0.0)
    assert failed == "[0:24] 1 of 3: early, FAILED with code 2, 20 s"


def test_seconds_are_not_sixty():
    assert duration(59.7) == "1 min 0 s"
    assert duration(9.97) == "10 s"
