"""Which tokens stand for which answer, with tokenizers that split words in different ways."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from data_prep.attributes import ATTRIBUTES, Attribute, attribute, surface_forms
from data_prep.errors import UserError
from probes.answers import answer_tokens, scorable_part


def tokenizer_of(*tokens: str) -> PreTrainedTokenizerFast:
    """Greedy longest match (WordPiece without a continuation mark) over `tokens`; space is Ġ."""
    vocab = {token: index for index, token in enumerate(["<unk>", *tokens])}
    wordpiece = models.WordPiece(vocab, unk_token="<unk>", continuing_subword_prefix="")
    tokenizer = Tokenizer(wordpiece)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def shape(**words: tuple[str, ...]) -> Attribute:
    return Attribute(name="shape", answers=tuple(words), words=words)


def decoded(tokenizer, found):
    return {
        answer: {tokenizer.decode([i]) for i in ids}
        for answer, ids in zip(found.answers, found.token_ids, strict=True)
    }


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_spelling_that_is_one_token_counts(tokenizer, name):
    asked = attribute(name)
    found = answer_tokens(tokenizer, asked)
    assert found.notes == ()
    wanted = {a: {f for w in asked.words[a] for f in surface_forms(w)} for a in asked.answers}
    assert decoded(tokenizer, found) == wanted


def test_a_word_that_is_always_split_is_scored_by_its_first_token():
    tokenizer = tokenizer_of("cube", "Ġcube", "cyl", "Ġcyl", "Cyl", "ĠCyl", "inder", "Cu", "be")
    found = answer_tokens(tokenizer, shape(cube=("cube",), cylinder=("cylinder",)))
    assert decoded(tokenizer, found) == {
        "cube": {"cube", " cube"},
        "cylinder": {"cyl", " cyl", "Cyl", " Cyl"},
    }
    assert len(found.notes) == 1
    assert "answer word 'cylinder' is split by this tokenizer ('cyl'+'inder')" in found.notes[0]
    assert "scored by its first token" in found.notes[0]


def test_a_beginning_that_two_answers_share_is_not_counted():
    tokenizer = tokenizer_of("cub", "e", "C", "ube", "cyl", "inder", "ylinder")
    found = answer_tokens(tokenizer, shape(cube=("cube",), cylinder=("cylinder",)))
    assert decoded(tokenizer, found) == {"cube": {"cub"}, "cylinder": {"cyl"}}


def test_a_synonym_that_begins_like_another_answer_is_left_out_and_said():
    tokenizer = tokenizer_of("cube", "ball", "b", "lock", "bl")
    asked = shape(cube=("cube", "block"), sphere=("ball", "blob"))
    with_bl = tokenizer_of("cube", "ball", "bl", "ock", "ob")
    assert decoded(with_bl, answer_tokens(with_bl, asked)) == {"cube": {"cube"}, "sphere": {"ball"}}
    assert "not scored: another answer begins" in answer_tokens(with_bl, asked).notes[0]
    unknown = answer_tokens(tokenizer, shape(cube=("cube",), sphere=("ball", "orb")))
    assert unknown.notes == ("answer word 'orb' is unknown to this tokenizer: not scored",)


def test_answers_that_only_share_their_beginnings_are_refused():
    tokenizer = tokenizer_of("c", "C", "ube", "ylinder")
    with pytest.raises(UserError, match=r"'cube' of shape cannot be scored.*leave the answer out"):
        answer_tokens(tokenizer, shape(cube=("cube",), cylinder=("cylinder",)))


def test_numerals_whose_digits_are_split():
    tokenizer = tokenizer_of(*"0123456789")
    asked = Attribute(name="count", answers=("1", "10"), words={"1": ("1",), "10": ("10",)})
    with pytest.raises(UserError, match="answer '10' of count cannot be scored"):
        answer_tokens(tokenizer, asked)
    assert answer_tokens(tokenizer, asked.restricted_to(["1"])).token_ids == ((2,),)


def test_a_word_of_two_answers_is_refused():
    tokenizer = tokenizer_of("cube")
    with pytest.raises(UserError, match="'cube' stands for cube and block"):
        answer_tokens(tokenizer, shape(cube=("cube",), block=("cube",)))


def test_words_that_the_tokenizer_does_not_know():
    with pytest.raises(UserError, match="unknown to it or begin like"):
        answer_tokens(tokenizer_of("cube"), shape(cube=("cube",), sphere=("sphere",)))


def test_a_space_that_is_a_token_of_its_own_is_no_beginning():
    """SentencePiece: ' red' is the space and 'red'."""
    tokenizer = tokenizer_of("Ġ", "red", "blue")
    found = answer_tokens(tokenizer, shape(red=("red",), blue=("blue",)))
    assert decoded(tokenizer, found) == {"red": {"red"}, "blue": {"blue"}}


def test_answers_that_begin_alike_are_left_out_until_the_rest_can_be_told_apart():
    tokenizer = tokenizer_of("cat", "b", "ird", "ear", "o", "x", "dog", "gie", "C")
    asked = shape(cat=("cat",), bird=("bird",), bear=("bear",), ox=("ox",), emu=("emu",))
    part, left_out = scorable_part(tokenizer, asked)
    # "bird" can be told by its beginning once "bear" is no answer.
    assert part.answers == ("cat", "bird", "ox")
    assert list(left_out) == ["emu", "bear"]
    assert left_out["bear"].startswith("answer 'bear' is left out: with this tokenizer its words")
    assert answer_tokens(tokenizer, part).answers == part.answers
    assert scorable_part(tokenizer, part) == (part, {})


def test_of_two_answers_with_one_word_the_later_is_left_out():
    tokenizer = tokenizer_of("cube")
    part, left_out = scorable_part(tokenizer, shape(cube=("cube",), block=("cube",)))
    assert (part.answers, list(left_out)) == (("cube",), ["block"])


def test_nothing_may_be_left():
    part, left_out = scorable_part(tokenizer_of("cube"), shape(a=("sphere",), b=("disk",)))
    assert (part.answers, list(left_out)) == ((), ["b", "a"])
