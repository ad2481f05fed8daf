"""The order of stages, and the time that they take together, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from paper.stages.course import Course
from paper.stages.stage import Stage, report_stages, require_possible


def stage(name: str, seconds: float, *needs: str) -> Stage:
    return Stage(name=name, words=("module",), needs=needs, usual_seconds=seconds)


def test_what_most_waits_for_goes_first_and_the_first_result_before_it():
    stages = (stage("look", 1), stage("short", 2), stage("base", 5), stage("long", 9, "base"))
    course = Course.of(stages)
    assert course.urgency == {"look": 1, "short": 2, "base": 14, "long": 9}
    order, begun, ended = [], [], []
    while (one := course.next(begun, ended)) is not None:
        order.append(one.name)
        begun.append(one.name)
        ended.append(one.name)
    assert order == ["look", "base", "long", "short"]


def test_nothing_begins_before_what_it_needs():
    course = Course.of((stage("base", 5), stage("long", 9, "base")))
    assert course.next(["base"], []) is None


def test_time_on_two_cores_by_hand():
    # look and base begin; short takes look's core after 1 s, long the other after base.
    stages = (stage("look", 1), stage("short", 2), stage("base", 5), stage("long", 9, "base"))
    assert Course.of(stages).seconds(2) == 14
    assert Course.of(stages).seconds(1) == 17


def test_time_that_is_left():
    course = Course.of((stage("base", 5), stage("long", 9, "base"), stage("short", 2)))
    assert course.seconds(2, {"base": 0.0}) == 9
    assert course.seconds(1, {"base": 3.0}) == 3 + 9 + 2
    assert course.seconds(2, {"base": 0.0, "long": 0.0, "short": 0.0}) == 0


@given(
    seconds=st.lists(st.floats(0.1, 100), min_size=1, max_size=8),
    links=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12),
    workers=st.integers(1, 4),
)
def test_time_lies_between_what_is_possible_and_one_after_another(seconds, links, workers):
    needs = {place: {a for a, b in links if b == place and a < place} for place in range(8)}
    stages = [stage(str(place), each, *(str(one) for one in needs[place]))
              for place, each in enumerate(seconds)]  # fmt: skip
    require_possible(stages)
    course = Course.of(stages)
    whole = sum(seconds)
    at_least = max(max(course.urgency.values()), whole / workers)
    assert at_least - 1e-6 <= course.seconds(workers) <= whole + 1e-6


def test_impossible_stages_are_refused():
    with pytest.raises(UserError, match="two stages are called 'a': name each once"):
        require_possible([stage("a", 1), stage("a", 1)])
    with pytest.raises(UserError, match="the stage 'a' needs 'b', which does not stand before it"):
        require_possible([stage("a", 1, "b"), stage("b", 1)])


def test_the_stages_of_the_report_are_possible(tmp_path):
    stages = report_stages(tmp_path / "run", tmp_path / "report", ["make", "tex"])
    require_possible(stages)
    assert stages[0].name == "emergence of color"
    assert set(stages[-1].needs) == {each.name for each in stages[:-1]}
    assert [each.typed for each in stages if each.is_program] == ["make tex"]
