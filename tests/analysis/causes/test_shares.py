"""Shares of made-up pairs: what must not change them, and what must not blow them up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.causes.found import Shares
from analysis.causes.shares import Estimating, PairRows, pair_rows, shares_of
from analysis.causes.swaps import Swap, Swapped
from analysis.run.study import Study
from analysis.typed import written

SEEDS = st.integers(0, 10_000)
KINDS = ("image", "object", "rest", "question", "answer")


HOW = Estimating(study=Study(n_resamples=800), key=0, margin=0.1)


def made_up(seed: int, n_pairs: int = 24, n_layers: int = 6) -> PairRows:
    """Pairs with a hand-over in the middle; the model knows two thirds of them."""
    rng = np.random.default_rng(seed)
    known = np.arange(n_pairs) % 3 > 0
    base = rng.normal(-4 * known, 1)
    source = rng.normal(4 * known, 1)
    total = source - base
    course = 1 / (1 + np.exp(np.arange(n_layers) * 2 - n_layers))
    parts = {"image": course, "object": 0.7 * course, "rest": 0.2 * course,
             "question": 0 * course, "answer": 1 - course}  # fmt: skip
    moved = {
        kind: total[:, None] * parts[kind] + rng.normal(0, 0.3, (n_pairs, n_layers))
        for kind in KINDS
    }
    ids = tuple(f"{number:03d}" for number in range(n_pairs))
    return PairRows(pair_ids=ids, moved=moved, total=total, base=base, source=source, right=known)


def numbers(shares: Shares) -> dict:
    """Everything but the effect in bits, flat, by where it stands."""
    found: dict = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                walk(each, f"{path}/{name}")
        elif isinstance(value, list | tuple):
            for number, each in enumerate(value):
                walk(each, f"{path}/{number}")
        else:
            found[path] = value

    walk(written(shares), "")
    del found["/follows/total_bits"]
    return found


@settings(max_examples=6)
@given(seed=SEEDS)
def test_the_order_of_pairs_does_not_matter(seed):
    rows = made_up(seed)
    order = np.random.default_rng(seed).permutation(len(rows.total))
    other = PairRows(
        pair_ids=tuple(np.array(rows.pair_ids)[order].tolist()),
        moved={kind: values[order] for kind, values in rows.moved.items()},
        total=rows.total[order],
        base=rows.base[order],
        source=rows.source[order],
        right=rows.right[order],
    )
    one, two = (numbers(shares_of(each, HOW, beats_chance=True)) for each in (rows, other))
    assert two == pytest.approx(one, rel=1e-9)


@settings(max_examples=6)
@given(seed=SEEDS, factor=st.sampled_from([2.0**-6, 3.0, 2.0**10]))
def test_the_unit_of_the_odds_does_not_matter(seed, factor):
    rows = made_up(seed)
    other = replace(
        rows,
        moved={kind: factor * values for kind, values in rows.moved.items()},
        total=factor * rows.total,
        base=factor * rows.base,
        source=factor * rows.source,
    )
    one, two = shares_of(rows, HOW, beats_chance=True), shares_of(other, HOW, beats_chance=True)
    assert numbers(two) == pytest.approx(numbers(one), rel=1e-6, abs=1e-9)
    assert two.follows.total_bits == pytest.approx(factor * one.follows.total_bits)


def both_ways(seed: int, n_pairs: int = 24) -> tuple[list[Swap], Swapped]:
    """Both directions of made-up pairs, the base's as recipient first, unequal in what is moved."""
    rng, rows = np.random.default_rng(seed), made_up(seed, n_pairs)
    swaps, odds = [], {"recipient": [], "donor": []}
    for pair_id, base, source in zip(rows.pair_ids, rows.base, rows.source, strict=True):
        for names in (("base", "source"), ("source", "base")):
            swaps.append(
                Swap(
                    pair_id=pair_id, question="Which?", recipient=names[0], donor=names[1],
                    towards=names[1], away=names[0],
                )
            )  # fmt: skip
        odds["recipient"] += [base, -source]
        odds["donor"] += [source, -base]
    recipient, donor = (np.array(odds[each], dtype=np.float32) for each in ("recipient", "donor"))
    patched = {
        kind: recipient[:, None] + np.repeat(values, 2, axis=0).astype(np.float32)
        + rng.normal(0, 0.5, (2 * n_pairs, values.shape[1])).astype(np.float32)
        for kind, values in rows.moved.items()
    }  # fmt: skip
    right = np.ones(2 * n_pairs, dtype=np.float32)
    return swaps, Swapped(
        recipient=recipient, donor=donor, right=right, patched=patched, distance={}
    )


