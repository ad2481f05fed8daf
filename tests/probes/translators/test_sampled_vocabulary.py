"""Divergence from a sample of the vocabulary: exact where all is drawn, unbiased where not."""

from dataclasses import replace

import pytest
import torch

from probes.translators import Recipe, ResidualRows, train_tuned_lens
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap, kl_with_gradient
from probes.translators.sampled_vocabulary import (
    SampledVocabulary,
    final_side,
    inclusion_chances,
    systematic_sample,
)
from tests.probes.translators.planted import planted

ROWS, UNEMBEDDING = planted(n_rows=240, n_vocab=2000, d_model=24, n_layers=2)
BLOCK = ROWS.take(torch.arange(64))
START = Translators.zero(2, 24)


def with_head(**changes):
    return replace(UNEMBEDDING, **changes)


def estimated(unembedding, n_tokens, step=0):
    output = OutputMap.of(unembedding)
    side = final_side(ROWS, output)
    vocabulary = SampledVocabulary.of(ROWS, START, output, n_tokens=n_tokens, seed=0, side=side)
    own = side.of(torch.arange(64))
    drawn = [vocabulary.drawn(step, place, side) for place in range(2)]
    return vocabulary.kl_with_gradient(START.apply(BLOCK), BLOCK[:, -1], own, drawn)


@pytest.mark.parametrize("cap", [None, 6.0])
def test_where_every_token_is_drawn_it_is_exact(cap):
    bias = torch.linspace(-1, 1, 2000)
    unembedding = with_head(soft_cap=cap, bias=bias, scale=1.3)
    found = estimated(unembedding, 2000)
    wanted = kl_with_gradient(START.apply(BLOCK), BLOCK[:, -1], OutputMap.of(unembedding))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=2e-3)


@pytest.mark.parametrize("cap", [None, 6.0])
def test_the_mean_over_draws_is_the_gradient_over_all(cap):
    unembedding = with_head(soft_cap=cap)
    _, wanted = kl_with_gradient(START.apply(BLOCK), BLOCK[:, -1], OutputMap.of(unembedding))

    def away(gradient):
        return float((gradient - wanted).norm() / wanted.norm())

    draws = [estimated(unembedding, 250, step)[1] for step in range(24)]
    alone = sum(map(away, draws)) / len(draws)
    # Errors without bias fall by the root of their number, which is almost 5.
    assert away(torch.stack(draws).mean(0)) < 0.3 * alone


def test_drawing_evenly_is_off_however_often_where_some_tokens_are_likely():
    """The control: both distributions over evenly drawn tokens alone."""
    unembedding = with_head(head=6 * UNEMBEDDING.head)
    _, wanted = kl_with_gradient(START.apply(BLOCK), BLOCK[:, -1], OutputMap.of(unembedding))

    def away(gradients):
        return float((torch.stack(gradients).mean(0) - wanted).norm() / wanted.norm())

    generator, even = torch.Generator().manual_seed(0), []
    for _ in range(24):
        ids = torch.randperm(2000, generator=generator)[:250]
        part = OutputMap.of(unembedding.of_rows(ids))
        even.append(kl_with_gradient(START.apply(BLOCK), BLOCK[:, -1], part)[1])
    draws = [estimated(unembedding, 250, step)[1] for step in range(24)]
    assert away(even) > 3 * away(draws)


def test_each_token_is_drawn_with_its_own_chance():
    likely = torch.rand(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64) ** 4
    chances = inclusion_chances(likely, 12)
    assert chances.sum() == pytest.approx(12)
    assert chances.max() <= 1
    assert chances.min() > 0
    generator, counts = torch.Generator().manual_seed(0), torch.zeros(50)
    for _ in range(2000):
        drawn = systematic_sample(chances, generator)
        assert len(drawn) in (11, 12, 13)
        counts[drawn] += 1
    torch.testing.assert_close(counts.double() / 2000, chances, atol=0.04, rtol=0)
    assert (counts[chances == 1] == 2000).all()
    assert bool((chances == 1).any())


def test_held_out_a_sample_serves_as_well_as_all():
    """Set before the first run: at most .01 nats are lost, and the control loses more."""
    rows, unembedding = planted(n_rows=700, n_vocab=3000, d_model=32, n_layers=2)
    train, validation, test = (
        rows.select(range(*ends)) for ends in ((0, 400), (400, 500), (500, 700))
    )
    unembedding = replace(unembedding, head=2.5 * unembedding.head)
    recipe = Recipe(sampled_tokens=0, steps=15, ridge=())
    kl = {}
    for name, n_tokens in (("whole", 0), ("sampled", 500)):
        own = replace(recipe, sampled_tokens=n_tokens)
        found = train_tuned_lens(train, validation, unembedding, recipe=own)
        kl[name] = kl_by_layer(test, found.translators, OutputMap.of(unembedding))
    kl["none"] = kl_by_layer(test, Translators.zero(2, 32), OutputMap.of(unembedding))
    assert (kl["sampled"] - kl["whole"]).max() < 0.01
    assert (kl["none"] - kl["whole"]).min() > 0.3


def test_only_large_vocabularies_are_sampled():
    recipe = Recipe()
    assert not recipe.samples(561)
    assert recipe.samples(32_064)
    # What a training with a small vocabulary follows from is what it was before there was a choice.
    assert "sampled_tokens" not in recipe.declared(561)
    assert "sampled_tokens" not in repr(recipe)
    assert not replace(recipe, sampled_tokens=0).samples(1_000_000)


def test_rows_fewer_than_the_width_are_refined_in_what_they_span():
    rows, unembedding = planted(n_rows=120, n_vocab=600, d_model=96, n_layers=2)
    sides = rows.select(range(80)), rows.select(range(80, 120))
    recipe = Recipe(steps=6, sampled_tokens=150, learning_rate=0.02)
    found = train_tuned_lens(*sides, unembedding, recipe=recipe)
    # As many rows again, each twice: the same moments, but more rows than the width.
    twice = ResidualRows.joined([sides[0], sides[0]])
    assert len(twice) > rows.d_model > len(sides[0])
    other = train_tuned_lens(twice, sides[1], unembedding, recipe=recipe)
    torch.testing.assert_close(found.validation_nats, other.validation_nats, atol=0.01, rtol=0.01)
