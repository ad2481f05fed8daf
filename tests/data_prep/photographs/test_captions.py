"""Labels from captions against a count by hand."""

from hypothesis import given
from hypothesis import strategies as st

from data_prep.attributes import attribute_of
from data_prep.photographs.captions import MIN_CAPTIONS, CaptionLabels

WORDS = {"beach": ["beach", "shore"], "street": ["street"], "tv room": ["tv room", "lounge"]}
PLACE = CaptionLabels(attribute_of("place", WORDS))


@given(st.lists(st.sets(st.sampled_from(sorted(WORDS))), max_size=5))
def test_the_label_is_what_most_name(named):
    captions = [" and ".join(sorted(each)).upper() for each in named]
    counts = {answer: sum(answer in each for each in named) for answer in WORDS}
    best = max(counts.values())
    winners = [answer for answer in WORDS if counts[answer] == best]
    wanted = winners[0] if best >= MIN_CAPTIONS and len(winners) == 1 else None
    assert PLACE.label(captions) == wanted


def test_words_are_whole_and_a_caption_counts_once():
    assert PLACE.label(["beaches", "beachfront", "offshore"]) is None
    assert PLACE.label(["a beach, a beach and its shore", "nothing"]) is None
    assert PLACE.label(["the shore.", "a Beach!"]) == "beach"
    assert PLACE.label([]) is None
