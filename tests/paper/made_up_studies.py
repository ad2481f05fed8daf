"""What studies find in a run of which everything is known."""

import math
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from tests.paper.made_up_findings import ANSWERS, LAST, finding


def probe(name: str, *, onset: float, last: int = LAST) -> dict:
    """Linear probes of one attribute."""
    chance = 1 / ANSWERS[name]

    def row(accuracy: float) -> dict:
        return {"accuracy": accuracy, "accuracy_low": accuracy - 0.02,
                "accuracy_high": accuracy + 0.02, "information": 0.5, "information_low": 0.4,
                "information_high": 0.6}  # fmt: skip

    share = [1 / (1 + math.exp(-2.5 * (layer - onset))) for layer in range(last + 1)]
    layers = [
        row(chance + (0.95 - chance) * s)
        | {"layer": layer, "selectivity": 0.6 * s, "selectivity_low": 0.6 * s - 0.03,
           "selectivity_high": 0.6 * s + 0.03, "selectivity_draw_deviation": 0.02,
           "selectivity_bits": s, "selectivity_bits_low": s - 0.1, "selectivity_bits_high": s + 0.1,
           "p_selectivity": 0.0001 if s > 0.1 else 0.7, "p_information": 0.0001 if s > 0.1 else 1.0,
           "code_bits": 700 - 400 * s, "code_bits_low": 650 - 400 * s,
           "code_bits_high": 750 - 400 * s, "compression": 1 + s, "compression_low": 0.9 + s,
           "compression_high": 1.1 + s}
        for layer, s in enumerate(share)
    ]  # fmt: skip
    by_layer = ("control task", "shuffled images", "blank images", "random weights")
    once = ("majority", "words", "pixels and words", "vision encoder and words",
            "projector and words")  # fmt: skip
    compared = {each: [row(chance + 0.01)] * (last + 1) for each in by_layer}
    compared |= {each: [row(chance + 0.1 * place)] for place, each in enumerate(once)}
    return {"n_scenes": 240, "n_items": 250, "n_texts": 31, "n_types": 120,
            "answers": {f"{name} {place}": 30 for place in range(ANSWERS[name])}, "level": 0.95,
            "uniform_code_bits": 750.0, "n_control_draws": 10, "n_partitions": 3, "n_orders": 5,
            "layers": layers, "compared": compared, "left_out": []}  # fmt: skip


def tuned_lens(last: int = LAST) -> dict:
    """A tuned lens against the logit lens."""
    layers = []
    for layer in range(last + 1):
        logit, tuned = (28 * math.exp(-layer), 3.5 * math.exp(-layer)) if layer < last else (0, 0)
        kl = {lens: {"estimate": v, "low": 0.95 * v, "high": 1.05 * v}
              for lens, v in (("logit_lens", logit), ("tuned_lens", tuned))}  # fmt: skip
        layers.append(
            {"layer": layer, "kl_bits": kl,
             "gain_bits": {"estimate": logit - tuned, "low": 0.9 * (logit - tuned),
                           "high": 1.1 * (logit - tuned)},
             "p": 0.0001 if layer < last else None, "seed_spread_bits": 1e-5,
             "cross_entropy_bits": {"logit_lens": 6.0, "tuned_lens": 4.0},
             "bias_bits": {"logit_lens": logit, "tuned_lens": tuned / 3}}
        )  # fmt: skip
    depth = {"logit_lens": {"estimate": 3.4, "low": 3.3, "high": 3.6},
             "tuned_lens": {"estimate": 2.5, "low": 2.3, "high": 2.7}}  # fmt: skip
    answer = {"layers": layers, "prediction_depth": depth, "omnibus_p": 0.0001, "n_scenes": 41,
              "n_rows": 123, "n_seeds": 3, "level": 0.95, "n_resamples": 10_000}  # fmt: skip
    return {"positions": {"answer": answer}, "kept": ["refined"] * last + ["model"],
            "n_scenes_by_side": {"train": 180, "validation": 40, "test": 41},
            "n_rows_by_side": {"train": 540, "validation": 120, "test": 123},
            "made_from": {"positions": ["answer"], "tokens_per_item": 4, "recipe": {"steps": 40},
                          "seeds": 3}}  # fmt: skip


