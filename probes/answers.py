"""Answer words as a tokenizer sees them: which tokens' probability is added for which answer."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from data_prep.attributes import Attribute, surface_forms
from data_prep.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTokens:
    """An attribute's verbalizer for one tokenizer (Schick & Schütze 2021, arXiv:2001.07676)."""

    attribute: str
    answers: tuple[str, ...]
    token_ids: tuple[tuple[int, ...], ...]
    """Per answer, ascending; no token belongs to two answers, none has no token."""
    notes: tuple[str, ...]
    """One line for every word that is not scored as a whole, or not at all."""


class UnscorableError(UserError):
    """An answer that a tokenizer does not know, or cannot tell from another."""

    def __init__(self, answer: str, message: str) -> None:
        super().__init__(message)
        self.answer = answer


def scorable_part(tokenizer: Any, attribute: Attribute) -> tuple[Attribute, dict[str, str]]:
    """The attribute with the answers that can be scored together, and by answer why not the others.

    For answer sets that the data decides on, in which words may be rare or begin alike. Of those
    that cannot be told apart the later is left out, until the rest can be: so as many are kept as
    this order allows. Fewer than 2 may be left, even none.
    """
    once = _EncodedOnce(tokenizer)
    kept, left_out = list(attribute.answers), {}
    while kept:
        part = attribute.restricted_to(kept)
        try:
            answer_tokens(once, part)
        except UnscorableError as error:
            kept.remove(error.answer)
            left_out[error.answer] = (
                f"answer '{error.answer}' is left out: with this tokenizer its words "
                f"({', '.join(attribute.words[error.answer])}) are unknown or begin like another's"
            )
        else:
            return part, left_out
    return replace(attribute, answers=(), words={}), left_out


def answer_tokens(tokenizer: Any, attribute: Attribute) -> AnswerTokens:
    """The tokens that stand for each answer.

    Every case and space variant of a word that is one token counts. A word that the tokenizer
    splits in every variant is scored by the first token of each, as far as no other answer
    begins with it; both are said in `notes`. UserError if an answer is left without a token.
    """
    whole: dict[str, set[int]] = {answer: set() for answer in attribute.answers}
    split: dict[tuple[str, str], tuple[set[int], str]] = {}
    notes: list[str] = []
    for answer in attribute.answers:
        for word in attribute.words[answer]:
            encoded = [_encoded(tokenizer, form) for form in surface_forms(word)]
            single = {ids[0] for ids in encoded if len(ids) == 1}
            first = {ids[0] for ids in encoded if ids}
            if single:
                whole[answer] |= single
            elif first:
                example = next(ids for ids in encoded if ids)
                split[answer, word] = (first, "+".join(_shown(tokenizer, i) for i in example))
            else:
                notes.append(f"answer word '{word}' is unknown to this tokenizer: not scored")
    _refuse_shared(tokenizer, attribute, whole)
    tokens = _with_first_tokens(tokenizer, attribute, whole, split, notes)
    return AnswerTokens(
        attribute=attribute.name,
        answers=attribute.answers,
        token_ids=tuple(tuple(sorted(tokens[answer])) for answer in attribute.answers),
        notes=tuple(notes),
    )


class _EncodedOnce:
    """A tokenizer that remembers: leaving answers out one by one asks for the same words."""

    def __init__(self, tokenizer: Any) -> None:
        self.unk_token_id = tokenizer.unk_token_id
        self.decode = tokenizer.decode
        self._encode = cache(tokenizer.encode)

    def encode(self, form: str, *, add_special_tokens: bool) -> list[int]:
        return list(self._encode(form, add_special_tokens=add_special_tokens))


def _encoded(tokenizer: Any, form: str) -> list[int]:
    """Token ids of a spelling from its first visible token on; empty if that is unknown."""
    ids = tokenizer.encode(form, add_special_tokens=False)
    # SentencePiece writes a leading space as a token of its own before the same word.
    while ids and not tokenizer.decode([ids[0]]).strip():
        ids = ids[1:]
    return [] if tokenizer.unk_token_id in ids[:1] else ids


def _refuse_shared(tokenizer: Any, attribute: Attribute, whole: dict[str, set[int]]) -> None:
    counted = Counter(token for tokens in whole.values() for token in tokens)
    for token, times in counted.items():
        if times > 1:
            owners = [answer for answer, tokens in whole.items() if token in tokens]
            raise UnscorableError(
                owners[-1],
                f"answers of {attribute.name} must have tokens of their own, but "
                f"{_shown(tokenizer, token)} stands for {' and '.join(owners)} in this tokenizer: "
                "give them other words",
            )


def _with_first_tokens(
    tokenizer: Any,
    attribute: Attribute,
    whole: dict[str, set[int]],
    split: dict[tuple[str, str], tuple[set[int], str]],
    notes: list[str],
) -> dict[str, set[int]]:
    """`whole` with the first tokens of split words that point to one answer only."""
    claimed: dict[int, set[str]] = {}
    for answer, tokens in whole.items():
        for token in tokens:
            claimed.setdefault(token, set()).add(answer)
    for (answer, _), (first, _) in split.items():
        for token in first:
            claimed.setdefault(token, set()).add(answer)
    tokens = {answer: set(ids) for answer, ids in whole.items()}
    for (answer, word), (first, pieces) in split.items():
        own = {token for token in first if len(claimed[token]) == 1}
        tokens[answer] |= own
        shown = ", ".join(_shown(tokenizer, token) for token in sorted(own))
        how = (
            f"scored by its first token {shown}"
            if own
            else "not scored: another answer begins with its first token"
        )
        notes.append(f"answer word '{word}' is split by this tokenizer ({pieces}): {how}")
    if bare := [answer for answer, ids in tokens.items() if not ids]:
        raise UnscorableError(
            bare[-1],
            f"answer '{bare[0]}' of {attribute.name} cannot be scored with this tokenizer: its "
            f"words ({', '.join(attribute.words[bare[0]])}) are unknown to it or begin like "
            "another answer's: give it other words or leave the answer out",
        )
    return tokens


def _shown(tokenizer: Any, token: int) -> str:
    return repr(tokenizer.decode([token]))
