"""Exchanges that share an image: logits and gradients of each as if it had been asked alone."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from probes.bundled.corpus import Exchange, pack
from probes.bundled.language import packed_loss
from probes.bundled.packed_attention import PACKED, Packing, packed_attention

N_PATCHES, WIDTH, VOCABULARY, IMAGE = 4, 16, 40, 3


def small_llava(attention: str) -> LlavaForConditionalGeneration:
    """Same weights for either attention; no vision tower is asked."""
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        image_size=16, patch_size=8,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=24, intermediate_size=32, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=4, initializer_range=0.3,
        tie_word_embeddings=True, pad_token_id=0,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=IMAGE, vision_feature_layer=-1,
        image_seq_length=N_PATCHES, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    decoder: Any = model.model.language_model
    decoder.set_attn_implementation(attention)
    return model


@pytest.fixture(scope="module")
def packed_model():
    return small_llava(PACKED)


@pytest.fixture(scope="module")
def plain_model():
    return small_llava("eager")


PREFIX = [1, 5, *[IMAGE] * N_PATCHES, 6]


def loss_one_by_one(model: Any, features: torch.Tensor, rows: list[list[Exchange]]) -> Any:
    """Each exchange in a sequence of its own through the plain model."""
    losses = []
    for feature, row in zip(features, rows, strict=True):
        for each in row:
            ids = torch.tensor([[*PREFIX, *each.question, *each.answer]])
            embedded = model.get_input_embeddings()(ids)
            places = (ids == IMAGE)[..., None].expand_as(embedded)
            projected = model.model.multi_modal_projector(feature[None])
            hidden = model.model.language_model(
                inputs_embeds=embedded.masked_scatter(places, projected), use_cache=False
            ).last_hidden_state
            logits = model.lm_head(hidden)[0, len(PREFIX) + len(each.question) - 1 : -1]
            want = torch.tensor(each.answer)
            losses.append(torch.nn.functional.cross_entropy(logits, want, reduction="none"))
    return torch.cat(losses).mean()


tokens = st.lists(st.integers(7, VOCABULARY - 1), min_size=1, max_size=6).map(tuple)


@settings(max_examples=15)
@given(data=st.data(), n_images=st.integers(1, 3), n_exchanges=st.integers(1, 4))
def test_packed_equals_each_alone_in_loss_and_gradient(
    packed_model, plain_model, data, n_images, n_exchanges
):
    rows = [
        [Exchange(question=data.draw(tokens), answer=data.draw(tokens)) for _ in range(n_exchanges)]
        for _ in range(n_images)
    ]
    features = torch.randn(n_images, N_PATCHES, WIDTH, generator=torch.Generator().manual_seed(1))
    packed_model.zero_grad()
    plain_model.zero_grad()
    loss, _ = packed_loss(packed_model, features, PREFIX, pack(rows, pad_id=0))
    want = loss_one_by_one(plain_model, features, rows)
    torch.testing.assert_close(loss, want, rtol=1e-4, atol=1e-5)
    loss.backward()
    want.backward()
    others = dict(plain_model.named_parameters())
    for name, parameter in packed_model.named_parameters():
        if "vision_tower" not in name:
            torch.testing.assert_close(parameter.grad, others[name].grad, rtol=1e-3, atol=1e-5)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_it_is_softmax_attention_under_a_mask(prefix, exchanges, length, seed):
    total = prefix + exchanges * length
    made = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(2, 3, total, 4, generator=made) for _ in range(3))
    packing = Packing(prefix=prefix, exchanges=exchanges, length=length)
    got, _ = packed_attention(torch.nn.Identity(), query, key, value, None, packing=packing)
    owner = np.concatenate([np.full(prefix, -1), np.repeat(np.arange(exchanges), length)])
    seen = (owner[None] == owner[:, None]) | (owner[None] == -1)
    mask = torch.from_numpy(seen & np.tri(total, dtype=bool))
    want = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(got, want.transpose(1, 2), rtol=1e-4, atol=1e-5)


def test_a_plain_causal_mask_would_be_noticed(packed_model, plain_model):
    """A control: with neighbours in sight the loss is another one."""
    first, second = (Exchange(question=(10 + k, 12), answer=(13, 14 + k)) for k in range(2))
    features = torch.randn(1, N_PATCHES, WIDTH, generator=torch.Generator().manual_seed(1))
    glued = Exchange(question=(*first.question, *first.answer, *second.question),
                     answer=second.answer)  # fmt: skip
    with torch.no_grad():
        together = loss_one_by_one(plain_model, features, [[glued]])
        alone, _ = packed_loss(packed_model, features, PREFIX, pack([[second]], pad_id=0))
    assert abs(float(together - alone)) > 1e-3


def test_targets_stand_one_before_what_they_predict():
    rows = [
        [Exchange(question=(7, 8), answer=(9, 2)), Exchange(question=(7,), answer=(2,))],
        [Exchange(question=(5, 6, 7), answer=(8, 2)), Exchange(question=(9,), answer=(9, 2))],
    ]
    packed = pack(rows, pad_id=0)
    none = -100
    assert packed.ids.tolist() == [
        [[7, 8, 9, 2, 0], [7, 2, 0, 0, 0]],
        [[5, 6, 7, 8, 2], [9, 9, 2, 0, 0]],
    ]
    assert packed.targets.tolist() == [
        [[none, 9, 2, none, none], [2, none, none, none, none]],
        [[none, none, 8, 2, none], [9, 2, none, none, none]],
    ]


def test_the_share_of_right_answers(packed_model):
    """Over all answers there could be, one is on top."""
    answers = [Exchange(question=(7, 8), answer=(k,)) for k in range(VOCABULARY) if k != IMAGE]
    with torch.no_grad():
        features = torch.zeros(1, N_PATCHES, WIDTH)
        _, right = packed_loss(packed_model, features, PREFIX, pack([answers], pad_id=0))
    assert float(right) in (0, pytest.approx(1 / len(answers)))
