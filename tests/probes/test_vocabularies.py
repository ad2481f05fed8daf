"""The small vocabularies cut words where the published ones do."""

import pytest

from data_prep.attributes import ATTRIBUTES, attribute, surface_forms
from tests.probes.vocabularies import KINDS, tokenizer_of

PROMPTS = {
    "llama_like": "USER: <image>\nShape: ASSISTANT:",
    "qwen_like": "<|im_start|>user\n<|image_pad|>Shape:<|im_end|>\n<|im_start|>assistant\n",
    "wordpiece_like": "<image> question: shape: answer:",
}
# What a text adds to the tokens of the prompt of its kind.
CUTS = {
    "llama_like": {
        " Cube": "▁C ube",
        " Sphere": "▁S phere",
        " Cylinder": "▁C yl inder",
        " Yellow": "▁Y ellow",
        " Cyan": "▁C yan",
        " Large": "▁Lar ge",
        " Tiny": "▁T iny",
        " Rubber": "▁R ub ber",
        " cube": "▁cube",
        " sphere": "▁sphere",
        " green": "▁green",
        " Green": "▁Green",
        " red": "▁red",
        **{f" {digit}": f"▁ {digit}" for digit in range(10)},
        " 10": "▁ 1 0",
        " Playing tennis": "▁Playing ▁tennis",
        " Tennis racket": "▁T ennis ▁r acket",
        " Cube</s>": "▁C ube </s>",
    },
    "qwen_like": {
        "Cube": "Cube",
        "cube": "cube",
        " cube": "Ġcube",
        "rubber": "rub ber",
        " rubber": "Ġrubber",
        "Rubber": "R ubber",
        "cylinder": "c ylinder",
        "Cylinder": "C ylinder",
        "Cyan": "C yan",
        "3": "3",
        "10": "1 0",
        "Playing tennis": "Playing Ġtennis",
        "Tennis racket": "T ennis Ġr acket",
        "Cube<|im_end|>": "Cube <|im_end|>",
    },
    "wordpiece_like": {
        " Cube": "cube",
        " cylinder": "cyl ##inder",
        " cyan": "cy ##an",
        " rubber": "rub ##ber",
        " 3": "3",
        " 10": "10",
        " Tennis racket": "tennis rack ##et",
        " cube[SEP]": "cube [SEP]",
    },
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(kind):
    return tokenizer_of(kind)


def test_words_are_cut_as_published(kind, tokenizer):
    before = tokenizer.tokenize(PROMPTS[kind])
    for text, cut in CUTS[kind].items():
        assert tokenizer.tokenize(PROMPTS[kind] + text) == before + cut.split(), text


def test_it_is_small_and_built_the_same_every_time(kind, tokenizer):
    assert len(tokenizer) < 600
    assert tokenizer_of(kind).get_vocab() == tokenizer.get_vocab()


def test_every_answer_word_comes_back(kind, tokenizer):
    words = [w for name in ATTRIBUTES for ws in attribute(name).words.values() for w in ws]
    for form in [form for word in words for form in surface_forms(word)]:
        decoded = tokenizer.decode(tokenizer.encode(form, add_special_tokens=False))
        assert decoded.strip().lower() == form.strip().lower()


def test_a_text_that_no_word_covers_is_written_in_bytes_or_letters():
    for kind in ("llama_like", "qwen_like"):
        tokenizer = tokenizer_of(kind)
        text = "Größe: 立方体\n"
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert tokenizer_of("llama_like").tokenize("é") == ["▁", "<0xC3>", "<0xA9>"]
    assert tokenizer_of("wordpiece_like").tokenize("Hue?") == ["h", "##u", "##e", "?"]


def test_llama_writes_a_space_before_every_text():
    tokenizer = tokenizer_of("llama_like")
    assert tokenizer.tokenize("cube") == ["▁cube"]
    assert tokenizer.tokenize(" cube") == ["▁", "▁cube"]
    assert tokenizer.tokenize(" 3") == ["▁▁", "3"]
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("cube")) == ["<s>", "▁cube"]
