"""What a token is called on a page: its text, as far as it has one."""

from typing import Any

# SentencePiece's sign for a space, which decoding a single token drops.
_SPACE = "▁"
_REPLACEMENT = "�"


def token_text(tokenizer: Any, token_id: int) -> str:
    """The text of a token with its leading space; the vocabulary's own spelling of one that has
    none by itself (a part of a character, a special token), and its number beyond the vocabulary.

    It may hold anything: whoever shows it escapes it.
    """
    name = tokenizer.convert_ids_to_tokens(token_id)
    if name is None:
        return f"[{token_id}]"
    text = tokenizer.decode([token_id])
    if not text or _REPLACEMENT in text:
        return str(name)
    return f" {text}" if str(name).startswith(_SPACE) and not text.startswith(" ") else text