def order(onsets: Mapping[str, float]) -> dict:
    """The order of the attributes, with each one's distribution over resamples."""
    names = list(onsets)
    differences = []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            gap = onsets[second] - onsets[first]
            differences.append(
                {"first": first, "second": second, "link": second == names[place + 1],
                 "estimate": gap, "low": gap - 0.35,
                 "high": gap + 0.35, "p": 0.0004 if abs(gap) > 0.35 else 0.2,
                 "p_earlier": 0.9 if gap < 0 else 0.01,
                 "p_holm": 0.0012 if abs(gap) > 0.35 else 0.2, "sets_apart": gap > 1}
            )  # fmt: skip
    distribution = {}
    for name, onset in onsets.items():
        layers = [onset - 0.5 + 0.05 * step for step in range(21)]
        share = [math.exp(-(((layer - onset) / 0.15) ** 2)) for layer in layers]
        distribution[name] = {"layers": layers, "share": [s / sum(share) for s in share]}
    found = sorted(names, key=lambda name: onsets[name])
    return {
        "readout": "logit_lens", "given": names, "declared": False,
        "rests_on": "no study file fixed an order when the run was begun",
        "attributes": names, "estimates": dict(onsets),
        "differences": differences, "chain_p": 0.9, "chain_sets_apart": False,
        "order_probability": [{"order": found, "probability": 0.93},
                              {"order": found[::-1], "probability": 0.02}],
        "distribution": distribution, "left_out": {"size": "not asked for"}, "n_scenes": 235,
        "level": 0.95, "n_resamples": 10_000,
    }  # fmt: skip


def confusion(last: int = LAST) -> dict:
    """Competing words of shape, one of which is markup; the other overtakes."""
    layers = range(last + 1)

    def rivals(answer: str | None, near: str | None, rise: float) -> dict:
        rows = [{"layer": layer, "ratio_bits": rise * (layer - 3.5), "low": rise * (layer - 3.9),
                 "high": rise * (layer - 3.1), "p": 0.0001, "added_bits": rise * layer / 2,
                 "added_low": rise * layer / 2 - 0.3, "added_high": rise * layer / 2 + 0.3,
                 "added_p": 0.0003} for layer in layers]  # fmt: skip
        crossing = {"layer": 4 if rise > 0 else None,
                    "set": {"low": 3, "high": 5 if rise > 0 else None}}  # fmt: skip
        added = {"omnibus_p": 0.0001, "at_last_layer": "adds" if rise > 0 else "takes"}
        turned = {"n_right": 80, "n_turned": 20, "share": 0.25, "low": 0.16, "high": 0.36}
        others = {"n_right": 60, "n_turned": 9, "share": 0.15, "low": 0.07, "high": 0.27}
        return {"answer": answer, "near": near, "n_scenes": 80, "omnibus_p": 0.0001,
                "added": added, "layers": rows, "overtaking": crossing, "turned": turned,
                "turned_shuffled": others}  # fmt: skip

    pairs = [rivals("cube", "square", 0.8), rivals("sphere", "<b>$\\ci_1$</b>", -0.4)]
    curve = [{"layer": layer, "share": 0.5, "share_low": 0.4, "share_high": 0.6,
              "probability": 1e-3, "probability_low": 5e-4, "probability_high": 2e-3}
             for layer in layers]  # fmt: skip
    words = [{"answer": pair["answer"], "word": word, "right": word == pair["answer"],
              "n_scenes": 80, "layers": curve}
             for pair in pairs for word in (pair["answer"], pair["near"])]  # fmt: skip
    share = [[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.0, 0.1, 0.9]]
    matrix = {"right": ["cube", "sphere", "cylinder"], "chosen": ["cube", "sphere", "cylinder"],
              "n_scenes": [80, 80, 80],
              "layers": [{"layer": layer, "share": share, "low": share, "high": share}
                         for layer in layers]}  # fmt: skip
    said = [{"layer": layer, "difference_bits": 0.1, "low": -0.1, "high": 0.3, "p": 0.4,
             "equivalence_low": 0.0, "equivalence_high": 0.2, "equivalent": True}
            for layer in layers]  # fmt: skip
    return {
        "answers": ["cube", "sphere", "cylinder"],
        "near": {pair["answer"]: [pair["near"]] for pair in pairs}, "n_items": 240,
        "n_scenes": 240, "level": 0.95, "n_resamples": 10_000, "notes": ["'tube' is split"],
        "together": rivals(None, None, 0.2),
        "pairs": [pair | {"added": pair["added"] | {"p_holm": 0.0002}} for pair in pairs],
        "words": words, "matrix": matrix,
        "made_from": {"words": {}, "say_3d": True, "margin_bits": 0.5},
        "say_3d": {"n_scenes": 160, "margin_bits": 0.5, "omnibus_p": 0.3,
                   "equivalent_at_all_layers": True, "layers": said},
    }  # fmt: skip


