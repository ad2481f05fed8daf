"""Patching by hooks on transformers alone, written apart from `probes`: a reference for it.

    python tests/probes/interventions/plain_hooks.py MODEL BASE SOURCE QUESTION LAYER FIRST SECOND

Prints log2 odds of two words, asked of image BASE with the rows of SOURCE put in at a layer: at
every position, or with numbers after that at these only.
"""

import math
import sys

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor


def load(folder):
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), processor


def log2_odds(model, processor, base, source, question, layer, positions, first, second):
    """log2 p(first) / p(second) of two token ids; `positions` None stands for all."""
    said = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}
    text = processor.apply_chat_template([said], tokenize=False, add_generation_prompt=True)
    more = {"text": text, "return_tensors": "pt", "add_special_tokens": False}
    given = [processor(images=image, **more) for image in (base, source)]
    decoder = model.get_decoder()
    module = [*decoder.layers, decoder.norm][layer]
    kept = {}

    def keep(_, args):
        kept["stream"] = args[0].clone()

    def patch(_, args):
        stream = args[0].clone()
        rows = slice(None) if positions is None else positions
        stream[:, rows] = kept["stream"][:, rows]
        return (stream, *args[1:])

    with torch.no_grad():
        hook = module.register_forward_pre_hook(keep)
        model(**given[1], use_cache=False)
        hook.remove()
        hook = module.register_forward_pre_hook(patch)
        logits = model(**given[0], use_cache=False, logits_to_keep=1).logits[0, -1]
        hook.remove()
    return float(logits[first] - logits[second]) / math.log(2)


if __name__ == "__main__":
    folder, base, source, question, layer, first, second, *places = sys.argv[1:]
    model, processor = load(folder)
    a, b = (
        processor.tokenizer.encode(word, add_special_tokens=False)[0] for word in (first, second)
    )
    one, other = (Image.open(file).convert("RGB") for file in (base, source))
    rows = [int(place) for place in places] or None
    print(log2_odds(model, processor, one, other, question, int(layer), rows, a, b))
