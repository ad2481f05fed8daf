"""What is found of an attribute in a run of which everything is known, and what rests on it."""

import math
from collections.abc import Mapping
from typing import Any

from analysis.effects.found import Finding
from analysis.typed import read_back

ANSWERS = {"color": 8, "shape": 3, "material": 2, "size": 2, "count": 6}
ONSETS = {"color": 3.4, "shape": 2.7, "material": 2.4, "size": 2.1, "count": 6.2}
SHIFTS = {"logit_lens": 0.0, "tuned_lens": -0.4, "linear_probe": -0.9}
LAST = 6
PAIRS = (("linear_probe", "logit_lens"), ("linear_probe", "tuned_lens"),
         ("tuned_lens", "logit_lens"))  # fmt: skip
PLATEAU = 0.7
RUNGS = {"says": 0.0, "holds": -0.5, "there": -0.9}


def finding(
    name: str,
    *,
    onset: float,
    outcome: str = "emerged",
    last: int = LAST,
    monotone: bool = True,
    declines: bool = False,
    holm: float = 0.0015,
) -> dict[str, Any]:
    """What a readout found of an attribute whose effect rises around `onset`."""
    emerged = outcome == "emerged"
    own = emergence(outcome, onset, last, monotone=monotone, declines=declines)
    found = outcome != "not_emerged"
    p = {"shuffled": 0.0001 if found else 0.4, "blank": 0.0002}
    entropy = math.log2(ANSWERS[name])
    return own | {
        "omnibus_p": p,
        "plateau_p": {"shuffled": 0.0003, "blank": 0.0004} if found
        else {"shuffled": 0.3, "blank": 1.0},
        "omnibus_p_holm": holm if found else 1.0,
        "robustness": [
            {"choice": choice, "outcome": outcome,
             "estimate": onset + shift if emerged and monotone else None}
            for choice, shift in (("as declared", 0.0), ("reader with offsets", -0.6),
                                  ("right answers, above guessing", -0.1),
                                  ("stated bits against shuffled images", 0.7))
        ],
        "sure": {
            key: value
            for key, value in emergence("emerged", onset + 0.5, last, monotone=True,
                                        declines=True).items()
            if key in ("outcome", "lambda_half", "layer", "monotone", "declines", "fb_half",
                       "plateau_effect")
        },
        "layers": layers_of(entropy, own["plateau_effect"], onset, last, declines=declines),
        "interval_method": "percentile",
        "n_resamples": 10_000,
        "n_items": 250,
        "n_texts": 31,
        "answers": {f"{name} {place}": 30 for place in range(ANSWERS[name])},
        "answer_entropy_bits": entropy,
        "guessing": {"bits": -entropy, "correct": 0.21, "brier": 0.75},
        "notes": [],
    }  # fmt: skip


def typed_finding(name: str, **what: Any) -> Finding:
    """The same as it is read back."""
    return read_back(Finding, finding(name, **what), "a made-up finding")


def emergence(
    outcome: str, onset: float, last: int, *, monotone: bool, declines: bool
) -> dict[str, Any]:
    """Outcome, layers and sets, as `stats` gives them."""
    emerged = outcome == "emerged"
    whole = math.ceil(onset)
    crossing = {"estimate": onset, "low": max(0.0, onset - 0.2), "high": onset + 0.3,
                "level": 0.95}  # fmt: skip
    return {
        "outcome": outcome,
        "lambda_half": crossing if emerged and monotone else None,
        "layer": {"estimate": whole, "low": whole, "high": whole + 1}
        if emerged and monotone
        else None,
        "monotone": monotone,
        "declines": declines,
        "fb_half": {"low": int(onset), "high": int(onset) + 1 if emerged else None},
        "fb_delta": {"low": int(onset) - 1, "high": int(onset), "delta": 0.05},
        "lambda_first": int(onset) if emerged else None,
        "lambda_sustained": int(onset) if emerged else None,
        "plateau": [last - 1, last],
        "plateau_effect": 0.02 if outcome == "not_emerged" else PLATEAU,
        "horizon": last,
        "level": 0.95,
        "detectable_effect": 0.043,
        "n_scenes": 240,
    }


def layers_of(
    entropy: float, plateau: float, onset: float, last: int, *, declines: bool = False
) -> list[dict[str, Any]]:
    """A row per layer, as results.json holds it."""
    rows = []
    for layer in range(last + 1):
        share = 1 / (1 + math.exp(-2.5 * (layer - onset)))
        effect = plateau * share * (0.5 if declines and layer == last else 1)
        scale = 0.2 + 0.6 * share
        rows.append(
            {
                "layer": layer,
                "effect": effect, "low": effect - 0.05, "high": effect + 0.06,
                "information": {"real": entropy * effect, "blank": -0.003},
                "held": entropy * min(1.0, effect + 0.02),
                "stated": {"real": -entropy * (1 - 0.4 * share), "shuffled": -1.5 * entropy,
                           "blank": -1.1 * entropy},
                "correct": {"real": 0.3 + 0.3 * share, "shuffled": 0.2, "blank": 0.25},
                "brier": {"real": 0.6, "shuffled": 0.7, "blank": 0.7},
                "scale": {"estimate": scale, "low": scale - 0.1, "high": scale + 0.1},
                "lost": {"estimate": 0.04, "low": -0.001, "high": 0.08},
                "certainty": {"estimate": 0.8 * share, "low": 0.8 * share - 0.02,
                              "high": 0.8 * share + 0.02},
                "p_shuffled": 1.0 if effect < 0.05 else 0.0001,
                "p_blank": 1.0 if effect < 0.05 else 0.0002,
            }
        )  # fmt: skip
    return rows