def concept(last: int = LAST) -> dict:
    """A kind of image that is recognised, and a column that is decoded."""
    layers = []
    for layer in range(last + 1):
        effect = 4 / (1 + math.exp(-2.5 * (layer - 3.4)))
        layers.append(
            {"layer": layer, "own": -12 + effect, "contrast": -12.0, "blank": -12.5,
             "effect": effect, "low": effect - 0.4, "high": effect + 0.4, "p_contrast": 0.0001,
             "p_blank": 0.0001, "auc": 0.5 + effect / 10, "auc_low": 0.45 + effect / 10,
             "auc_high": 0.55 + effect / 10}
        )  # fmt: skip
    scores = {"score": 0.6, "low": 0.5, "high": 0.7, "p": 0.0001}
    decoded = {"measure": "R2", "n_scenes": 60, "level": 0.95, "n_resamples": 10_000,
               "baseline": None, "left_out": 0, "labels": [],
               "made_from": {"kind": "number", "values": "0" * 64},
               "layers": [{"layer": layer, **scores, "permuted": scores | {"score": 0.0}}
                          for layer in range(last + 1)]}  # fmt: skip
    own = finding("color", onset=3.4, last=last)
    kept = ("outcome", "lambda_half", "layer", "monotone", "declines", "fb_half", "fb_delta",
            "lambda_first", "lambda_sustained", "plateau", "plateau_effect", "horizon", "level",
            "detectable_effect")  # fmt: skip
    return {name: own[name] for name in kept} | {
        "n_scenes": 110, "n_own": 60, "n_contrast": 50, "label_entropy_bits": 0.99,
        "n_resamples": 10_000, "omnibus_p": {"contrast": 0.0001, "blank": 0.0001},
        "plateau_p": {"contrast": 0.0001, "blank": 0.0001}, "layers": layers,
        "notes": [], "decoded": {"age_$<b>": decoded},
        "made_from": {"words": ["retina", "<script>", "\u7db2"], "against": ["50%_cat"],
                      "question": "What kind of image is this?"},
    }  # fmt: skip


TOKENS = [" metal", "rubber", "</s>", "50%_of$", "\u4e2d\u56fd", "\\cube{", "<script>", "~^#&",
          "\u05e9\u05dc\u05d5\u05dd"]  # fmt: skip
"""What a vocabulary may hold: TeX's signs, HTML's, and letters that no font here has."""


