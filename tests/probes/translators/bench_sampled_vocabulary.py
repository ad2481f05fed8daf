"""A tuned lens trained on samples of a large vocabulary, beside one trained on all of it.

    python tests/probes/translators/bench_sampled_vocabulary.py [--vocab 32000] [--width 192]
        [--layers 3] [--tokens 1024 4096] [--rows 1300] [--ridge 1e-4 1e-2 1]

On a planted model; without any number after --ridge all has to be learnt by steps. For each way:
CPU seconds of the training, and the held-out divergence of each layer in nats, over the whole
vocabulary. Wanted, and set before the first run: sampled no more than .01 nats above whole at any
layer, and the control (both distributions over as many tokens, drawn evenly, alone) further above
it than that at some layer.
"""

import argparse
import time
from dataclasses import replace

import torch

from probes.translators import Recipe, ResidualRows, train_tuned_lens
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap
from probes.translators.output_map import kl_with_gradient as whole_kl
from probes.translators.sampled_vocabulary import SampledVocabulary
from probes.unembedding import Unembedding
from tests.probes.translators.planted import planted

TOLERANCE_NATS = 0.01


class EvenlyDrawn:
    """While it lasts, steps compare both distributions over tokens that are drawn evenly alone."""

    def __enter__(self) -> None:
        self._kl = SampledVocabulary.kl_with_gradient

        def kl_with_gradient(vocabulary, translated, final, side, drawn):
            ids = torch.randperm(vocabulary.output.projection.n_vocab)[: len(drawn[0][0])]
            return whole_kl(
                translated, final, OutputMap.of(vocabulary.output.unembedding.of_rows(ids))
            )

        torch.manual_seed(0)
        setattr(SampledVocabulary, "kl_with_gradient", kl_with_gradient)  # noqa: B010, typed as ours

    def __exit__(self, *_: object) -> None:
        SampledVocabulary.kl_with_gradient = self._kl


def trained(
    sides: dict[str, ResidualRows], unembedding: Unembedding, recipe: Recipe
) -> tuple[torch.Tensor, float, tuple[str, ...]]:
    """Held-out divergence by layer, CPU seconds, and what was kept."""
    start = time.process_time()
    found = train_tuned_lens(sides["train"], sides["validation"], unembedding, recipe=recipe)
    seconds = time.process_time() - start
    kl = kl_by_layer(sides["test"], found.translators, OutputMap.of(unembedding))
    return kl, seconds, found.kept


def show(name: str, kl: torch.Tensor, seconds: float | None = None, note: str = "") -> None:
    by_layer = " ".join(f"{value:.4f}" for value in kl.tolist())
    price = "" if seconds is None else f"  {seconds:7.1f} CPU s"
    print(f"{name:32s} {by_layer}{price}  {note}", flush=True)


def main(options: argparse.Namespace) -> bool:
    rows, unembedding = planted(options.rows + 300, options.vocab, options.width, options.layers)
    ends = {"train": (0, 0.85), "validation": (0.85, 1)}
    sides = {
        side: rows.select(range(int(low * options.rows), int(high * options.rows)))
        for side, (low, high) in ends.items()
    }
    sides["test"] = rows.select(range(options.rows, options.rows + 300))
    nothing = Translators.zero(rows.n_layers, rows.d_model)
    show("logit lens", kl_by_layer(sides["test"], nothing, OutputMap.of(unembedding)))
    recipe = Recipe(sampled_tokens=0, ridge=tuple(options.ridge))
    start, seconds, _ = trained(sides, unembedding, replace(recipe, steps=0))
    show("start", start, seconds)
    whole, whole_seconds, kept = trained(sides, unembedding, recipe)
    show("whole vocabulary", whole, whole_seconds, ", ".join(kept))
    well = True
    for n_tokens in options.tokens:
        own = replace(recipe, sampled_tokens=n_tokens)
        kl, seconds, kept = trained(sides, unembedding, own)
        lost = float((kl - whole).max())
        times = whole_seconds / seconds
        show(f"{n_tokens} sampled", kl, seconds, f"{times:.1f} x, lost {lost:.4f}, {kept}")
        with EvenlyDrawn():
            kl, seconds, kept = trained(sides, unembedding, own)
        control = float((kl - whole).max())
        show(f"{n_tokens} drawn evenly, alone", kl, seconds, f"lost {control:.4f}, {kept}")
        well &= lost <= TOLERANCE_NATS < control
    print("as wanted" if well else "NOT as wanted")
    return well


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--vocab", type=int, default=32_000)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1300)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--ridge", type=float, nargs="*", default=[1e-4, 1e-2, 1.0])
    raise SystemExit(0 if main(parser.parse_args()) else 1)
