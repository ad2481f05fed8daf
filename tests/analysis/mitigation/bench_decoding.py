"""What all decoding methods together cost, beside the forward passes that are made anyway.

    python tests/analysis/mitigation/bench_decoding.py [--scenes 300]

Ratios count, times do not: everything runs in one process, on one thread.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from analysis.absence.options import AbsenceOptions
from analysis.absence.passes import passes_of
from analysis.absence.questions import questions_of
from analysis.capture.output_map import output_map
from analysis.commands.options import open_run, parse_options
from analysis.mitigation.methods.decodings import TEXT, decodings
from analysis.mitigation.passes.logits import scored
from analysis.mitigation.passes.parts import two_parts
from analysis.mitigation.passes.setup import METHOD_NAMES, references_of

WANTED = 2.5
"""All decoding methods together cost at most so many forward passes."""


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=int, default=300)
    n_scenes = parser.parse_args().scenes
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        line = ["--run", str(Path(folder) / "run")]
        opened = open_run(parse_options(AbsenceOptions, command="python -m it", arguments=line))
        opened.load_model()
        questions = questions_of(opened, "exist", most=n_scenes)
        plain = seconds(lambda: passes_of(opened, questions, "real"))
        _, part = two_parts(opened, questions)
        share = len(part) / len(questions.items)
        references = {}
        others = seconds(lambda: references.update(references_of(part, None))) / share
        names = {key: METHOD_NAMES[key] for key in ("blank", "noised", "disturbed", "other", TEXT)}
        methods = decodings(opened.load_model().n_layers, names)
        one_each = {each.name: next(iter(each.settings.values())) for each in methods}
        head = output_map(opened)
        formulas = seconds(lambda: scored(part, head, one_each, references)) / share
        print(f"{len(questions.items)} questions, one setting of {len(one_each)} methods")
        print(f"  passes beside the plain one   {others / plain:5.2f} of it")
        print(f"  formulas of all methods       {formulas / plain:5.2f} of it")
        total = (others + formulas) / plain
        told = "as wanted" if total <= WANTED else "more than wanted"
        print(f"  together                      {total:5.2f} of it (at most {WANTED}: {told})")
