"""What small models of all families have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerFast

SIDE, PATCH = 32, 8
"""Of an image, or of a tile or sub-image; pixels."""
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}
TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": PATCH,
    "image_size": SIDE,
    "initializer_range": 0.2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How a small model of a family is made."""

    build: Callable[[PreTrainedTokenizerFast], tuple[Any, Any]]
    special_tokens: dict[str, str] = field(default_factory=lambda: {"image_token": "<image>"})
    """Beside pad, begin and end; by the names under which processors ask for them."""
    more_tokens: Sequence[str] = ()


def template(image: str, *, begin: bool = False) -> str:
    """A chat template that takes parts of type image and text."""
    return (
        ("{{ bos_token }}" if begin else "") + "{% for message in messages %}USER: "
        "{% for part in message.content %}{% if part.type == 'image' %}" + image + "\n"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %} ASSISTANT:"
    )


def token_id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found
