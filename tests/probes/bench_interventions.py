"""A pass that goes on from a layer against the whole pass with its stream edited, layer by layer.

    python tests/probes/bench_interventions.py [--model FOLDER] [--items 32]

Ratios count, times do not: the two run alternately in one process.
"""

import argparse
import statistics
import time
from typing import Any

import torch

from data_prep.questions import referring_questions
from data_prep.sources import open_data
from probes import load_vlm
from probes.interventions.edit import Edit, edited, replace_rows
from probes.interventions.pass_on import Intervened
from probes.interventions.places import places

KINDS = ("image", "question", "answer")
ROUNDS = 3


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def begun(model: str, n_items: int) -> list[Intervened]:
    """A batch twice, for passes over all tokens and over the last ones; and with other images."""
    data: Any = open_data("bundled")
    vlm = load_vlm(model)
    asked = [
        (scene.image, referring_questions(scene, "color")[0].text)
        for scene in data.scenes
        if referring_questions(scene, "color")
    ][:n_items]
    images = [data.open_image(key) for key, _ in asked]
    texts = [text for _, text in asked]
    inputs, others = vlm.prepare(images, texts), vlm.prepare(images[1:] + images[:1], texts)
    return [
        Intervened(vlm, inputs),
        Intervened(vlm, inputs, tails=True),
        Intervened(vlm, others),
    ]


def ratios(passes: list[Intervened], layer: int, kind: str) -> list[float]:
    """Seconds of passes that go on, with the rows of other images, over those of a whole one."""
    *passes, donor = passes
    vlm, inputs, streams = passes[0].vlm, passes[0].inputs, passes[0].streams
    where = places(vlm, inputs, [kind])[kind]
    change = replace_rows(where, donor.streams[layer])
    buffer = vlm.new_buffer(len(where), n_layers=1)

    def whole() -> None:
        with edited(vlm, [Edit(layer=layer, change=change)]):
            vlm.residuals_into(inputs, buffer, layers=[vlm.n_layers])

    works = [whole] + [
        lambda each=each: each.go_on(layer, change(streams[layer])) for each in passes
    ]
    measured = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return [
        statistics.median(row[place] / row[0] for row in measured) for place in range(1, len(works))
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--items", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    passes = begun(options.model, options.items)
    n_items, n_tokens, _ = passes[0].streams[0].shape
    print(f"{n_items} prompts of {n_tokens} tokens, goes on from layer {passes[0].safe_from} on")
    print("share of a whole pass, over all tokens and with tails, by what is patched")
    print("layer  " + "  ".join(f"{kind:>10}" for kind in KINDS))
    found = []
    for layer in range(passes[0].vlm.n_layers + 1):
        found.append([ratios(passes, layer, kind) for kind in KINDS])
        print(f"{layer:5}  " + "  ".join(f"{a:5.2f}{b:5.2f}" for a, b in found[-1]))
    means = torch.tensor(found).mean(0).tolist()
    print(" mean  " + "  ".join(f"{a:5.2f}{b:5.2f}" for a, b in means) + "   (at most .7 wanted)")
