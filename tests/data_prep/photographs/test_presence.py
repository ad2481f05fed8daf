"""Questions after what is there and what is not: never wrong, and as POPE ranks them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from data_prep.photographs.presence import N_RANKED, PresenceQuestions
from data_prep.scenes import Photograph

NAMES = ("apple", "bed", "cat", "dog", "elephant", "fork", "oven")
PRESENT = st.lists(st.frozensets(st.sampled_from(NAMES)), min_size=1, max_size=12)


def photographs(present) -> list[Photograph]:
    return [
        Photograph(
            scene_id=str(number), image="", split="", labels={}, categories=tuple(sorted(each))
        )
        for number, each in enumerate(present)
    ]


def asked(scenes, negatives, scene) -> dict[str, set[str]]:
    text = "{category}"
    offered = PresenceQuestions(scenes, negatives, text).offers(scene)
    assert len({each.text for each in offered}) == len(offered)
    return {a: {each.text for each in offered if each.answer == a} for a in ("yes", "no")}


def by_count(counts: Counter, absent: set[str]) -> set[str]:
    return set(sorted(absent, key=lambda name: (-counts[name], name))[:N_RANKED])


@given(PRESENT, st.sampled_from(["random", "popular", "adversarial"]))
def test_what_is_asked_for_in_vain_is_never_there(present, negatives):
    scenes = photographs(present)
    for scene in scenes:
        found = asked(scenes, negatives, scene)
        assert found["yes"] == set(scene.categories)
        assert not found["no"] & set(scene.categories)


@given(PRESENT)
def test_negatives_are_those_of_a_naive_count(present):
    scenes = photographs(present)
    known = set().union(*present)
    frequency = Counter(name for each in present for name in each)
    for scene in scenes:
        own = set(scene.categories)
        if not own:
            continue
        beside = Counter()
        for each in present:
            for name in own & each:
                beside.update(each - {name})
        absent = known - own
        assert asked(scenes, "random", scene)["no"] == absent
        assert asked(scenes, "popular", scene)["no"] == by_count(frequency, absent)
        assert asked(scenes, "adversarial", scene)["no"] == by_count(beside, absent)


def test_a_photograph_of_which_nothing_is_annotated_is_not_asked():
    empty, full = photographs([(), ("cat",)])
    questions = PresenceQuestions([empty, full], "random")
    assert questions.offers(empty) == ()
    assert [each.text for each in questions.offers(full)] == ["Is there a cat in the image?"]


def test_an_apple_not_a_apple():
    (one,) = photographs([("apple",)])
    (asked,) = PresenceQuestions([one], "random").offers(one)
    assert asked.text == "Is there an apple in the image?"
