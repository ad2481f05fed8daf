"""How answers are written after a prompt, by tokenizers that cut words as published ones do."""

import pytest

from analysis.emergence.answers_report import tree_line
from data_prep.attributes import ATTRIBUTES, Attribute, attribute, surface_forms
from data_prep.errors import UserError
from probes.answers.spellings import answer_tree
from probes.answers.tree import ANSWER_NODE, AnswerTree, Node, places_of
from tests.probes.families.sizes import token_id
from tests.probes.test_vocabularies import PROMPTS
from tests.probes.vocabularies import KINDS, tokenizer_of

SPACES = {"llama_like": " ", "qwen_like": "", "wordpiece_like": " "}
ENDS = {"llama_like": "</s>", "qwen_like": "<|im_end|>", "wordpiece_like": "[SEP]"}
ANSWERS = {
    "shape": ("cube", "sphere", "cylinder"),
    "count": ("1", "2", "10"),
    "activity": ("playing tennis", "tennis racket", "tennis"),
}
# By kind and attribute: the tokens of each spelling, and the nodes at which they are read.
WRITTEN = {
    ("llama_like", "shape"): (
        ["▁cube", "▁C ube", "▁sphere", "▁S phere", "▁c yl inder", "▁C yl inder"],
        ["", "▁C"],
    ),
    ("llama_like", "count"): (["▁ 1 </s>", "▁ 2", "▁ 1 0"], ["", "▁", "▁ 1"]),
    ("llama_like", "activity"): (
        ["▁playing ▁tennis", "▁Playing ▁tennis", "▁tennis ▁r acket", "▁T ennis ▁r acket",
         "▁tennis </s>", "▁T ennis </s>"],
        ["", "▁T", "▁tennis", "▁T ennis"],
    ),
    ("qwen_like", "shape"): (
        ["cube", "Cube", "s phere", "S phere", "c ylinder", "C ylinder"],
        [""],
    ),
    ("qwen_like", "count"): (["1 <|im_end|>", "2", "1 0"], ["", "1"]),
    ("qwen_like", "activity"): (
        ["playing Ġtennis", "Playing Ġtennis", "t ennis Ġr acket", "T ennis Ġr acket",
         "t ennis <|im_end|>", "T ennis <|im_end|>"],
        ["", "T", "t", "T ennis", "t ennis"],
    ),
    ("wordpiece_like", "shape"): (["cube", "sphere", "cyl ##inder"], [""]),
    ("wordpiece_like", "count"): (["1", "2", "10"], [""]),
    ("wordpiece_like", "activity"): (
        ["playing tennis", "tennis rack ##et", "tennis [SEP]"],
        ["", "tennis"],
    ),
}  # fmt: skip


def asked(*answers: str, **words: tuple[str, ...]) -> Attribute:
    words = {answer: (answer,) for answer in answers} | words
    return Attribute(name="shape", answers=tuple(words), words=words)


def tree_after(kind, attribute, prompt=None, space=None) -> AnswerTree:
    tokenizer = tokenizer_of(kind)
    prompt, own = prompt or PROMPTS[kind], SPACES[kind] if space is None else space
    return answer_tree(tokenizer, prompt, own, attribute, [token_id(tokenizer, ENDS[kind])])


def named(kind, tokens) -> str:
    return " ".join(tokenizer_of(kind).convert_ids_to_tokens(list(tokens)))


@pytest.mark.parametrize(("kind", "name"), WRITTEN)
def test_words_are_written_and_read_as_published_tokenizers_cut_them(kind, name):
    tree = tree_after(kind, asked(*ANSWERS[name]))
    leaves, nodes = WRITTEN[kind, name]
    assert [named(kind, [t for _, t in steps]) for _, steps in tree.leaves] == leaves
    assert [named(kind, path) for path in tree.parting] == nodes
    assert (tree.back, len(tree.prompt_end)) == (0, 1)
    assert places_of([tree])[0] == ANSWER_NODE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_prompt_and_spelling_together_are_the_text(kind, name):
    tokenizer, known = tokenizer_of(kind), attribute(name)
    tree = tree_after(kind, known)
    prompt = tokenizer(PROMPTS[kind], add_special_tokens=False)["input_ids"]
    assert tuple(prompt[-1:]) == tree.prompt_end
    for each in tree.spellings:
        text = str(tokenizer.decode([*prompt, *each.tokens]))
        assert text.endswith(each.text.lower() if kind == "wordpiece_like" else each.text)
    written = {(each.answer, each.text.lower()) for each in tree.spellings}
    assert written == {
        (place, form.lower())
        for place, answer in enumerate(known.answers)
        for word in known.words[answer]
        for form in surface_forms(word)
    }


