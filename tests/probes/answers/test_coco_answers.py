"""Every answer of COCO's attributes can be scored, none by another's tokens."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from data_prep.attributes import attribute_of
from probes.answers.spellings import answer_tree
from tests.probes.vocabularies import Kind, tokenizer_of

SIZES = {"object": 80, "activity": 25, "place": 20, "background": 12}
# What tokenizers with byte fallback, and of bytes, write after each template.
PROMPTS: dict[Kind, tuple[str, str]] = {
    "llama_like": ("USER: <image>\nObject: ASSISTANT:", " "),
    "qwen_like": ("<|im_start|>user\nObject:<|im_end|>\n<|im_start|>assistant\n", ""),
}


@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("name", SIZES)
def test_all_answers_have_a_place_of_their_own(kind, name, monkeypatch):
    # These vocabularies are so small that words are spelled out letter by letter.
    monkeypatch.setattr("probes.answers.tree.DEEPEST", 40)
    vocabulary = files("data_prep.photographs").joinpath("coco.toml").read_text(encoding="utf-8")
    asked = attribute_of(name, tomllib.loads(vocabulary)[name])
    assert len(asked.answers) == SIZES[name]
    tokenizer: Any = tokenizer_of(kind)
    prompt, space = PROMPTS[kind]
    tree = answer_tree(tokenizer, prompt, space, asked, [tokenizer.eos_token_id])
    assert {each.answer for each in tree.spellings} == set(range(len(asked.answers)))
    ends = {}
    for spelling, steps in tree.leaves:
        assert ends.setdefault(steps, spelling.answer) == spelling.answer
    assert len(tree.parting) > 1
