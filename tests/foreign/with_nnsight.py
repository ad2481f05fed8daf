"""A table of scores by nnsight, which works on any model of transformers."""
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

import torch
from asked import inputs_of, read_asked
from nnsight import NNsight

asked = read_asked()
processor, loaded = asked.load()
model, scores = NNsight(loaded), []
decoder = model.model.language_model
for one in asked.passes:
    with torch.no_grad(), model.trace(**inputs_of(processor, one)):
        streams = [decoder.layers[0].input[0, -1]]
        for block in decoder.layers:
            out = block.output
            streams.append((out[0] if isinstance(out, tuple) else out)[0, -1])
        found = torch.stack(streams).save()
    with torch.no_grad():
        logits = loaded.lm_head(loaded.model.language_model.norm(found))
    scores.append(asked.answer_log_probs(logits))
asked.write(scores)
