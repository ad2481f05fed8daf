"""What is refused as a pair, and as a collection of pairs."""

import pytest
from PIL import Image

from data_prep.errors import UserError
from data_prep.pairs.pair import Pair, Pairs, minimal_pair
from tests.data_prep.pairs.data import side


def pair(*, answers: tuple[str, str] = ("red", "blue"), base: str = "one") -> Pair:
    return minimal_pair(
        attribute="color",
        text="What color is the cube?",
        base=side(base, answers[0]),
        source=side("other", answers[1]),
        changed=0,
    )


def pairs(*each: Pair, sizes: dict[str, tuple[int, int]] | None = None) -> Pairs:
    known = sizes or {}
    return Pairs(
        pairs=each,
        open_image=lambda key: Image.new("RGB", known[key]),
        image_size=lambda key: known.get(key, (8, 8)),
        kind="minimal",
    )


def test_a_pair_with_one_answer_is_refused():
    with pytest.raises(UserError, match=r"pair 'one/color': the answers .* must differ, got 'red'"):
        pair(answers=("red", "red"))


def test_images_of_unlike_sizes_are_refused_and_the_pair_is_named():
    with pytest.raises(UserError, match=r"pair 'two/color': .* got 8 x 8 and 16 x 8 .*: scale"):
        pairs(pair(), pair(base="two"), sizes={"other.png": (16, 8), "one.png": (16, 8)})


def test_a_pair_is_one_cluster():
    with pytest.raises(UserError, match="got pair id 'one/color' 2 times"):
        pairs(pair(), pair())
    assert len(pairs(pair(), pair(base="two")).pairs) == 2
