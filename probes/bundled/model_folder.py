"""Model folders that trainings of the bundled model write and start from."""

from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from data_prep.errors import UserError, lacks_memory
from probes.bundled.architecture import new_model, new_processor, with_special_tokens


def load_trained(folder: Path) -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    """Model in single precision, and tokenizer, of a folder that a training wrote. UserError if it
    is not one.

    Both are made anew and take the folder's content, for what transformers notes when it loads
    would be written into the next folder.
    """
    try:
        loaded: Any = LlavaForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True,
            output_loading_info=True,
        )  # fmt: skip
        found, told = loaded
        if odd := sorted({*told["missing_keys"], *told["unexpected_keys"]}):
            raise ValueError(f"missing or unexpected weights: {odd[0]}")
        tokenizer = with_special_tokens(Tokenizer.from_str((folder / "tokenizer.json").read_text()))
        with torch.random.fork_rng(devices=[]):  # no draw of it stays
            model = new_model(tokenizer, seed=0)
        model.load_state_dict(found.state_dict())
    # Bytes from elsewhere: the readers raise what they like, that of tokenizers plain Exception.
    except Exception as error:
        if lacks_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{str(folder)!r} is no model folder of python -m probes.bundled.train ({reason}): "
            "give the folder `model` that one wrote"
        ) from error
    return model, tokenizer


def save_trained(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> None:
    """Writes the model in half precision, and its processor, as `folder`, in place of what is
    there. A folder of this name is whole."""
    part = folder.with_name(f"{folder.name}.part")
    rmtree(part, ignore_errors=True)
    model.half().save_pretrained(part)
    new_processor(tokenizer).save_pretrained(part)
    rmtree(folder, ignore_errors=True)
    part.rename(folder)
