"""The tokens of words beyond the answers, kept in the run when the tokenizer is at hand.

So what was asked where the model is can be asked again where it is not.
"""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.runs.command import OpenRun
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from probes.durable import write_durably

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.answers import AnswerTokens

_BY_FIRST = "scored by its first token"
_UPPER_BOUND = "what is scored by a first token is at most so probable: others may begin with it"


def word_tokens(opened: OpenRun, groups: Attribute, *, needed: bool) -> "AnswerTokens":
    """The tokens of each group of words, from the run or from the model's tokenizer.

    `needed`: UserError for a group that the tokenizer does not know or cannot tell from another;
    else it is left out, and a note says so. UserError, too, if neither the tokens nor the model are
    here.
    """
    from probes.answers import AnswerTokens

    file = _file(opened, groups, needed=needed)
    if not file.exists():
        return _kept(opened, groups, file, needed=needed)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return AnswerTokens(
            attribute=groups.name,
            answers=tuple(kept["token_ids"]),
            token_ids=tuple(map(tuple, kept["token_ids"].values())),
            notes=tuple(kept["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error


def _kept(opened: OpenRun, groups: Attribute, file: Path, *, needed: bool) -> "AnswerTokens":
    from probes.answers import answer_tokens, scorable_part

    try:
        tokenizer = opened.tokenizer()
    except UserError as error:
        words = ", ".join(word for answer in groups.answers for word in groups.words[answer])
        raise UserError(
            f"{opened.run.folder} has not kept the tokens of {words}, and the model is not here "
            f"({error}): run this once where it is"
        ) from error
    left_out: dict[str, str] = {}
    if not needed:
        groups, left_out = scorable_part(tokenizer, groups)
    tokens = answer_tokens(tokenizer, groups)
    bound = (_UPPER_BOUND,) if any(_BY_FIRST in note for note in tokens.notes) else ()
    tokens = replace(tokens, notes=(*tokens.notes, *bound, *left_out.values()))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {file.parent}: {error.strerror}") from error
    ids = dict(zip(tokens.answers, tokens.token_ids, strict=True))
    content = json.dumps({"notes": tokens.notes, "token_ids": ids}, indent=1, ensure_ascii=False)
    write_durably(file, content.encode())
    return tokens


def _file(opened: OpenRun, groups: Attribute, *, needed: bool) -> Path:
    words = {answer: groups.words[answer] for answer in groups.answers}
    asked = json.dumps([groups.name, words, needed])
    digest = sha256(asked.encode()).hexdigest()[:16]
    return opened.run.output_map / f"words-{digest}.json"
