"""ProjectAway and its placebo: words taken out of the tokens of an image that hardly holds them."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from analysis.mitigation.found import Kind
from analysis.mitigation.methods.arms import Arm, LeftOut, OnPremises, best
from analysis.mitigation.passes.interventions import changed_passes, words_projected_away
from analysis.mitigation.passes.parts import Part
from analysis.mitigation.passes.setup import Asked, Setup
from analysis.streams import Stream
from probes.interventions.project_away import random_direction, text_direction

AWAY, RANDOM = "word projected away", "random direction away"
_AWAY = 1.5
"""Strength of projecting away, as in its authors' demonstration."""
_QUANTILES = (0.25, 0.5, 0.75, 1.0)


def away_arms(setup: Setup) -> list[Arm]:
    """ProjectAway and its placebo: of things in which the image's tokens show little confidence,
    the word is taken out of these tokens; layer and least confidence are tuned.

    LeftOut where the words are not known.
    """
    if setup.main.read.words is None:
        raise LeftOut(f"{AWAY}, for the word that each question names is not known")
    return _Away(setup).arms()


class _Away:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        n_layers = setup.n_layers
        self._layers = sorted({1, n_layers // 4 or 1, n_layers // 2 or 1})

    def arms(self) -> list[Arm]:
        setup, main = self._setup, self._setup.main
        plain_odds = setup.odds(main.said(main.tune))
        confidence = self._confidence(main, main.tune)
        edges = {each: float(np.quantile(confidence, each)) for each in _QUANTILES}
        tried = {}
        for layer in self._layers:
            changed = setup.odds(self._answers(main.tune, layer, random=False))
            for share, edge in edges.items():
                tried[layer, share] = np.where(confidence <= edge, changed, plain_odds)
        named = {self._words(*key): odds for key, odds in tried.items()}
        setting = best(named, main.tune.absent)
        layer, share = next(key for key in tried if self._words(*key) == setting)
        return [
            self._arm(AWAY, "intervention", layer, edges[share], setting, random=False),
            self._arm(RANDOM, "placebo", layer, edges[share], setting, random=True),
        ]

    def _words(self, layer: int, share: float) -> str:
        return f"layer {layer}, least sure {100 * share:.0f}%"

    def _arm(
        self, name: str, kind: Kind, layer: int, edge: float, setting: str, *, random: bool
    ) -> Arm:
        setup = self._setup

        def answers(asked: Asked) -> ndarray:
            before = asked.said(asked.judge)
            after = self._answers(asked.judge, layer, random=random)
            low = self._confidence(asked, asked.judge) <= edge
            return np.where(low[:, None], after, before)

        return Arm(
            name=name,
            kind=kind,
            setting=setting,
            passes=(setup.n_layers - layer) / setup.n_layers,
            odds=setup.odds(answers(setup.main)),
            premises={
                key: OnPremises(scores=answers(asked))
                for key, asked in setup.premises.items()
                if asked.read.words is not None
            },
        )

    def _confidence(self, asked: Asked, part: Part) -> Float[ndarray, " item"]:
        words = asked.read.words
        if words is None:
            raise ValueError("these questions name no word that could be looked for in the image")
        return words[part.rows].max(axis=1)

    def _answers(self, part: Part, layer: int, *, random: bool) -> Float[ndarray, "item answer"]:
        kind = "random" if random else "word"
        name = f"{kind} away at layer {layer}"
        things = sorted(set(part.questions.items["thing"]))
        found: dict[str, Float[torch.Tensor, " d_model"]] = {}

        def change(begun):
            if not found:
                own = text_direction(begun.vlm, things, layer)
                if random:
                    rng = self._setup.opened.run.study.rng(Stream.MITIGATION_DIRECTIONS, layer)
                    own = random_direction(own, rng)
                found.update(zip(things, own, strict=True))
            return words_projected_away(layer, found, strength=_AWAY)(begun)

        last = changed_passes(part, {name: change}, told=f"{_AWAY}")[name]
        return self._setup.answers(part, last)
