"""Information in bits: what may not move it, its bounds, its extremes, and a fit by scipy."""

import sys
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax

from stats import Information, information, sign_flip_max_t

factors = st.lists(st.sampled_from([1e-6, 0.1, 1.0, 7.0, 1e3, 1e6]), min_size=3, max_size=3)


def read(scores, answers, scenes=None, *, seed=0, **choices) -> Information:
    scenes = np.arange(len(answers)) if scenes is None else scenes
    return information(scores, answers, scenes, rng=np.random.default_rng(seed), **choices)


def readings(seed, *, n_scenes=40, questions=2, n_answers=3, knows=(0.0, 1.0, 4.0)):
    """Scores at three layers that know nothing, something, and much; with answers and scenes."""
    rng = np.random.default_rng(seed)
    scenes = np.repeat(np.arange(n_scenes), questions)
    answers = rng.permutation(np.arange(len(scenes)) % n_answers)
    scores = rng.standard_normal((len(scenes), n_answers, len(knows)))
    scores += np.eye(n_answers)[answers][:, :, None] * knows
    return scores, answers, scenes


def entropy_bits(answers) -> float:
    share = np.bincount(answers) / len(answers)
    return float(-share[share > 0] @ np.log2(share[share > 0]))


@settings(max_examples=25)
@given(factors, st.integers(0, 1000), st.booleans())
def test_neither_loudness_nor_an_additive_constant_is_heard(factor, seed, offsets):
    scores, answers, scenes = readings(seed)
    shift = 10 * np.random.default_rng(seed).standard_normal((len(answers), 1, 3))
    plain = read(scores, answers, scenes, offsets=offsets)
    other = read((scores + shift) * factor, answers, scenes, offsets=offsets)
    np.testing.assert_allclose(other.bits, plain.bits, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(other.fold, plain.fold)
    # The scale undoes the factor: what is said twice as loudly is read at half its word.
    np.testing.assert_allclose(other.scale * factor, plain.scale, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.fold_scale * factor, plain.fold_scale, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.prior_exponent, plain.prior_exponent, atol=1e-6)


@settings(max_examples=25)
@given(st.permutations(range(80)), st.integers(0, 1000))
def test_the_order_of_rows_is_moot(order, seed):
    scores, answers, scenes = readings(seed)
    want = read(scores, answers, scenes)
    got = read(scores[order], answers[order], scenes[order])
    np.testing.assert_allclose(got.bits, want.bits[order], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(got.fold, want.fold[order])


@settings(max_examples=25)
@given(st.integers(2, 4), st.integers(0, 1000), st.booleans())
def test_asking_a_scene_the_same_questions_again_tells_nothing(times, seed, offsets):
    scores, answers, scenes = readings(seed)
    # Each scene counts once: those asked more often weigh no more than others.
    again = np.concatenate([np.arange(80), *[np.flatnonzero(scenes % 3 == 0)] * (times - 1)])
    want = read(scores, answers, scenes, offsets=offsets)
    got = read(scores[again], answers[again], scenes[again], offsets=offsets)
    np.testing.assert_allclose(got.bits, want.bits[again], rtol=0, atol=1e-9)
    np.testing.assert_allclose(got.guess, want.guess[again], rtol=0, atol=1e-12)


@settings(max_examples=40)
@given(
    st.integers(0, 1000),
    st.integers(2, 6),
    st.sampled_from([-30.0, -1.0, 0.0, 1.0, 30.0]),
    st.booleans(),
)
def test_information_is_bounded_by_how_often_the_answer_occurs(seed, n_answers, knows, offsets):
    scores, answers, scenes = readings(seed, n_answers=n_answers, knows=(knows, 0.0, 9.0))
    found = read(scores, answers, scenes, offsets=offsets)
    guess = found.guess[np.arange(len(answers)), answers][:, None]
    assert (found.bits <= -np.log2(guess) + 1e-9).all()
    assert (found.bits >= -np.log2(found.n_scenes + 2)).all()
    np.testing.assert_allclose(found.guess.sum(axis=1), 1)


@pytest.mark.parametrize("offsets", [False, True])
@pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e6, 1e300])
def test_scores_of_any_size_say_all_or_nothing(size, offsets):
    answers = np.arange(90) % 3
    perfect = np.eye(3)[answers][:, :, None]
    bits = read(size * perfect, answers, offsets=offsets).bits
    assert 0.95 * np.log2(3) < bits.mean() <= 1.01 * np.log2(3)
    constant = read(np.full((90, 3, 1), size), answers, offsets=offsets)
    assert np.abs(constant.bits).max() < 1e-12
    assert constant.scale.tolist() == [0]
    wrong = read(-size * perfect, answers, offsets=offsets).bits
    # What points away from the answer is read as nothing by a scale of at least 0.
    assert np.abs(wrong.mean()) < 1e-9


