"""The spellings of answers as continuations of a prompt, by the model's own tokenizer."""

from collections.abc import Iterator, Sequence
from typing import Any

from data_prep.attributes import Attribute, surface_forms
from data_prep.errors import UserError
from probes.answers.tree import AnswerTree, Path, Spelling

# Of the prompt's tokens so many are kept with a tree, to see that it is read after that prompt; no
# more, so that questions after which answers are written alike share a tree.
_KEPT_TOKENS = 1


def answer_tree(
    tokenizer: Any, prompt: str, space: str, attribute: Attribute, ends: Sequence[int]
) -> AnswerTree:
    """The tree of an attribute's answers after `prompt`.

    A spelling's tokens are those of prompt, `space` and spelling together, after those of the
    prompt. Where the prompt's end and some spelling merge into one token, the tree starts where
    both agree. A spelling that the tokenizer does not know cannot be said, and is no part of it.

    UserError for an answer that cannot be said at all, and for an empty word or one that holds a
    control token.

    >>> from data_prep.attributes import attribute
    >>> tree = answer_tree(vlm.tokenizer, "ASSISTANT:", " ", attribute("shape"), vlm.turn_ends)
    >>> [each.text for each in tree.spellings][:4]
    ['cube', 'Cube', 'block', 'Block']
    >>> vlm.tokenizer.convert_ids_to_tokens(tree.spellings[0].tokens)
    ['Ġcube']
    """
    texts = list(_texts(attribute))
    encoded = _encoded(tokenizer, [prompt, *(prompt + space + text for _, text in texts)])
    asked, said = encoded[0], encoded[1:]
    agreed = min(_agreed(asked, tokens) for tokens in said)
    spellings: dict[tuple[int, Path], Spelling] = {}
    for (answer, text), tokens in zip(texts, said, strict=True):
        own = tuple(tokens[agreed:])
        if not own or tokenizer.unk_token_id in own:
            continue
        _refuse_control(tokenizer, attribute.answers[answer], text, own)
        spelling = Spelling(answer=answer, text=text, tokens=own)
        spellings.setdefault((answer, own), spelling)
    _require_all(attribute, {answer for answer, _ in spellings})
    back = len(asked) - agreed
    return AnswerTree(
        answers=attribute.answers,
        spellings=tuple(spellings.values()),
        ends=tuple(ends),
        back=back,
        prompt_end=tuple(asked[-max(back, _KEPT_TOKENS) :]),
    )


def _texts(attribute: Attribute) -> Iterator[tuple[int, str]]:
    for place, answer in enumerate(attribute.answers):
        for word in attribute.words[answer]:
            if not word.strip():
                raise UserError(
                    f"an answer word needs letters, got {word!r} for {answer!r} of "
                    f"{attribute.name}: write the word"
                )
            for form in surface_forms(word):
                yield place, form


def _encoded(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def _agreed(asked: Sequence[int], said: Sequence[int]) -> int:
    """How many first tokens of the prompt a prompt with a spelling has, too."""
    pairs = enumerate(zip(asked, said, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(asked), len(said)))


def _refuse_control(tokenizer: Any, answer: str, text: str, tokens: Path) -> None:
    special = set(tokenizer.all_special_ids).intersection(tokens)
    if special:
        name = tokenizer.convert_ids_to_tokens(min(special))
        raise UserError(
            f"a spelling must not hold a control token, got {name!r} in {text!r} of {answer!r}: "
            "give the answer other words"
        )


def _require_all(attribute: Attribute, said: set[int]) -> None:
    for place, answer in enumerate(attribute.answers):
        if place not in said:
            raise UserError(
                f"answer {answer!r} of {attribute.name} cannot be said with this tokenizer: it "
                f"lacks characters of {', '.join(attribute.words[answer])}: give it other words"
            )
