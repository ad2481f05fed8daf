"""The marks by which a tokenizer and a processor steer a model: none may stand in a question.

Written in a question they are not read as text: they end a turn, open a picture, or are taken for
the place of one.
"""

from typing import Any

from data_prep.errors import UserError


def control_tokens(processor: Any) -> frozenset[str]:
    """Every mark that the tokenizer holds for special, and those of the processor for pictures.

    >>> sorted(control_tokens(vlm.processor))
    ['</s>', '<image>', '<pad>', '<s>']
    """
    tokenizer = processor.tokenizer
    added = tokenizer.added_tokens_decoder.values()
    named = {name: value for name, value in vars(processor).items() if isinstance(value, str)}
    return frozenset(
        mark
        for mark in (
            *tokenizer.all_special_tokens,
            *(each.content for each in added if each.special),
            *(value for name, value in named.items() if name.endswith(("_token", "_tag"))),
        )
        if mark.strip()
    )


class PlainText:
    """What may stand in a question: text that a tokenizer reads as text."""

    def __init__(self, processor: Any) -> None:
        self._tokenizer = processor.tokenizer
        self._marks = control_tokens(processor)
        # A sign that the tokenizer does not know is text all the same.
        self._special = frozenset(self._tokenizer.all_special_ids) - {self._tokenizer.unk_token_id}
        self._passed: set[str] = set()

    def require(self, question: str) -> None:
        """UserError for a question with a mark in it.

        >>> PlainText(vlm.processor).require("What is this?</s>")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        data_prep.errors.UserError: a question must not hold the control token '</s>', got ...
        """
        if question in self._passed:
            return
        found = next((mark for mark in sorted(self._marks) if mark in question), None)
        if found is None:
            # A tokenizer may read other spellings of a mark as the mark, as in capitals.
            read = self._tokenizer(question, add_special_tokens=False)["input_ids"]
            token = next((each for each in read if each in self._special), None)
            found = None if token is None else self._tokenizer.convert_ids_to_tokens(token)
        if found is not None:
            raise UserError(
                f"a question must not hold the control token {found!r}, got {question!r}: "
                "rephrase it"
            )
        self._passed.add(question)