def readouts(onset: Mapping[str, float], last: int = LAST) -> dict[str, Any]:
    """Differences between pairs of readouts, for one attribute."""
    pairs = []
    for first, second in PAIRS:
        gap = onset[second] - onset[first]
        layers = [{"layer": layer, "difference": 0.3 * (layer % 3), "low": -0.1, "high": 0.9,
                   "p": 0.2} for layer in range(last + 1)]  # fmt: skip
        crossing = {"estimate": gap, "low": gap - 0.45, "high": gap + 0.45, "p": 0.03}
        pairs.append({"first": first, "second": second, "omnibus_p": 0.0001, "effect": layers,
                      "accuracy": layers, "crossing": crossing})  # fmt: skip
    return {"readouts": list(onset), "n_scenes": 240, "level": 0.95, "pairs": pairs,
            "n_resamples": 10_000}  # fmt: skip


def ladder(name: str, last: int = LAST) -> dict[str, Any]:
    """What is said, held and there: each earlier than the one before it."""
    heights = {
        rung: [PLATEAU / (1 + math.exp(-2.5 * (layer - ONSETS[name] - shift)))
               for layer in range(last + 1)]
        for rung, shift in RUNGS.items()
    }  # fmt: skip

    def row(layer: int, value: float) -> dict[str, float]:
        return {"layer": layer, "estimate": value, "low": value - 0.02, "high": value + 0.02}

    steps = []
    for lower, upper in (("says", "holds"), ("holds", "there")):
        gains = [b - a for a, b in zip(heights[lower], heights[upper], strict=True)]
        steps.append(
            {"lower": lower, "upper": upper,
             "layers": [row(layer, gain) | {"p": 0.0002 if gain > 0.05 else 0.6}
                        for layer, gain in enumerate(gains)]}
        )  # fmt: skip
    rungs = {rung: [row(layer, value) for layer, value in enumerate(values)]
             for rung, values in heights.items()}  # fmt: skip
    return {"rungs": rungs, "steps": steps, "n_scenes": 240, "level": 0.95, "n_resamples": 10_000}


def worlds(last: int = 12) -> dict[str, Any]:
    """Worlds that know the same and say it with different factors."""
    truth = 5.3
    loudness = {
        "constant": [1.0] * (last + 1),
        "growing": [1 + 11 * layer / last for layer in range(last + 1)],
        "late": [1.0 + 11 * max(0.0, layer - last + 3) / 3 for layer in range(last + 1)],
    }
    stated = {"constant": 5.31, "growing": 6.52, "late": 10.13}

    def crossing(at: float) -> dict[str, float]:
        return {"estimate": at, "low": at - 0.1, "high": at + 0.1}

    def curve(at: float, height: float) -> list[dict[str, float]]:
        values = [height / (1 + math.exp(-(layer - at))) for layer in range(last + 1)]
        return [{"layer": layer, "estimate": value, "low": value - 0.03, "high": value + 0.03}
                for layer, value in enumerate(values)]  # fmt: skip

    return {
        "truth": truth, "n_scenes": 200, "n_answers": 4, "n_layers": last, "level": 0.95,
        "worlds": [
            {"name": name, "loudness": factors, "information": curve(truth, 0.8),
             "stated": curve(stated[name], 0.8 if name == "constant" else 4.0),
             "layer": crossing(5.27), "stated_layer": crossing(stated[name])}
            for name, factors in loudness.items()
        ],
    }  # fmt: skip


def paraphrase() -> dict[str, Any]:
    """One attribute in four wordings, one of which has no layer."""

    def near(at: float) -> dict[str, float]:
        return {"estimate": at, "low": at - 0.1, "high": at + 0.1}

    def wording(pattern: str | None, at: float | None) -> dict[str, Any]:
        return {
            "pattern": pattern, "example": "What color is the ball?",
            "outcome": "not_emerged" if at is None else "emerged",
            "layer": None if at is None else near(at),
            "standard_error": None if at is None else 0.05, "plateau_effect": 0.7,
            "accuracy": 0.75, "n_scenes": 240,
        }  # fmt: skip

    return {
        "readout": "logit_lens", "paraphrases": "built in",
        "wordings": [
            wording(None, 2.4), wording("Which {attribute} has the {thing}?", 2.7),
            wording("{attribute} of the {thing}: & more", 2.9), wording("The {thing}?", None),
        ],
        "over": {"n_wordings": 3, "mean": near(2.66), "tau": 0.24, "tau_low": 0.1, "tau_high": 1.4,
                 "new": {"estimate": 2.66, "low": 0.2, "high": 5.1}, "scene_sd": 0.05,
                 "share": {"estimate": 0.96, "low": 0.8, "high": 0.99}},
        "not_pooled": None, "level": 0.95, "n_resamples": 10_000, "n_scenes": 240,
    }  # fmt: skip
