"""Trains the bundled model on in several arms, which differ in how "none" is taught.

    python -m data_prep.render --out runs/remedy-scenes --split train --scenes 2400 --seed 1 \\
        --owners
    python -m probes.bundled.remedies.removed --data runs/remedy-scenes \\
        --out runs/remedy-scenes-removed --scenes 2400
    python -m probes.bundled.remedies --data runs/remedy-scenes --out runs/remedies

A finished arm with its seed is a model folder `<out>/<arm>-<seed>/model`, which loads like any
other. A killed run goes on with the batches it would have had, and ends with the same bytes.
"""

import sys

from transformers.utils import logging as transformers_logging

from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from probes.bundled.remedies.run import Remedies, run

if __name__ == "__main__":
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    with one_line_errors():
        run(from_command_line(Remedies, command="python -m probes.bundled.remedies"))