def test_where_a_spelling_merges_with_the_prompts_last_token_the_tree_begins_before_it():
    prompt = PROMPTS["llama_like"] + " "
    tree = tree_after("llama_like", asked("cube", "sphere"), prompt, "")
    assert tree.back == 1
    assert named("llama_like", tree.prompt_end) == "▁"
    assert [named("llama_like", each.tokens) for each in tree.spellings] == [
        "▁cube", "▁C ube", "▁sphere", "▁S phere",
    ]  # fmt: skip
    assert places_of([tree]) == (ANSWER_NODE, Node(back=1))
    assert (
        tree_line(tree) == "4 spellings of 2 answers are read at 1 token before the prompt's end."
    )


def test_where_another_spelling_does_not_merge_the_prompts_end_is_read_too():
    prompt = PROMPTS["llama_like"] + " "
    tree = tree_after("llama_like", asked("cube", "1", "2"), prompt, "")
    assert [named("llama_like", path) for path in tree.parting] == ["", "▁"]
    assert places_of([tree]) == (ANSWER_NODE, Node(back=1))
    assert tree_line(tree) == (
        "4 spellings of 3 answers are read at 2 positions: 1 token before the prompt's end, "
        "the prompt's end."
    )


def test_a_numeral_begins_with_one_bare_space_where_alone_it_begins_with_two():
    assert tokenizer_of("llama_like").tokenize(" 3") == ["▁▁", "3"]
    tree = tree_after("llama_like", asked("cube", "3"))
    assert named("llama_like", tree.beginnings(1)) == "▁"


def test_a_spelling_with_unknown_characters_is_left_out_where_another_is_known():
    tree = tree_after("wordpiece_like", asked("sphere", cube=("立方体", "cube")))
    assert [each.text for each in tree.spellings] == ["sphere", "cube"]
    assert len(tree_after("qwen_like", asked("sphere", cube=("立方体", "cube"))).spellings) == 5


def refused(kind, attribute) -> str:
    with pytest.raises(UserError) as caught:
        tree_after(kind, attribute)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("word", ["</s>", "cube</s>", "<image>"])
def test_a_control_token_in_a_word_is_refused(word):
    told = refused("llama_like", asked("sphere", cube=(word,)))
    token = "<image>" if word == "<image>" else "</s>"
    assert told.startswith(f"a spelling must not hold a control token, got {token!r} in {word!r}")
    assert "'cube'" in told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["", " ", "\n"])
def test_an_empty_word_is_refused(kind, word):
    told = refused(kind, asked("sphere", cube=("cube", word)))
    assert told.startswith("an answer word needs letters, got")
    assert "for 'cube' of shape: write the word" in told


def test_an_answer_that_the_tokenizer_cannot_write_is_refused():
    told = refused("wordpiece_like", asked("sphere", cube=("立方体", "куб")))
    assert told == (
        "answer 'cube' of shape cannot be said with this tokenizer: it lacks characters of "
        "立方体, куб: give it other words"
    )


def test_answers_that_the_tokenizer_does_not_tell_apart_are_refused():
    told = refused("wordpiece_like", asked("sphere", low=("tv",), high=("TV",)))
    assert "'low' and 'high' are both written" in told
    assert len(tree_after("qwen_like", asked(low=("tv",), high=("TV",))).spellings) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_of_more_than_twelve_tokens_is_refused(kind):
    told = refused(kind, asked("sphere", long=("x1" * 7,)))
    assert told.startswith("a spelling may have at most 12 tokens, got 1")
    assert told.endswith("of 'long': give the answer shorter words")