@pytest.mark.parametrize("n_scenes", [40, 60, 200])
@pytest.mark.parametrize("offsets", [False, True])
def test_readouts_that_know_nothing_are_near_0_and_never_far_below(n_scenes, offsets):
    rng = np.random.default_rng(1)
    answers = rng.permutation(np.arange(n_scenes) % 4)
    # Confident nonsense at 60 layers, a twentieth of the scenes at 20 times the others' loudness.
    scores = rng.standard_normal((n_scenes, 4, 60))
    scores[: n_scenes // 20] *= 20
    means = read(30 * scores, answers, offsets=offsets).bits.mean(axis=0)
    assert np.abs(means.mean()) < 1.5 / n_scenes
    assert means.min() > -8 / n_scenes
    # Taken at its word the same readout loses many times the answer's entropy.
    stated = log_softmax(30 * scores, axis=1)[np.arange(n_scenes), answers] / np.log(2) + 2
    assert stated.mean(axis=0).max() < -10


@pytest.mark.parametrize("offsets", [False, True])
def test_one_rare_answer_and_three_scenes_an_answer_stay_finite(offsets):
    rng = np.random.default_rng(2)
    rare = np.zeros(60, dtype=int)
    rare[[3, 40]] = 1
    found = read(rng.standard_normal((60, 2, 50)), rare, offsets=offsets).bits
    assert np.isfinite(found).all()
    assert np.abs(found.mean()) < 0.03
    assert found.mean(axis=0).min() > -0.2
    few = np.arange(24) % 8
    perfect = read(np.eye(8)[few][:, :, None], few, offsets=offsets)
    # Of 3 scenes an answer 2 are left to count it by, so guessing costs more than the entropy.
    cost = -np.log2(perfect.guess[np.arange(24), few]).mean()
    assert 3 < cost < 3.3
    assert cost - 0.1 < perfect.bits.mean() < cost


def test_an_answer_that_is_always_preferred_hides_the_rest_unless_offsets_take_it_off():
    scores, answers, scenes = readings(3, n_scenes=200, knows=(4.0,))
    scores = scores / 2
    preferring = scores + np.array([4.0, 0, 0])[None, :, None]
    plain, hidden = (read(each, answers, scenes).bits.mean() for each in (scores, preferring))
    held = read(preferring, answers, scenes, offsets=True).bits.mean()
    assert hidden < 0.5 * plain
    assert held > 0.9 * plain


def test_perfect_readouts_are_near_the_entropy_of_the_answers():
    rng = np.random.default_rng(4)
    for share in ([0.5, 0.5], [0.9, 0.1], [0.4, 0.3, 0.2, 0.1]):
        answers = rng.choice(len(share), 200, p=share)
        found = read(np.eye(len(share))[answers][:, :, None], answers).bits.mean()
        assert found == pytest.approx(entropy_bits(answers), rel=0.04)


def test_information_of_a_pair_is_that_of_its_parts():
    """The chain rule, where scores are the logarithms of true probabilities."""
    rng = np.random.default_rng(5)
    logits = 1.5 * rng.standard_normal((3000, 3, 2)) + np.array([[2.0, 1.0], [0, 0], [-1, 0]])
    log_p = log_softmax(logits.reshape(3000, 6), axis=1)
    pair = (log_p + rng.gumbel(size=(3000, 6))).argmax(axis=1)
    first, second = np.divmod(pair, 2)
    table = log_p.reshape(3000, 3, 2)
    both = read(log_p[:, :, None], pair).bits.mean()
    one = read(np.logaddexp.reduce(table, axis=2)[:, :, None], first).bits.mean()
    rest = np.empty(3000)
    for value in range(3):
        rows = np.flatnonzero(first == value)
        rest[rows] = read(table[rows, value][:, :, None], second[rows]).bits[:, 0]
    assert both == pytest.approx(one + rest.mean(), abs=0.01)
    assert min(one, rest.mean()) > 0.1
    # Scores that are true probabilities are read at their word.
    found = read(log_p[:, :, None], pair)
    assert found.scale[0] == pytest.approx(1, abs=0.1)
    assert found.prior_exponent[0] < 0.1


def by_scipy(scores, answers, scenes, found: Information, *, offsets: bool):
    """The docstring's definition, one fold and layer at a time, minimised by L-BFGS-B."""
    n_answers = scores.shape[1]
    share = 1 / np.bincount(scenes)[scenes]
    bits = np.empty((len(answers), scores.shape[2]))
    for layer in range(scores.shape[2]):
        r = scores[:, :, layer] - scores[:, :, layer].mean(axis=1, keepdims=True)
        r = r / np.sqrt(np.average(np.square(r).mean(axis=1), weights=share))
        for fold in range(5):
            kept, out = found.fold != fold, found.fold == fold
            n, weight = len(np.unique(scenes[kept])), share[kept] / share[kept].sum()
            prior = np.bincount(answers[kept], weight, minlength=n_answers)

            def log_q(x, rows, r=r, prior=prior):
                return log_softmax(x[0] * r[rows] + x[1] * np.log(prior) + x[2:], axis=1)

            def loss(x, kept=kept, n=n, weight=weight, log_q=log_q):
                right = log_q(x, kept)[np.arange(kept.sum()), answers[kept]]
                return -right @ weight + np.sum((x - np.eye(len(x))[1]) ** 2) / (20 * n)

            found_x = minimize(
                loss, np.r_[0.1, 0.9, np.zeros(n_answers)], method="L-BFGS-B",
                bounds=[(0, 50), (0, None), *[(None, None) if offsets else (0, 0)] * n_answers],
                options={"ftol": 1e-15, "gtol": 1e-10, "maxfun": 50_000},
            ).x  # fmt: skip
            q = np.exp(log_q(found_x, out))[np.arange(out.sum()), answers[out]]
            pi = prior[answers[out]]
            np.testing.assert_allclose(found.guess[out], np.tile(prior, (out.sum(), 1)))
            bits[out, layer] = np.log2((1 - 1 / (n + 2)) * q + pi / (n + 2)) - np.log2(pi)
    return bits


@pytest.mark.parametrize("offsets", [False, True])
def test_bits_are_those_of_readers_fitted_by_scipy(offsets):
    scores, answers, scenes = readings(6, n_scenes=50)
    answers[:30] = 0
    scores = np.concatenate([scores[:-1], 3 * scores[-1:]])[:-3]
    answers, scenes = answers[:-3], scenes[:-3]
    found = read(scores, answers, scenes, offsets=offsets)
    want = by_scipy(scores, answers, scenes, found, offsets=offsets)
    # The bound asked for is .002 bits; scipy's numeric gradient is what keeps it from 1e-9.
    np.testing.assert_allclose(found.bits, want, rtol=0, atol=1e-4)


def test_memory_is_bounded_by_blocks_of_layers_that_change_nothing(monkeypatch):
    scores, answers, scenes = readings(7)
    want = read(scores, answers, scenes, offsets=True)
    # By name: `stats.information` is the function.
    monkeypatch.setattr(sys.modules["stats.information"], "CELLS_PER_BLOCK", 1)
    got = read(scores, answers, scenes, offsets=True)
    for field in ("bits", "scale", "prior_exponent", "fold_scale", "fold_prior_exponent"):
        np.testing.assert_allclose(getattr(got, field), getattr(want, field), atol=1e-9)


def test_the_same_state_gives_two_conditions_the_same_folds():
    scores, answers, scenes = readings(8)
    real, blank = (read(each, answers, scenes, seed=5) for each in (scores, scores[:, :, :1]))
    np.testing.assert_array_equal(real.fold, blank.fold)
    np.testing.assert_array_equal(real.guess, blank.guess)
    assert (read(scores, answers, scenes, seed=6).fold != real.fold).any()
    # No scene is in two folds.
    assert all(len(set(real.fold[scenes == scene])) == 1 for scene in range(40))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((6, 2))}, r"`scores` must have the axes \[item, answer, layer\], got"),
        (
            {"scores": np.where(np.arange(12).reshape(6, 2, 1) == 5, np.nan, 0.0)},
            r"`scores` must be finite, got nan at item 2, answer 1, layer 0: leave that item out",
        ),
        (
            {"scores": np.where(np.arange(12).reshape(6, 2, 1) == 4, -np.inf, 0.0)},
            r"`scores` must be finite, got -inf at item 2, answer 0, layer 0: leave that item out",
        ),
        (
            {"answers": np.array([0, 1, 0, 1, 0, 2])},
            r"`answers` must lie in 0..1, got 2 at item 5: index them into the answer axis",
        ),
        (
            {"answers": np.array([0, 1, 0, 1, 0, -1])},
            r"`answers` must lie in 0..1, got -1 at item 5",
        ),
        (
            {"answers": np.zeros(6, dtype=int)},
            r"`answers` must hold at least 2 different answers, got 0 only: there is nothing to "
            r"know, add items with another answer",
        ),
        (
            {"scenes": [0, 0, 1, 1, 2, 2], "folds": 5},
            r"`scenes` must hold at least as many scenes as folds \(5\), got 3: add scenes, or "
            r"lower `folds`",
        ),
        (
            {"answers": np.array([0, 0, 0, 0, 0, 1])},
            r"`answers` must each occur in at least 2 folds, answer 1 occurs in 1 \(1 scenes\): "
            r"leave its items out, or add scenes with it",
        ),
        ({"folds": 1}, r"`folds` must be a whole number of at least 2, got 1: 5 is usual"),
        ({"scenes": [0, 1, 2]}, r"`scenes` must hold one label per item \(6\), got shape \(3,\)"),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {
        "scores": np.zeros((6, 2, 1)),
        "answers": np.array([0, 1, 0, 1, 0, 1]),
        "scenes": np.arange(6),
        "folds": 3,
        **change,
    }
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(information)(rng=np.random.default_rng(0), **given_arguments)


