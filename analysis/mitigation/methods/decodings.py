"""The decoding methods that are compared, with the settings among which each is tuned.

Formulas are those of `probes.decoding`. Where papers give layers of a model with 32, the same share
of the depth is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float
from torch import Tensor

from analysis.mitigation.found import Kind
from analysis.mitigation.passes.logits import Method, NodeLogits
from probes.decoding import contrast, cut_implausible, deco, dola, m3id, sled

CUTOFF = 0.1
"""Of the plausibility cut, as in Li et al. (2023) and in VCD."""
STRENGTHS = (0.25, 0.5, 1.0, 2.0)
"""Of contrasts; VCD and ICD take 1."""
GREEDY, LATE, TEXT = "greedy", "late", "text"
_OF = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """A method with its settings, in the order in which the first of equally good ones is taken."""

    name: str
    kind: Kind
    settings: Mapping[str, Method]
    """By what is said of the setting."""
    reference: str | None = None
    """The passes that it needs beside the plain one."""


def decodings(n_layers: int, references: Mapping[str, str]) -> list[Decoding]:
    """All decoding methods for a model with so many blocks, of which those are left out whose
    reference is not at hand. `references` hold the names of methods by the reference they need."""
    found = [
        Decoding(
            name=name,
            kind="placebo" if reference == "other" else "decoding",
            settings={
                f"strength {strength:g}": partial(_contrasted, reference, strength)
                for strength in STRENGTHS
            },
            reference=reference,
        )
        for reference, name in references.items()
        if reference != TEXT
    ]
    if TEXT in references:
        settings = {
            _forgetting(each, gate): partial(_without_image, each, gate)
            for each, gate in ((0.02, 0.3), (0.02, 1.0), (0.2, 1.0), (0.4, 1.0), (0.7, 1.0))
        }
        found.append(
            Decoding(name=references[TEXT], kind="decoding", settings=settings, reference=TEXT)
        )
    return [*found, *_of_layers(n_layers), _cut_alone()]


def plain(logits: NodeLogits) -> Float[Tensor, "item vocab"]:
    """Greedy answers: the model's own logits."""
    return logits.final


def _contrasted(reference: str, strength: float, given: NodeLogits) -> Float[Tensor, "item vocab"]:
    against = contrast(given.final, given.references[reference], strength=strength)
    if reference == LATE:  # SIRA has no cut
        return against
    return cut_implausible(against, given.final, cutoff=CUTOFF, among=given.among)


def _without_image(
    forgetting: float, confident: float, given: NodeLogits
) -> Float[Tensor, "item vocab"]:
    """M3ID at the first token of what is said. By the published gate, a model that is surer than .3
    is not corrected: of two answers one always is so. Hence it is tried without the gate, too."""
    against = given.references[TEXT]
    return m3id(given.final, against, forgetting=forgetting, step=1, confident=confident)


def _forgetting(forgetting: float, confident: float) -> str:
    gate = f", gate {confident:g}" if confident < 1 else ""
    return f"forgetting {forgetting:g}{gate}"


def _of_layers(n_layers: int) -> list[Decoding]:
    lower = list(range(0, max(1, n_layers // 2), 2))
    upper = list(range(n_layers // 2, n_layers, 2))
    range_of_deco = _share(n_layers, 20, 28)
    exits = list(range((n_layers + 1) // 2, n_layers))
    return [
        Decoding(
            name="DoLa",
            kind="decoding",
            settings={
                "lower layers": partial(_dola, lower), "upper layers": partial(_dola, upper),
            },
        ),
        Decoding(
            name="DeCo",
            kind="decoding",
            settings={
                f"strength {each:g}": partial(_deco, range_of_deco, each) for each in (0.3, 0.6)
            },
        ),
        Decoding(
            name="SLED",
            kind="decoding",
            settings={f"rate {each:g}": partial(_sled, each) for each in (0.5, 1.0, 2.0)},
        ),
        Decoding(
            name="early exit",
            kind="decoding",
            settings={f"layer {each}": partial(_exit, each) for each in reversed(exits)},
        ),
    ]  # fmt: skip


def _share(n_layers: int, first: int, last: int) -> list[int]:
    """Layers first..last of 32 in a model with `n_layers`; at least one, and before the last."""
    ends = [min(round(each * n_layers / _OF), n_layers - 1) for each in (first, last)]
    return list(range(ends[0], ends[1] + 1))


def _cut_alone() -> Decoding:
    def method(given: NodeLogits) -> Float[Tensor, "item vocab"]:
        return cut_implausible(given.final, given.final, cutoff=CUTOFF, among=given.among)

    settings: dict[str, Method] = {f"cutoff {CUTOFF:g}": method}
    return Decoding(name="plausibility cut alone", kind="placebo", settings=settings)


def _dola(layers: list[int], given: NodeLogits) -> Float[Tensor, "item vocab"]:
    # The cut is made among the answers, as for every other method.
    found = dola(given.layers[:, layers], given.final, cutoff=0.0).logits
    return cut_implausible(found, given.final, cutoff=CUTOFF, among=given.among)


def _deco(layers: list[int], strength: float, given: NodeLogits) -> Float[Tensor, "item vocab"]:
    return deco(given.layers[:, layers], given.final, strength=strength, top_p=0.9).logits


def _sled(rate: float, given: NodeLogits) -> Float[Tensor, "item vocab"]:
    scale = min(10, given.final.shape[-1])
    return sled(given.layers, given.final, rate=rate, scale=scale)


def _exit(layer: int, given: NodeLogits) -> Float[Tensor, "item vocab"]:
    return given.layers[:, layer]
