"""Confidence at image positions: the largest probability of a plain softmax, in bounded memory."""

import pytest
import torch

from data_prep.errors import UserError
from probes import image_lens, load_vlm
from probes.image_lens import image_confidence, word_tokens
from probes.image_tokens import image_tokens
from tests.probes.families.small import save

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
# With each kind of norm, a soft cap, tiles, sub-images, and features added between blocks.
SOME = ["llava", "qwen3_vl", "paligemma2", "gemma3", "llava_next", "idefics3"]


def batch(vlm, images, questions):
    return vlm.prepare([each.resize((48, 40)) for each in images[:3]], questions[:3])


def by_softmax(vlm, inputs, words):
    """Every layer's whole distribution at every image position, item by item, word by word."""
    streams = []
    with vlm.streams(lambda _, stream: streams.append(stream.clone())):
        vlm.run(inputs)
    there = image_tokens(vlm, inputs)
    out = torch.zeros(len(words), len(streams), len(words[0]))
    for item, mine in enumerate(words):
        for layer, stream in enumerate(streams):
            probabilities = vlm.unembed(stream[item, there[item]]).softmax(-1)
            for place, word in enumerate(mine):
                out[item, layer, place] = max(float(probabilities[:, t].max()) for t in word)
    return out


@pytest.mark.parametrize("name", SOME)
def test_it_is_the_largest_probability_of_a_softmax(name, tmp_path, images, questions, monkeypatch):
    monkeypatch.setattr(image_lens, "_ROWS", 7)
    monkeypatch.setattr(image_lens, "_CHUNK", 100)
    vlm = load_vlm(save(name, tmp_path))
    inputs = batch(vlm, images, questions)
    words = [[[5, 9, 300], [301]], [[301], [9]], [[7, 8], [5, 300]]]
    found = image_confidence(vlm, inputs, words)
    wanted = by_softmax(vlm, inputs, words)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-9)
    some = image_confidence(vlm, inputs, words, layers=[1, vlm.n_layers])
    assert torch.equal(some, found[:, [1, vlm.n_layers]])


def test_the_last_layer_is_what_the_model_says_there(vlm, images, questions):
    """The model's own logits at its image positions, by its own forward pass."""
    inputs = batch(vlm, images, questions)
    with torch.no_grad():
        logits = vlm.model(**inputs, use_cache=False).logits.float()
    there = image_tokens(vlm, inputs)
    wanted = [row[own].softmax(-1)[:, 40].max() for row, own in zip(logits, there, strict=True)]
    found = image_confidence(vlm, inputs, [[[40]]] * 3)
    torch.testing.assert_close(found[:, -1, 0], torch.stack(wanted), rtol=1e-4, atol=1e-7)


def test_more_tokens_are_never_less_sure_and_all_of_them_are_an_upper_bound(vlm, images, questions):
    inputs = batch(vlm, images, questions)
    n_vocab = vlm.unembedding.n_vocab
    words = [[[4], [4, 5], list(range(n_vocab))]] * 3
    one, two, every = image_confidence(vlm, inputs, words).unbind(-1)
    assert (one <= two).all()
    assert (two <= every).all()
    assert (every >= 1 / n_vocab).all()
    assert (every <= 1 + 1e-5).all()


def test_the_tokens_of_a_word(vlm):
    names = vlm.tokenizer.convert_ids_to_tokens
    found = names(list(word_tokens(vlm, " Sphere ")))
    assert set(found) == {"sphere", "Sphere", "Ġsphere", "ĠSphere"}
    assert word_tokens(vlm, "sphere") == word_tokens(vlm, "Sphere")
    long = "zyxwv"
    first, every = set(word_tokens(vlm, long)), set(word_tokens(vlm, long, every=True))
    assert first < every
    # What a spelling begins with is what is left of it after the sign before.
    tokens = vlm.tokenizer("x zyxwv", add_special_tokens=False)["input_ids"]
    assert tokens[1] in first
    assert set(tokens[1:]) <= every


class _Joining:
    """A tokenizer to which a line break and a space are one, and that does not know an x."""

    unk_token_id, all_special_ids = 0, [0, 9]
    _known = {"\n": [1], "\n a": [2, 3], "\n A": [2, 4], "\na": [1, 5, 6], "\nA": [1, 7]}  # noqa: RUF012

    def __call__(self, texts, add_special_tokens):
        return {"input_ids": [self._known.get(text, [1, 0]) for text in texts]}


def test_spellings_that_merge_or_are_unknown_are_left_out(vlm, monkeypatch):
    monkeypatch.setattr(vlm, "tokenizer", _Joining())
    assert word_tokens(vlm, "a") == (5, 7)
    assert word_tokens(vlm, "a", every=True) == (5, 6, 7)
    with pytest.raises(UserError, match="are no control tokens, got 'x'"):
        word_tokens(vlm, "x")


def test_bad_input(vlm, images, questions):
    inputs = batch(vlm, images, questions)
    for words in ([[[1]]] * 2, [[[1]], [[1]], [[1], [2]]], [[]] * 3):
        with pytest.raises(UserError, match="each of 3 items needs words, and all items as many"):
            image_confidence(vlm, inputs, words)
    n_vocab = vlm.unembedding.n_vocab
    for word in ([], [-1], [n_vocab]):
        with pytest.raises(UserError, match="a word needs tokens among 0"):
            image_confidence(vlm, inputs, [[word]] * 3)
    for word in ("", "  "):
        with pytest.raises(UserError, match="a word needs letters"):
            word_tokens(vlm, word)
    with pytest.raises(UserError, match="no control tokens, got '<image>'"):
        word_tokens(vlm, "<image>")


def test_a_model_that_looks_at_the_image_beside_the_text(tmp_path, images, questions):
    beside = load_vlm(save("mllama", tmp_path))
    with pytest.raises(UserError, match="has no image tokens in its sequence"):
        image_confidence(beside, batch(beside, images, questions), [[[1]]] * 3)
