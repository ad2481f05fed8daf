"""Competing words: planted effects are recovered, and none is found where none is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from analysis.confusion.estimates import confusion_results
from analysis.confusion.figures import chosen_layers
from analysis.confusion.found import Asked, Confused, Overtaking, Turned
from analysis.confusion.image_adds import added_rows
from analysis.confusion.other_question import wording_results
from analysis.confusion.report import confusion_sentences
from analysis.confusion.rivals import rivals_of, under
from analysis.confusion.say_3d import with_3d
from analysis.effects.found import Interval, LayerSet
from data_prep.errors import UserError
from stats import sign_flip_max_t
from tests.analysis.planted import QUICK, planted
from tests.analysis.planted_words import competing, planted_words, with_other_images

LEAD = (-3, -3, -3, 0, 6, 6, 6, 6, 6)
FLAT = (0,) * 9
ASKED = Asked(words={"a": ("x", "y"), "b": ("z",)}, say_3d=False, margin_bits=None)


def found_of(lead, *, n_scenes=200, seed=0, n_swaps=0, **words) -> Confused:
    readings = planted((4,) * 9, n_scenes=n_scenes, seed=seed, n_swaps=n_swaps)
    read = planted_words(readings, lead, seed=seed, **words)
    rivals, notes = rivals_of(readings, read, competing())
    other = with_other_images(readings, read, seed=seed)
    found = confusion_results(readings, read, other, rivals, QUICK, key=seed, asked=ASKED)
    return replace(found, notes=tuple(notes))


def share(turned: Turned) -> Interval:
    """Of scenes of which some were right."""
    assert turned.interval is not None
    return turned.interval


@pytest.mark.parametrize("n_swaps", [0, 1])
def test_a_planted_overtaking_is_found_with_its_layer(n_swaps):
    found = found_of({"x": LEAD, "y": (-3,) * 9, "z": LEAD}, n_swaps=n_swaps)
    by_near = {pair.near: pair for pair in found.pairs}
    for near in ("x", "z"):
        crossing, last = by_near[near].overtaking, by_near[near].layers[8]
        assert crossing == Overtaking(layer=4, set=LayerSet(low=4, high=4))
        # Planted: 6 nats for the competing word, 2 for the right one.
        assert last.ratio_bits == pytest.approx(4 / np.log(2), abs=0.8)
        # One in four of the other images has the same answer, and the same lead.
        assert last.added_bits == pytest.approx(0.75 * 4 / np.log(2), abs=1.5)
        assert last.added_low < last.added_bits < last.added_high
        assert by_near[near].added.at_last_layer == "adds"
        assert by_near[near].added.p < 0.01
        assert share(by_near[near].turned).estimate > 0.9
        assert share(by_near[near].turned_shuffled).estimate < 0.7
    assert by_near["y"].overtaking.layer is None
    assert by_near["y"].turned.n_turned == 0
    assert share(by_near["y"].turned).high > 0
    # Where it is right, the image gives the right word 2 nats and takes 3 from the competing one.
    assert by_near["y"].added.at_last_layer == "takes"
    assert found.together.overtaking.layer == 4
    assert found.together.n_scenes == 100
    said = "\n".join(confusion_sentences("color", found))
    assert (
        "'x' against 'a' is the likelier for good from layer 4 on (forward-backward set 4 to 4;"
        in said
    )
    assert "the image has its part in that: the image adds +" in said
    assert "CI 0.0%" not in said.splitlines()[-1]


def test_a_preference_for_a_word_is_not_the_images_doing():
    """The same lead in every scene, whatever is asked: its plain test must reject, and does."""
    found = found_of({}, whatever={"x": 4.0, "z": 4.0}, right=0.0)
    for pair in (found.together, *(each for each in found.pairs if each.near != "y")):
        assert pair.omnibus_p < 0.01
        assert pair.overtaking.layer == 0
        assert pair.layers[8].ratio_bits > 4
        assert abs(pair.layers[8].added_bits) < 1
        assert pair.added.at_last_layer == "not shown"
        (sentence,) = (
            each
            for each in confusion_sentences("color", found)
            if (str(pair.near) if pair.near else "over all answers") in each.split(" is ")[0]
            and "turned" not in each
        )
        assert "that is a preference for the word, whatever the image shows" in sentence
        assert "the image has its part" not in sentence


def test_an_image_that_works_against_the_word_does_not_make_its_lead():
    found = found_of({}, whatever={"x": 6.0, "z": 6.0}, right=2.0)
    pair = found.pairs[0]
    assert pair.overtaking.layer == 0
    assert pair.added.at_last_layer == "takes"
    sentence = next(each for each in confusion_sentences("color", found) if "'x'" in each)
    assert "that is a preference for the word, not the image's doing: the image adds -" in sentence


REPETITIONS = 150


@pytest.mark.parametrize(("n_swaps", "names"), [(0, ["together", "x"]), (1, ["together", "x"])])
def test_a_random_model_is_found_at_the_level_and_by_the_plain_test_always(n_swaps, names):
    """Words that are preferred alike under every image: the control that must fail is the plain
    test, and at the level of 5% stands that of what the image adds."""
    plain, added = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for seed in range(REPETITIONS):
        readings = planted((0,) * 4, n_scenes=64, seed=seed, n_swaps=n_swaps)
        words = planted_words(readings, {}, whatever={"x": 3.0, "z": 1.0}, right=0, seed=seed)
        other = with_other_images(readings, words, seed=seed)
        if n_swaps:  # Forward passes of their own.
            other = planted_words(
                readings, {}, whatever={"x": 3.0, "z": 1.0}, right=0, seed=REPETITIONS + seed
            )
        for name, each in zip(names, both_tests(readings, words, other), strict=True):
            plain[name] += each[0] <= 0.05
            added[name] += each[1] <= 0.05
    for name in names:
        assert plain[name] >= 0.95 * REPETITIONS
        assert binom.ppf(0.0005, REPETITIONS, 0.02) <= added[name]
        assert added[name] <= binom.ppf(0.9995, REPETITIONS, 0.05)


def both_tests(readings, words, other):
    """Omnibus p of the plain ratio and of what the image adds: of all answers, and of one pair."""
    rivals, _ = rivals_of(readings, words, competing())
    for own, shuffled in zip(rivals[:2], under(rivals, other)[:2], strict=True):
        rows = (own.ratio, added_rows(readings, words, own, shuffled))
        yield [
            sign_flip_max_t(
                each, rng=np.random.default_rng(0), n_resamples=199, tail="two-sided"
            ).omnibus_p
            for each in rows
        ]


def test_what_the_image_adds_is_the_mean_over_all_other_images():
    readings = planted((0,) * 3, n_scenes=64, seed=3)
    words = planted_words(readings, {"x": (1.0, 2.0, 3.0)}, seed=3)
    rivals, _ = rivals_of(readings, words, competing())
    for own in rivals:
        added = added_rows(readings, words, own, own).mean(axis=0)
        texts, wanted = readings.items["question"].to_numpy(), []
        for row in own.rows:
            right = str(readings.items["answer"].iloc[row])
            lead = words.share_of(dict(own.pairs)[right]) - words.share_of(right)
            others = np.flatnonzero((texts == texts[row]) & (np.arange(64) != row))
            wanted.append(lead[row] - lead[others].mean(axis=0))
        np.testing.assert_allclose(added, np.mean(wanted, axis=0), atol=1e-9)


def test_answers_turn_by_noise_alone_and_as_often_with_other_images():
    own, shuffled = [], []
    for seed in range(5):
        pair = found_of({"x": (2,) * 9, "z": (2,) * 9}, seed=seed, noise=2.0).together
        for values, turned in ((own, pair.turned), (shuffled, pair.turned_shuffled)):
            values.append(turned.n_turned / max(1, turned.n_right))
    assert np.mean(own) > 0.1
    assert np.mean(shuffled) > 0.05


def test_the_matrix_has_the_right_answer_in_rows():
    found = found_of({}, n_scenes=80).matrix
    assert found.n_scenes == (20,) * 4
    for layer in found.layers:
        np.testing.assert_allclose(np.sum(layer.share, axis=1), 1)
        assert np.all(np.array(layer.low) <= layer.share)
    assert np.diag(found.layers[-1].share).min() > 0.8


def test_words_have_shares_and_probabilities():
    found = found_of({"x": LEAD})
    assert [(each.answer, each.word) for each in found.words] == [
        ("a", "a"), ("a", "x"), ("a", "y"), ("b", "b"), ("b", "z"),
    ]  # fmt: skip
    for each in found.words:
        for row in each.layers:
            assert 0 <= row.share_low <= row.share <= row.share_high <= 1
            assert row.probability < row.share


@pytest.mark.parametrize(("shift", "equivalent"), [(0.0, True), (2.0, False)])
def test_another_wording_is_compared_scene_by_scene(shift, equivalent):
    rng = np.random.default_rng(0)
    plain = 3 * rng.standard_normal((80, 6))
    other = plain + 0.3 * rng.standard_normal((80, 6))
    other[:, 4:] += shift
    found = wording_results(plain, other, QUICK, key=0, margin_bits=0.5)
    assert found.equivalent_at_all_layers == equivalent
    assert (found.omnibus_p < 0.01) == (shift > 0)
    assert found.layers[5].difference_bits == pytest.approx(shift, abs=0.15)


def test_no_effect_is_not_claimed_for_want_of_scenes():
    rng = np.random.default_rng(0)
    found = wording_results(
        np.zeros((6, 3)), 3 * rng.standard_normal((6, 3)), QUICK, key=0, margin_bits=0.5
    )
    assert not found.equivalent_at_all_layers
    found = replace(found, omnibus_p=0.6)
    said = list(confusion_sentences("shape", replace(found_of({}), say_3d=found)))[-1]
    assert "neither a difference nor its absence is shown" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What shape is the large red thing?", "What 3D shape is the large red thing?"),
        ("Shape of the main object:", "3D shape of the main object:"),
    ],
)
def test_3d_is_said_before_the_attribute(text, wanted):
    assert with_3d(text, "shape") == wanted


def test_layers_are_spread_evenly():
    assert chosen_layers(11) == [0, 2, 5, 8, 10]
    assert chosen_layers(2) == [0, 1]
    assert chosen_layers(11, (7, 3, 3)) == [3, 7]


def test_too_few_scenes_are_one_line():
    readings = planted(FLAT, n_scenes=32)
    words = planted_words(readings, {})
    with pytest.raises(UserError, match="8 scenes have the answer 'a', at least 10 are needed"):
        rivals_of(readings, words, competing())
