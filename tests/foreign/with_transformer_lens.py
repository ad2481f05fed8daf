"""A table of scores by TransformerLens, whose bridge has an adapter for LLaVA."""
# pyright: reportMissingImports=false

import torch
from asked import inputs_of, read_asked
from transformer_lens.model_bridge import TransformerBridge

asked = read_asked()
processor, loaded = asked.load()
model = TransformerBridge.boot_transformers(
    asked.model, hf_model=loaded, tokenizer=processor.tokenizer, dtype=torch.float32
)
names = ["blocks.0.hook_in", *(f"blocks.{layer}.hook_out" for layer in range(model.cfg.n_layers))]
scores = []
with torch.no_grad():
    for one in asked.passes:
        inputs = dict(inputs_of(processor, one))
        _, cache = model.run_with_cache(inputs.pop("input_ids"), names_filter=names, **inputs)
        logits = model.unembed(model.ln_final(torch.stack([cache[name][0, -1] for name in names])))
        scores.append(asked.answer_log_probs(logits))
asked.write(scores)
