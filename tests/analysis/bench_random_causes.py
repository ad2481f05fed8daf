"""How often an answer of random weights is said to follow the image: the gate of the study causes.

    python -m tests.analysis.bench_random_causes [--families llava ...] [--seeds 0 1 ...]

A run is a small model with random weights, asked of 200 pairs of images. What is counted is a claim
that the preferred answer turns with the image, and does so more than in 19 copies with weights
drawn anew, as analysis.causes makes it, without which it shares out no effect. Beside it stand the
first half of the claim alone, and as the control that must fail a t test of the mean total effect.
With 2, 3 and 8 answers: noise in one color, or a disc of the color on gray noise, in colors that
are drawn anew for every run; and the bundled minimal pairs, asked for material, shape and color.
"""

import argparse
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from rich.box import SIMPLE_HEAD
from rich.table import Table
from scipy.stats import binomtest
from transformers.utils import logging

from analysis.causes.chance import PAIRS, copies_for, turning
from analysis.causes.patching import Asked, begun, plain_odds
from analysis.causes.swaps import Swap
from analysis.printed import printed
from data_prep.attributes import Attribute, attribute
from data_prep.sources import open_data
from probes import VLM, load_vlm
from probes.answers.trees import answer_trees
from probes.linear_probe.baselines import randomly_initialised
from stats import follows
from stats.follows import Follows
from stats.rank_p import rank_p
from tests.analysis.bench_random_models import FAMILIES
from tests.probes.families.small import save

QUESTION = "What color is the thing?"
COLORS = {
    "gray": (87, 87, 87), "red": (173, 35, 35), "blue": (42, 75, 215), "green": (29, 105, 20),
    "brown": (129, 74, 25), "purple": (129, 38, 192), "cyan": (41, 208, 208),
    "yellow": (255, 238, 51),
}  # fmt: skip
N_ANSWERS, KINDS = (2, 3, 8), ("plain", "disc", "scenes")
SCENES = {2: "material", 3: "shape", 8: "color"}
N_PAIRS, BATCH, SIDE, NOISE = 200, 50, 32, 40
WANTED, WANTED_LEVEL = 0.05, 0.95


