"""Sums over relabelled rows, against the dense product that they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stats.relabelling as module
from stats.exact_sums import on_exact_grid
from stats.relabelling import relabelling_p
from stats.shuffled_labels import _exchanges
from stats.streams import chunk_streams


def by_dense_product(standard, labels, relabelled, *, windows, rng, n_resamples):
    """Every relabelling as a row of zeros and ones over all cells, chunk by chunk."""
    n_rows, n_labels, n_layers = standard.shape
    means = [standard[:, :, first : last + 1].mean(axis=2) for first, last in windows]
    cells = np.concatenate([standard, *(each[:, :, None] for each in means)], axis=2)
    exact = on_exact_grid(cells.reshape(n_rows * n_labels, -1), total_weight=n_rows)
    observed = exact[np.arange(n_rows) * n_labels + labels].sum(axis=0)
    per_chunk = max(8, 2**19 // len(exact))
    starts = range(0, n_resamples, per_chunk)
    sums = []
    for start, stream in zip(starts, chunk_streams(rng, len(starts)), strict=True):
        drawn = relabelled(stream, min(per_chunk, n_resamples - start))
        sums.append(np.eye(n_labels)[drawn].reshape(len(drawn), -1) @ exact)
    null = np.concatenate(sums)
    null[:, :n_layers] = null[:, :n_layers].max(axis=1, keepdims=True)
    return (1 + (null >= observed - 1e-12).sum(axis=0)) / (1 + n_resamples), observed


def planted(seed: int, *, n_rows: int, n_labels: int = 3, n_layers: int = 4):
    rng = np.random.default_rng(seed)
    standard = rng.standard_normal((n_rows, n_labels, n_layers)) / np.sqrt(n_rows)
    return standard, rng.integers(n_labels, size=n_rows)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([6, 40]), st.sampled_from([1, 99, 1000]))
def test_p_is_that_of_the_dense_product(seed, n_rows, n_resamples):
    standard, labels = planted(seed, n_rows=n_rows)

    def relabelled(stream, number):
        return stream.integers(3, size=(number, n_rows))

    windows = [(2, 3), (0, 1)]
    given_to_both = {"windows": windows, "n_resamples": n_resamples}
    found = relabelling_p(
        standard, labels, relabelled, rng=np.random.default_rng(1), **given_to_both
    )
    p, observed = by_dense_product(
        standard, labels, relabelled, rng=np.random.default_rng(1), **given_to_both
    )
    assert [*found.p, *found.window_p] == p.tolist()
    np.testing.assert_array_equal(found.z, observed[:4])


@pytest.mark.parametrize(
    ("labels_at_once", "scores_at_once"), [(1, 1), (2**10, 2**6), (2**30,) * 2]
)
def test_how_much_is_summed_at_once_changes_no_byte(monkeypatch, labels_at_once, scores_at_once):
    standard, labels = planted(0, n_rows=150, n_labels=5)

    def p() -> bytes:
        found = relabelling_p(
            standard, labels, lambda stream, n: stream.permuted(np.tile(labels, (n, 1)), axis=1),
            windows=[(1, 2)], rng=np.random.default_rng(1), n_resamples=1000,
        )  # fmt: skip
        return b"".join(each.tobytes() for each in (found.z, found.p, found.window_p))

    want = p()
    monkeypatch.setattr(module, "_LABELS_AT_ONCE", labels_at_once)
    monkeypatch.setattr(module, "_SCORES_AT_ONCE", scores_at_once)
    assert p() == want


def test_it_says_how_many_relabellings_are_done(monkeypatch):
    standard, labels = planted(0, n_rows=2000)
    monkeypatch.setattr(module, "_LABELS_AT_ONCE", 2**19)
    told: list[int] = []
    relabelling_p(
        standard, labels, lambda stream, n: stream.integers(3, size=(n, 2000)), windows=[],
        rng=np.random.default_rng(0), n_resamples=1001, progress=told.append,
    )  # fmt: skip
    assert len(told) > 2
    assert told == sorted(set(told))
    assert told[-1] == 1001


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.tuples(st.integers(2, 9), st.integers(1, 3)), max_size=4))
def test_scenes_change_places_with_all_their_answers(seed, others):
    shapes = [(6, 1), *others]
    n_items = sum(scenes * slots for scenes, slots in shapes)
    labels = np.random.default_rng(seed).integers(0, 4, n_items)
    drawn = _exchanges(labels, shapes)(np.random.default_rng(seed), 5)
    stream, first = np.random.default_rng(seed), 0
    for n_scenes, n_slots in shapes:
        own = labels[first : first + n_scenes * n_slots].reshape(n_scenes, n_slots)
        places = stream.permuted(np.tile(np.arange(n_scenes, dtype=np.int32), (5, 1)), axis=1)
        for row in range(5):
            got = drawn[row, first : first + own.size].reshape(own.shape)
            np.testing.assert_array_equal(got, own[places[row]])
        first += own.size
