"""The tuned lens as a readout: cross-fitted by scene, or one that was trained elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.readings.lens_rows import lens_rows
from analysis.readings.reader import Reader
from analysis.runs.command import OpenRun
from analysis.runs.output_map import answer_words, output_map
from data_prep.errors import UserError
from probes.logit_lens import answer_log_probs
from probes.translators import Recipe
from probes.translators.cross_fit import CrossFittedLens, cross_fitted_lens
from probes.tuned_lens import TunedLens

READOUT = "tuned_lens"
_STREAM = 6
_NOTE = (
    "tuned lenses are cross-fitted by scene, on the answer positions of {}: each item is read by "
    "one that has not seen it"
)


def tuned_lens_reader(opened: OpenRun, items: pd.DataFrame, lens: Path | None) -> Reader:
    """Trains the run's own lenses and keeps them, or reads the one in the folder `lens`."""
    tokens = answer_words(opened, str(items["attribute"].iloc[0]))
    unembedding = output_map(opened)
    if lens is None:
        fitted = _cross_fitted(opened)
        note = _NOTE.format(", ".join(opened.lens_attributes))
        translate = fitted.translate
    else:
        foreign = read_lens(opened, lens)
        note = f"tuned lens trained elsewhere, in {lens.name}"

        def translate(
            residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
        ) -> Float[Tensor, "item layer d_model"]:
            return foreign.translate(residuals)

    def read(
        residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
    ) -> Float[ndarray, "item layer answer"]:
        return answer_log_probs(translate(residuals, scenes), unembedding, tokens)

    return Reader(read=read, notes=(*tokens.notes, note))


def read_lens(opened: OpenRun, folder: Path) -> TunedLens:
    """A lens in our format or in that of the tuned-lens package, for the model of this run."""
    if (folder / "params.pt").exists():
        return TunedLens.from_tuned_lens_format(folder, opened.load_model())
    lens = TunedLens.load(folder)
    if lens.revision != opened.about["model_revision"]:
        raise UserError(
            f"the tuned lens in {folder} was trained for another model ({lens.model}, revision "
            f"{lens.revision}): train one for {opened.about['model']}"
        )
    return lens


def _cross_fitted(opened: OpenRun) -> CrossFittedLens:
    from tqdm import tqdm

    study, recipe = opened.run.study, Recipe()
    folder = opened.run.readouts(READOUT) / "folds"
    rows = lens_rows(opened, "answer").rows
    with tqdm(desc="cross-fit tuned lens", unit="step", disable=None) as bar:
        return cross_fitted_lens(
            rows,
            output_map(opened),
            folder,
            recipe=recipe,
            seed=int(study.rng(_STREAM).integers(2**31)),
            progress=bar.update,
        )
