"""A table of scores by a plain loop with hooks of PyTorch."""

import torch
from asked import inputs_of, read_asked

asked = read_asked()
processor, model = asked.load()
decoder, streams, scores = model.model.language_model, [], []
decoder.layers[0].register_forward_pre_hook(lambda block, args: streams.append(args[0][0, -1]))
for block in decoder.layers:
    block.register_forward_hook(
        lambda block, args, out: streams.append((out[0] if isinstance(out, tuple) else out)[0, -1])
    )
with torch.no_grad():
    for one in asked.passes:
        streams.clear()
        model(**inputs_of(processor, one))
        logits = model.lm_head(decoder.norm(torch.stack(streams)))
        scores.append(asked.answer_log_probs(logits))
asked.write(scores)