@settings(max_examples=6)
@given(seed=SEEDS)
def test_which_image_is_the_base_does_not_matter(seed):
    swaps, found = both_ways(seed)
    turned = np.arange(len(swaps)) ^ 1
    other = Swapped.of_tensors({name: each[turned] for name, each in found.tensors().items()})
    rows = pair_rows(swaps, found)
    exchanged = pair_rows([swaps[place] for place in turned], other)
    assert exchanged.base == pytest.approx(-rows.source)
    assert exchanged.source == pytest.approx(-rows.base)
    one, two = (numbers(shares_of(each, HOW, beats_chance=True)) for each in (rows, exchanged))
    assert two == pytest.approx(one, rel=1e-6, abs=1e-6)


@settings(max_examples=6)
@given(seed=SEEDS)
def test_a_row_is_the_mean_of_both_directions_whatever_the_order_of_pairs(seed):
    swaps, found = both_ways(seed)
    rows = pair_rows(swaps, found)
    by_hand = found.moved["image"].astype(np.float64).reshape(-1, 2, 6).mean(1)
    assert rows.moved["image"] == pytest.approx(by_hand)
    order = np.random.default_rng(seed).permutation(len(rows.total))
    chosen = (2 * order[:, None] + [0, 1]).ravel()
    other = Swapped.of_tensors({name: each[chosen] for name, each in found.tensors().items()})
    again = pair_rows([swaps[place] for place in chosen], other)
    assert again.pair_ids == rows.pair_ids
    for name in ("total", "base", "source", "right"):
        assert getattr(again, name) == pytest.approx(getattr(rows, name))


@settings(max_examples=6)
@given(seed=SEEDS, tiny=st.sampled_from([0.0, 1e-12, -1e-9]))
def test_a_pair_without_a_total_effect_blows_nothing_up(seed, tiny):
    rows = made_up(seed)
    more = 1.0
    other = PairRows(
        pair_ids=(*rows.pair_ids, "zzz"),
        moved={kind: np.vstack([each, np.full(6, more)]) for kind, each in rows.moved.items()},
        total=np.append(rows.total, tiny),
        base=np.append(rows.base, -tiny / 2),
        source=np.append(rows.source, tiny / 2),
        right=np.append(rows.right, False),
    )
    most = 1.001 * more / rows.total.sum() + 1e-9
    one, two = shares_of(rows, HOW, beats_chance=True), shares_of(other, HOW, beats_chance=True)
    for kind in KINDS:
        for before, after in zip(one.places[kind], two.places[kind], strict=True):
            assert abs(after.estimate - before.estimate) <= most
            assert after.high - after.low < 2


def test_pairs_that_follow_nothing_have_shares_without_bounds_and_no_layers():
    rng = np.random.default_rng(0)
    rows = made_up(0)
    base = rng.normal(5, 1, len(rows.total))
    found = shares_of(
        replace(rows, base=base, source=base + 1e-3 * rng.normal(size=len(base)),
                total=1e-3 * rng.normal(size=len(base))),
        HOW,
        beats_chance=True,
    )  # fmt: skip
    assert not found.follows.shown
    assert (found.out, found.into, found.window) == (None, None, None)
    assert all(each.high > 1e300 for each in found.places["image"])
    written(found)


def test_what_random_copies_do_as_well_has_no_layers():
    found = shares_of(made_up(0), HOW, beats_chance=False)
    assert found.follows.shown
    assert (found.out, found.into, found.window) == (None, None, None)


def test_without_boxes_there_is_no_share_of_an_object():
    rows = made_up(0)
    moved = {kind: rows.moved[kind] for kind in ("image", "question", "answer")}
    found = shares_of(replace(rows, moved=moved), HOW, beats_chance=True)
    assert set(found.places) == set(moved)
    assert found.image_interaction is None
    together = [1 - sum(found.places[kind][layer].estimate for kind in moved) for layer in range(6)]
    assert [each.estimate for each in found.interaction] == pytest.approx(together)