def test_a_readout_that_tells_nothing_tells_exactly_nothing():
    """Not 1e-15 bits of one sign, which a test by the spread alone would find significant."""
    rng = np.random.default_rng(0)
    answers = np.tile(np.arange(3), 20)
    scenes = np.arange(60)
    told = information(np.zeros((60, 3, 2)), answers, scenes, rng=rng)
    assert (told.bits == 0).all()
    again = information(np.full((60, 3, 2), -1.1), answers, scenes, rng=rng)
    assert sign_flip_max_t(again.bits, rng=rng, n_resamples=99).omnibus_p == 1


@pytest.mark.parametrize("offsets", [False, True])
def test_folds_dealt_again_from_known_readers_give_the_same_bytes(monkeypatch, offsets):
    scores, answers, scenes = readings(11)
    monkeypatch.setattr(
        sys.modules["stats.information"], "CELLS_PER_BLOCK", 2 * scores[..., 0].size
    )
    first = read(scores, answers, scenes, offsets=offsets)
    alone, again = (
        read(scores, answers, scenes, seed=1, folds=4, offsets=offsets, readers=known)
        for known in (None, first.readers)
    )
    for field in ("bits", "scale", "prior_exponent", "fold_scale", "fold_prior_exponent"):
        assert getattr(again, field).tobytes() == getattr(alone, field).tobytes()
