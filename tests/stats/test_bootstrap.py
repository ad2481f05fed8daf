"""Properties, reference values and coverage of the scene bootstrap."""

from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom
from scipy.stats import bootstrap as scipy_bootstrap

from stats import cluster_bootstrap
from stats.bootstrap import Method

METHODS: tuple[Method, ...] = ("percentile", "bca", "studentized")
tables = arrays(float, st.tuples(st.integers(3, 9), st.integers(1, 3)), elements=st.floats(-3, 3))


def interval(values, clusters=None, *, method: Method | None = None, level=0.9, n_resamples=199):
    found = cluster_bootstrap(
        values,
        np.arange(len(values)) if clusters is None else clusters,
        rng=np.random.default_rng(1),
        n_resamples=n_resamples,
        level=level,
        method=method,
    )
    return np.stack([found.estimate, found.low, found.high])


@given(tables, st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_within_a_scene_matters(table, method, random):
    items = list(range(len(table))) * 2
    random.shuffle(items)
    repeated = interval(table[items], np.array(items), method=method)
    np.testing.assert_allclose(repeated, interval(table, method=method), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_moves_and_stretches_with_the_data(method, shift, scale):
    table = np.random.default_rng(2).exponential(size=(12, 2))
    moved = interval(shift + scale * table, method=method)
    np.testing.assert_allclose(
        moved, shift + scale * interval(table, method=method), rtol=1e-7, atol=1e-7
    )


@given(tables, st.sampled_from(METHODS))
def test_intervals_are_nested_in_level(table, method):
    narrow, wide = (interval(table, method=method, level=level) for level in (0.8, 0.95))
    assert (wide[1] <= narrow[1] + 1e-9).all()
    assert (wide[2] >= narrow[2] - 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_constant_columns_have_a_point_as_interval(method):
    table = np.column_stack([np.zeros(6), np.full(6, 0.3), np.arange(6.0)])
    found = interval(table, method=method)
    np.testing.assert_allclose(found[:, :2], [[0, 0.3]] * 3, atol=1e-15)
    assert found[1, 2] < found[0, 2] < found[2, 2]


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_agrees_with_scipy_up_to_the_draws(method):
    sample = np.random.default_rng(3).exponential(size=60)
    ours = interval(sample, method=method, level=0.95, n_resamples=40_000)[1:]
    theirs = scipy_bootstrap(
        (sample,), np.mean, n_resamples=40_000, method=method, rng=np.random.default_rng(4)
    ).confidence_interval
    np.testing.assert_allclose(ours, [theirs.low, theirs.high], atol=0.012 * sample.std())


def test_method_follows_the_number_of_scenes():
    for n_scenes, method in ((199, "studentized"), (200, "percentile")):
        found = cluster_bootstrap(
            np.zeros((n_scenes, 1)),
            np.arange(n_scenes),
            rng=np.random.default_rng(0),
            n_resamples=99,
        )
        assert found.method == method


def test_a_generator_in_the_same_state_gives_the_same_bytes():
    table = np.random.default_rng(5).standard_normal((40, 5))
    assert interval(table).tobytes() == interval(table).tobytes()


def covered(draw, *, n_scenes: int, by_scene: bool, repetitions: int = 2000) -> int:
    """Intervals at .95 that hold the mean 0; every column is a repetition of its own."""
    rng = np.random.default_rng(6)
    shape = (n_scenes, 4, repetitions)
    # Four questions per scene, intraclass correlation .4.
    values = np.sqrt(0.4) * draw(rng, (n_scenes, 1, repetitions)) + np.sqrt(0.6) * draw(rng, shape)
    scene = np.repeat(np.arange(n_scenes), 4)
    clusters = scene if by_scene else np.arange(len(scene))
    found = cluster_bootstrap(values.reshape(-1, repetitions), clusters, rng=rng, n_resamples=999)
    return int(((found.low <= 0) & (found.high >= 0)).sum())


def normal(rng, shape):
    return rng.standard_normal(shape)


def skewed(rng, shape):
    return rng.exponential(size=shape) - 1


@pytest.mark.parametrize(("draw", "n_scenes"), [(normal, 20), (normal, 100), (skewed, 50)])
def test_covers_when_scenes_are_redrawn_and_not_when_items_are(draw, n_scenes):
    least, most = binom.ppf([0.001, 0.999], 2000, [0.93, 0.97])
    assert least <= covered(draw, n_scenes=n_scenes, by_scene=True) <= most
    assert covered(draw, n_scenes=n_scenes, by_scene=False) < 0.9 * 2000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [[1.0], [np.nan]]}, r"`values` must be finite, got nan at item 1, column 0"),
        ({"values": [[1.0], [np.inf]]}, r"got inf at item 1"),
        ({"clusters": [1, 1]}, r"need at least 2 scenes, got 1 in `clusters`.*add scenes"),
        ({"clusters": [1, 1, 2]}, r"`clusters` must hold one label per item \(2\)"),
        ({"clusters": [1, np.nan]}, r"`clusters` must not be missing, is at item 1"),
        ({"clusters": ["a", None]}, r"`clusters` must not be missing, is at item 1"),
        ({"n_resamples": 38}, r"`n_resamples` must be .* at least 39 for level 0.95, got 38"),
        ({"level": 1.0}, r"`level` must lie between 0 and 1"),
        ({"method": "basic"}, r"`method` must be one of .*percentile"),
        ({"values": np.zeros((0, 2)), "clusters": []}, r"must not be empty"),
    ],
)
def test_says_what_is_wrong(change, message):
    given_arguments = {"values": [[1.0], [2.0]], "clusters": [1, 2], **change}
    values = np.array(given_arguments.pop("values"))
    # Past the type checker of the tests: users run without it.
    with pytest.raises(ValueError, match=message):
        unwrap(cluster_bootstrap)(values, rng=np.random.default_rng(0), **given_arguments)
