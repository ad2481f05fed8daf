"""The short form of the kills, and that a difference would be seen."""

import pytest

from tests.hostile.kills import kill, stages, table
from tests.hostile.small_run import RUN, STEPS, Step, contents, differing


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The first command with less to do; it captures, reads and estimates."""
    words = STEPS[0].words[: -len(("color", "shape", "--readout", "all"))]
    step = Step(words=(*words, "color"))
    (found,) = stages(tmp_path_factory.mktemp("kills"), [step])
    return found


@pytest.mark.parametrize("at", [0.6])
def test_a_killed_command_ends_with_the_same_bytes_when_it_is_run_again(stage, at, tmp_path):
    killed = kill(stage, tmp_path / "work", at)
    assert not killed.was_done
    assert killed.differ == []
    assert table([killed]).endswith("1 kills, 0 with other bytes or leftovers")


def test_a_changed_byte_and_a_leftover_are_seen(stage):
    found = contents(stage.after)
    other = found | {f"{RUN}/results.json": b"{}", f"{RUN}/.left.writing": b""}
    assert differing(found, other) == [f"{RUN}/.left.writing", f"{RUN}/results.json"]
