"""A small random model and processor of each family, of the real classes.

Configurations differ from released ones in size only: grids, tiles, merging, caps, norms, tied
heads and cross attention are there.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from tests.probes.families import cross_attention, one_grid, sub_images, tiles
from tests.probes.small_tokenizer import small_tokenizer

FAMILIES = one_grid.FAMILIES | tiles.FAMILIES | sub_images.FAMILIES | cross_attention.FAMILIES


def build(name: str, seed: int = 0) -> tuple[PreTrainedModel, Any]:
    """Model and processor; weights large enough that faults show, the final norm no identity."""
    family = FAMILIES[name]
    tokenizer = small_tokenizer(family.special_tokens, family.more_tokens)
    torch.manual_seed(seed)
    model, processor = family.build(tokenizer)
    decoder: Any = model.get_decoder()
    torch.nn.init.uniform_(decoder.norm.weight, 0.3, 2)
    return model.eval(), processor


def save(name: str, folder: Path, seed: int = 0) -> Path:
    """The folder of a family's small model, as `save_pretrained` writes one."""
    model, processor = build(name, seed)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
