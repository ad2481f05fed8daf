"""A table of scores by nnterp, whose names are the same for every family of models."""
# pyright: reportMissingImports=false

import torch
from asked import inputs_of, read_asked
from nnterp import StandardizedTransformer

asked = read_asked()
processor, loaded = asked.load()
model, scores = (
    StandardizedTransformer(loaded, tokenizer=processor.tokenizer, allow_multimodal=True),
    [],
)
for one in asked.passes:
    with torch.no_grad(), model.trace(dict(inputs_of(processor, one))):
        streams = [model.layers_input[0][0, -1]]
        for layer in range(model.num_layers):
            streams.append(model.layers_output[layer][0, -1])
        logits = model.project_on_vocab(torch.stack(streams)).save()
    scores.append(asked.answer_log_probs(logits))
asked.write(scores)