def picture(color: str, kind: str, rng: np.random.Generator) -> Image.Image:
    """Noise in one color, or a disc of it somewhere on gray noise."""
    plain = COLORS[color] if kind == "plain" else (127, 127, 127)
    pixels = np.clip(rng.normal(plain, NOISE, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    if kind == "disc":
        radius = rng.uniform(4, 10)
        x, y = rng.uniform(radius, SIDE - radius, 2)
        box = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(image).ellipse(box, fill=COLORS[color])
    return image


def drawn_swaps(
    n_answers: int, kind: str, rng: np.random.Generator
) -> tuple[list[Swap], Callable[[str], Image.Image], Attribute]:
    """Pairs of drawn pictures of unlike colors."""
    names = rng.choice(list(COLORS), n_answers, replace=False).tolist()
    swaps, images = [], {}
    for number in range(N_PAIRS):
        away, towards = rng.choice(names, 2, replace=False).tolist()
        keys = f"{number} base", f"{number} source"
        images |= {keys[0]: picture(away, kind, rng), keys[1]: picture(towards, kind, rng)}
        swaps.append(
            Swap(
                pair_id=str(number), question=QUESTION, recipient=keys[0], donor=keys[1],
                towards=towards, away=away,
            )
        )  # fmt: skip
    return swaps, images.__getitem__, attribute("color").restricted_to(names)


@cache
def scene_swaps(n_answers: int) -> tuple[list[Swap], Callable[[str], Image.Image], Attribute]:
    """The first bundled minimal pairs of the attribute with so many answers."""
    name = SCENES[n_answers]
    found = open_data("bundled").minimal_pairs
    assert found is not None
    pairs = found(name)
    swaps = [
        Swap(
            pair_id=each.pair_id, question=each.question, recipient=each.base.image,
            donor=each.source.image, towards=each.source.answer, away=each.base.answer,
        )
        for each in pairs.pairs[:N_PAIRS]
    ]  # fmt: skip
    return swaps, cache(pairs.open_image), attribute(name)


def following(
    vlm: VLM, n_answers: int, kind: str, rng: np.random.Generator
) -> tuple[Follows, bool]:
    """Whether a model's answer is said to follow the image: more often than against it, and,
    besides, more often than in random copies."""
    if kind == "scenes":
        swaps, open_image, answers = scene_swaps(n_answers)
    else:
        swaps, open_image, answers = drawn_swaps(n_answers, kind, rng)
    trees = answer_trees(vlm, answers, sorted({each.question for each in swaps})).by_question
    asked = Asked(vlm=vlm, open_image=open_image, trees=trees)
    odds = [
        [own[0] for own in plain_odds(begun(asked, swaps[start : start + BATCH]))]
        for start in range(0, N_PAIRS, BATCH)
    ]
    base, source = (np.concatenate(each).astype(np.float64) for each in zip(*odds, strict=True))
    found = follows(base, source)
    return found, found.shown and beats_copies(asked, swaps[:PAIRS], rng)


def beats_copies(asked: Asked, swaps: list[Swap], rng: np.random.Generator) -> bool:
    """Whether the answer turns more with the image than in any of the copies."""
    own = turning(asked, swaps, BATCH)
    copies = [
        turning(replace(asked, vlm=randomly_initialised(asked.vlm, int(seed))), swaps, BATCH)
        for seed in rng.integers(2**31, size=copies_for(WANTED_LEVEL))
    ]
    return rank_p(own, np.array(copies), level=WANTED_LEVEL) <= WANTED + 1e-12


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(8)))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    runs, claims, first, before = (Counter[tuple[str, int]]() for _ in range(4))
    lows: list[float] = []
    started = time.process_time()
    for family in options.families:
        for seed in options.seeds:
            with tempfile.TemporaryDirectory() as folder:
                vlm = load_vlm(save(family, Path(folder), seed))
            for place, kind in enumerate(KINDS):
                for n_answers in N_ANSWERS:
                    key = np.random.SeedSequence([seed, FAMILIES.index(family), place, n_answers])
                    found, said = following(vlm, n_answers, kind, np.random.default_rng(key))
                    lows.append(found.low)
                    runs[kind, n_answers] += 1
                    claims[kind, n_answers] += said
                    first[kind, n_answers] += found.shown
                    before[kind, n_answers] += found.total_p <= 1 - found.level
                    if said:
                        print(
                            f"  claim: {family} {seed}, {n_answers} answers, {kind}: turns right "
                            f"in {found.share_right:.2f}, wrong in {found.share_wrong:.2f}"
                        )
            print(f"{family} {seed}: {claims.total()} of {runs.total()} so far", flush=True)
    report(runs, claims, first, before)
    print(
        f"the margin at which {WANTED:.0%} of the runs would be: "
        f"{np.quantile(lows, 1 - WANTED):.2f}; {time.process_time() - started:.0f} CPU s"
    )


def report(
    runs: Counter[tuple[str, int]],
    claims: Counter[tuple[str, int]],
    first: Counter[tuple[str, int]],
    before: Counter[tuple[str, int]],
) -> None:
    table = Table(box=SIMPLE_HEAD)
    for header in (
        "pictures",
        "answers",
        "runs",
        "said to follow",
        "without copies",
        "mean's t test",
    ):
        table.add_column(header, justify="right")
    for (kind, n_answers), n in runs.items():
        table.add_row(kind, str(n_answers), str(n), str(claims[kind, n_answers]),
                      str(first[kind, n_answers]), str(before[kind, n_answers]))  # fmt: skip
    print(printed(table))
    n = runs.total()
    ends = binomtest(claims.total(), n).proportion_ci(0.95)
    print(
        f"random weights said to follow the image: {claims.total()} of {n} runs of {N_PAIRS} pairs "
        f"({claims.total() / n:.3f}, 95% CI {ends.low:.3f} to {ends.high:.3f}; at most {WANTED} "
        f"wanted); without copies: {first.total()}; the mean's t test alone: {before.total()} of "
        f"{n} ({before.total() / n:.3f})"
    )


if __name__ == "__main__":
    main()