def examples(folder: Path, last: int = LAST) -> dict:
    """Items with their most probable tokens by layer, and an image in `folder`/examples."""
    (folder / "examples").mkdir(parents=True, exist_ok=True)
    items = []
    for place, answer in enumerate(("metal", "cube")):
        image = f"examples/item-{place}.png"
        Image.linear_gradient("L").rotate(90 * place).resize((64, 64)).convert("RGB").save(
            folder / image
        )
        layers = []
        for layer in range(last + 1):
            shown = [TOKENS[(layer + rank + place) % len(TOKENS)] for rank in range(5)]
            top = [[token, round(0.5 / (rank + 1), 3)] for rank, token in enumerate(shown)]
            layers.append({"layer": layer, "top": top, "answer_probability": layer / (last + 1)})
        items.append({"item_id": f"scene-{place}/material", "answer": answer, "image": image,
                      "question": "What is the material of the 50% large_sphere?",
                      "layers": layers})  # fmt: skip
    made_from = {"attributes": ["material", "shape"], "n_items": 1, "n_tokens": 5}
    return {"items": items, "made_from": made_from}


def trajectory(names: list[str], last: int = LAST) -> dict:
    """The lens from layer to layer, with a map over the positions of one item."""
    layers = range(last + 1)

    def row(value: float) -> dict:
        return {"estimate": value, "low": 0.9 * value, "high": 1.1 * value}

    def curve(first: int = 0, **more: float) -> list[dict]:
        return [row((layer + 1) / (last + 2)) | {"layer": layer} | more
                for layer in layers if layer >= first]  # fmt: skip

    curves = {}
    for measure in ("top1_probability", "entropy_bits", "kl_bits", "jsd_adjacent_bits",
                    "jsd_final_bits", "p_answer", "log2_rank_answer", "answer_first"):  # fmt: skip
        first = int(measure == "jsd_adjacent_bits")
        controls = ("shuffled", "blank") if "answer" in measure else ("blank",)
        curves[measure] = {
            "conditions": {name: curve(first) for name in ("real", *controls)},
            "differences": {name: curve(first, p=0.0002) for name in controls},
        }
    changes = {name: row(value) | {"p": 0.01}
               for name, value in (("once", 0.01), ("twice", -0.2), ("remedy", 0.21))}  # fmt: skip
    changes["twice"] |= {"low": -0.22, "high": -0.18}
    shades = [[(layer + item) % 5 / 4 for layer in layers] for item in range(9)]
    settled = {"median": {"estimate": 3, "low": 3, "high": None}, "never": row(0.2)}
    heat = {"top1_probability": shades, "jsd_adjacent_bits": [each[1:] for each in shades]}
    found = {
        "curves": curves, "prediction_depth": {"real": row(2.5), "blank": row(4.0)},
        "answer_stays_first": dict.fromkeys(("real", "shuffled", "blank"), settled),
        "last_layers": {name: row(0.6) for name in ("before_last", "last", "last_normed_twice")}
        | changes,
        "scripts": [{"script": name, "layers": curve()} for name in ("Latin", "Hangul", "others")],
        "tokens": [{"id": place, "text": token, "mean": row(0.1),
                    "layers": [0.1 * (layer % 3) for layer in layers]}
                   for place, token in enumerate(TOKENS)],
        "heat": {"item_ids": [f"scene-{place}" for place in range(9)], **heat},
        "n_layers": last, "n_vocab": 561, "n_items": 240, "n_items_of_run": 1242, "n_scenes": 240,
        "level": 0.95, "n_resamples": 10_000, "notes": [], "made_from": {"items": 240, "top": 3},
    }  # fmt: skip
    one = {"item_id": "scene_1/50%", "question": "What is <b>$x_1$</b>?", "answer": "metal",
           "tokens": TOKENS + ["?"], "of_image": [False] * 2 + [True] * 5 + [False] * 2,
           "said_next": TOKENS + ["?"], **heat}  # fmt: skip
    return {"attributes": dict.fromkeys(names, found), "maps": {"scene_1/50%": one}}
