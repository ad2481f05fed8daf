"""What the scripts beside this file have in common: which passes are asked for, and the table that
they write. Nothing of Onset is imported: they stand for code that knows nothing of it.

    python tests/foreign/with_hooks.py ASKED.json TABLE.csv
"""

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

COLUMNS = ("item", "scene", "attribute", "text", "answer", "condition")


@dataclass(frozen=True)
class Asked:
    """A model, the tokens with which each answer begins, and the passes to run."""

    model: str
    answers: dict[str, list[int]]
    passes: list[dict[str, str]]
    """Each with `COLUMNS`, and the file of the image that is shown."""

    def load(self) -> tuple[Any, Any]:
        """The processor and the model, in float32."""
        model = LlavaForConditionalGeneration.from_pretrained(self.model, dtype=torch.float32)
        return AutoProcessor.from_pretrained(self.model, backend="pil"), model.eval()

    def answer_log_probs(self, logits: torch.Tensor) -> torch.Tensor:
        """[layer, token] logits as [layer, answer] log-probabilities: spellings are added."""
        log_probs = logits.float().log_softmax(dim=-1)
        return torch.stack([log_probs[:, ids].logsumexp(-1) for ids in self.answers.values()], -1)

    def write(self, scores: list[torch.Tensor]) -> None:
        """Writes [layer, answer] log-probabilities of each pass as the table."""
        with Path(sys.argv[2]).open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow([*COLUMNS, "layer", *self.answers])
            for one, layers in zip(self.passes, scores, strict=True):
                for layer, row in enumerate(layers.tolist()):
                    table.writerow([*(one[name] for name in COLUMNS), layer, *map(repr, row)])


def read_asked() -> Asked:
    """What the file named first on the command line asks for."""
    return Asked(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))


def inputs_of(processor: Any, one: dict[str, str]) -> Any:
    """The model's inputs for one pass: its image, and its question in the model's own template."""
    content = [{"type": "image"}, {"type": "text", "text": one["text"]}]
    chat = [{"role": "user", "content": content}]
    prompt = processor.apply_chat_template(chat, add_generation_prompt=True)
    image = Image.open(one["image"]).convert("RGB")
    return processor(images=image, text=prompt, add_special_tokens=False, return_tensors="pt")
