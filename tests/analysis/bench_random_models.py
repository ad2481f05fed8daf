"""What is found in models that know nothing: random weights of six families, on the bundled scenes.

    python -m tests.analysis.bench_random_models [--families llava ...] [--questions main]

Every attribute is read by the logit lens with both kinds of readers; a claim is any outcome other
than "not emerged". Beside it stands the predecessor's rule: stated bits against shuffled images,
both omnibus tests and a plateau above the margin, on the same readings and on these said 30 times
as loudly, which readers do not hear. Runs are kept in the folder and gone on with.
"""

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table
from scipy.special import log_softmax
from transformers.utils import logging

from analysis.commands.options import open_run, parse_options
from analysis.effects.controls import Shuffled, shuffled_control
from analysis.effects.effect import Stated, entropy_bits, stated_of
from analysis.emergence.__main__ import COMMAND, Emergence
from analysis.emergence.estimates import estimate
from analysis.printed import printed
from analysis.readouts.readings import take_readings
from analysis.readouts.taken import Readings
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from stats import emergence_layer, sign_flip_max_t
from stats.scenes import scene_rows
from tests.probes.families.small import save

FAMILIES = ("llava", "llava_onevision", "qwen2_vl", "qwen2_5_vl", "paligemma2", "idefics3")
WANTED, LOUDER = 0.01, 30


def louder(readings: Readings) -> Readings:
    """The same readings, as if the output map were multiplied."""
    said = (log_softmax(LOUDER * table * np.log(2), axis=-1) / np.log(2)
            for table in (readings.real, readings.blank))  # fmt: skip
    real, blank = (table.astype(np.float32) for table in said)
    return replace(readings, real=real, blank=blank)


def predecessor(readings: Readings, study: Study, *, rng: np.random.Generator) -> str:
    """The outcome by stated bits, real minus shuffled, as they were judged before."""
    stated = stated_of(readings)
    control: Shuffled = shuffled_control(
        readings, stated, windows=(), rng=rng, n_resamples=study.n_resamples
    )
    blank = sign_flip_max_t(_against_blank(readings, stated), rng=rng)
    return emergence_layer(
        control.stated_rows / entropy_bits(readings),
        rng=rng,
        margin=study.margin,
        level=study.level,
        n_resamples=study.n_resamples,
        omnibus_p=max(control.omnibus_p, blank.omnibus_p),
    ).outcome


def _against_blank(readings: Readings, stated: Stated) -> np.ndarray:
    own, blank = (each.of(readings.answer_index) for each in (stated.by_answer, stated.blank))
    return scene_rows(own.bits - blank.bits, readings.items["scene_id"].to_numpy(dtype=str))


def judged(family: str, seed: int, folder: Path, questions: str) -> list[dict[str, object]]:
    """A row per attribute of one random model."""
    model = folder / f"{family}-{seed}-model"
    if not (model / "config.json").exists():
        save(family, model, seed)
    run = folder / f"{family}-{seed}-{questions}"
    line = ["--model", str(model), "--run", str(run), "--attr", "all", "--questions", questions]
    opened = open_run(parse_options(Emergence, command=COMMAND, arguments=line))
    rows = []
    for name in opened.data.chosen(("all",)):
        readings = take_readings(opened, name, "logit_lens")
        found = estimate(readings, opened.run.study, key=stream_key(name)).results
        by_choice = {each.choice: each.outcome for each in found.robustness}
        right = found.layers[-1].correct.real
        rows.append(
            {
                "model": f"{family} {seed}",
                "attribute": name,
                "a": found.outcome,
                "b": by_choice["reader with offsets"],
                "plateau": found.plateau_effect,
                "right": right,
                "guessing": found.guessing.correct,
                **{
                    column: predecessor(
                        each,
                        opened.run.study,
                        rng=opened.run.study.rng(Stream.EMERGENCE, stream_key(name)),
                    )
                    for column, each in (("before", readings), ("louder", louder(readings)))
                },
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--questions", default="referring")
    parser.add_argument("--folder", type=Path, default=Path("runs/random-models"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    table = Table(box=SIMPLE_HEAD)
    for header in (
        "model",
        "attribute",
        "a",
        "b",
        "plateau",
        "right",
        "guessing",
        "before",
        "louder",
    ):
        table.add_column(header)
    claims = {"a": 0, "b": 0, "before": 0, "louder": 0}
    total = 0
    for family in options.families:
        for seed in options.seeds:
            for row in judged(family, seed, options.folder, options.questions):
                total += 1
                for kind in claims:
                    claims[kind] += row[kind] != "not_emerged"
                cells = (f"{each:.2f}" if type(each) is float else str(each).replace("_", " ")
                         for each in row.values())  # fmt: skip
                table.add_row(*cells)
            print(f"{family} {seed}: claims so far {claims} of {total}", flush=True)
    print(printed(table))
    share = (claims["a"] + claims["b"]) / (2 * total)
    print(
        f"false emergence, readers a and b: {claims['a'] + claims['b']} of {2 * total} readings "
        f"({share:.3f}; at most {WANTED} wanted); before: {claims['before']} of {total}, and "
        f"{claims['louder']} of the same said {LOUDER} times as loudly"
    )


if __name__ == "__main__":
    main()
