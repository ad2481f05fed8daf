"""ProjectAway: the authors' rule row by row, the texts' own passes, and a placebo as long."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import UserError
from probes.image_tokens import image_tokens
from probes.interventions.edit import Edit, edited
from probes.interventions.pass_on import Intervened
from probes.interventions.project_away import projected_away, random_direction, text_direction
from tests.probes.families.small import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
WITH_POSITIONS = [name for name in FAMILIES if name != "mllama"]
TEXTS = ["green", "a large cube", "Sphere"]


def row_by_row(stream, where, direction, strength):
    """As the paper writes it: only where the dot product is positive, divided by t . t."""
    out = stream.clone()
    for item, own in enumerate(out):
        t = direction if direction.ndim == 1 else direction[item]
        for place in where[item].nonzero()[:, 0].tolist():
            product = float(own[place] @ t)
            if product > 0:
                own[place] -= strength * product / float(t @ t) * t
    return out


@given(st.integers(0, 10_000), st.floats(0, 3), st.booleans())
def test_it_is_the_rule_of_the_paper(seed, strength, for_each):
    torch.manual_seed(seed)
    stream, where = torch.randn(2, 5, 4), torch.rand(2, 5) < 0.7
    direction = torch.randn(2, 4) if for_each else torch.randn(4)
    got = projected_away(where, direction, strength=strength)(stream)
    torch.testing.assert_close(got, row_by_row(stream, where, direction, strength))
    longer = projected_away(where, 100 * direction, strength=strength)(stream)
    torch.testing.assert_close(longer, got, rtol=1e-4, atol=1e-5)
    assert torch.equal(got[~where], stream[~where])


@given(st.integers(0, 10_000))
def test_strength_one_takes_all_of_it_and_zero_nothing(seed):
    torch.manual_seed(seed)
    stream, where = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    direction = torch.randn(4)
    once = projected_away(where, direction, strength=1.0)
    assert (once(stream) @ direction).max() < 1e-4
    torch.testing.assert_close(once(once(stream)), once(stream))
    assert torch.equal(projected_away(where, direction, strength=0.0)(stream), stream)
    half = projected_away(where, direction, strength=1.0)(stream.bfloat16())
    assert half.dtype == torch.bfloat16


@pytest.mark.parametrize("name", WITH_POSITIONS)
def test_a_word_is_taken_off_a_familys_image(name, trial):
    vlm, inputs = trial(name).vlm, trial(name).inputs
    begun, image = Intervened(vlm, inputs), image_tokens(vlm, inputs)
    direction = text_direction(vlm, TEXTS, 2)
    change = projected_away(image, direction, strength=1.0)
    buffer = vlm.new_buffer(3)
    seen = []
    streams = vlm.streams(lambda _, stream: seen.append(stream))
    with edited(vlm, [Edit(layer=2, change=change)]), streams:
        vlm.run(inputs)
    along = (seen[2] * direction[:, None]).sum(-1)
    before = (begun.streams[2] * direction[:, None]).sum(-1)
    size = begun.streams[2].norm(dim=-1).max() * direction.norm(dim=-1).max()
    assert along[image].max() < 1e-5 * size
    assert (before[image] > 1e-3 * size).any()
    vlm.residuals_into(inputs, buffer)
    assert torch.equal(buffer[:, -1], begun.last)


@pytest.mark.parametrize("name", WITH_POSITIONS)
def test_a_direction_is_the_last_token_of_the_texts_own_pass(name, trial):
    """By what transformers itself returns, text by text; the last layer of which is normed."""
    vlm = trial(name).vlm
    for layer in (0, 2, vlm.n_layers - 1):
        found = text_direction(vlm, TEXTS, layer)
        for text, row in zip(TEXTS, found, strict=True):
            alone = vlm.tokenizer(text, return_tensors="pt")
            given = {name: alone[name] for name in ("input_ids", "attention_mask")}
            if name in ("paligemma", "paligemma2"):
                given["token_type_ids"] = torch.zeros_like(given["input_ids"])
            states = vlm.run(given, output_hidden_states=True).hidden_states
            torch.testing.assert_close(row, states[layer][0, -1], rtol=1e-3, atol=1e-4)


def test_a_placebo_is_as_long_and_points_anywhere():
    direction = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0)) * 3
    rng = np.random.default_rng(0)
    placebo = random_direction(direction, rng)
    torch.testing.assert_close(placebo.norm(dim=1), direction.norm(dim=1))
    cosine = torch.nn.functional.cosine_similarity(placebo, direction)
    assert abs(float(cosine.mean())) < 4 / np.sqrt(8 * 2000)
    assert float(cosine.square().mean()) == pytest.approx(1 / 8, abs=0.01)
    again = random_direction(direction, np.random.default_rng(0))
    assert torch.equal(again, placebo)
    assert random_direction(direction[0].half(), rng).dtype == torch.float16


def test_bad_input(trial):
    vlm, where = trial("llava").vlm, torch.ones(2, 3, dtype=torch.bool)
    for direction, strength in (
        (torch.zeros(4), 1.0),
        (torch.tensor([[1.0, 0.0], [0.0, 0.0]]), 1.0),
        (torch.tensor([torch.nan, 1.0]), 1.0),
        (torch.ones(4), float("inf")),
    ):
        with pytest.raises(UserError, match="must be finite and not zero"):
            projected_away(where, direction, strength=strength)
    for direction in (torch.ones(3), torch.ones(3, 4), torch.ones(1, 1, 4)):
        with pytest.raises(UserError, match="once for each of 2 items, of width 4"):
            projected_away(where, direction, strength=1.0)(torch.zeros(2, 3, 4))
    with pytest.raises(UserError, match=r"a layer must be one of 0..4, got 5"):
        text_direction(vlm, ["cube"], 5)
    with pytest.raises(UserError, match="at least 1 text, got 0"):
        text_direction(vlm, [], 1)
    for text in ("", " ", "an <image>"):
        with pytest.raises(UserError, match="hold no control token"):
            text_direction(vlm, ["cube", text], 1)
    with pytest.raises(UserError, match="look at it by cross attention"):
        text_direction(trial("mllama").vlm, ["cube"], 1)
