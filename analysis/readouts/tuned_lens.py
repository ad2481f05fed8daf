"""The tuned lens as a readout: fitted so that no scene is read by a lens that it trained, or one
that was trained elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.capture.output_map import output_map
from analysis.readouts.lens_rows import answer_rows
from analysis.readouts.reader import Asked, Read, Reader
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from data_prep.errors import UserError
from data_prep.terminal.progress import Progress
from probes.answers.scores import answer_log_probs
from probes.answers.words import whole_word_shares
from probes.translators import Recipe
from probes.translators.cross_fit import CrossFittedLens, cross_fitted_lens
from probes.tuned_lens import TunedLens

Score = Callable[..., Float[ndarray, "item layer answer"]]
"""A function from residuals at the nodes of an answer tree to a distribution over answers."""
_NOTE = (
    "tuned lenses are cross-fitted by scene, on the answer positions of {}: each item is read by "
    "one that has not seen it"
)


def reader(asked: Asked) -> Reader:
    """Trains lenses on the run and keeps them, or reads the one in the folder that was asked
    for."""
    opened, trees, lens = asked.opened, asked.item_trees, asked.lens
    unembedding = output_map(opened)
    if lens is None:
        fitted = _cross_fitted(opened, asked.folder / "folds")
        notes: tuple[str, ...] = (_NOTE.format(", ".join(opened.lens_attributes)),)
        translate = fitted.on(unembedding.device).translate
    else:
        foreign = read_lens(opened, lens, allow_other_head=asked.allow_other_head)
        foreign = foreign.on(unembedding.device)
        notes = (f"tuned lens trained elsewhere, in {lens.name}", *foreign.notes)

        def translate(
            residuals: Float[Tensor, "item layer d_model"], scenes: Sequence[str]
        ) -> Float[Tensor, "item layer d_model"]:
            return foreign.translate(residuals)

    def reading(score: Score) -> Read:
        def read(
            residuals: Float[Tensor, "some place layer d_model"],
            where: slice,
            scenes: Sequence[str],
        ) -> Float[ndarray, "some layer answer"]:
            n_places = residuals.shape[1]
            shown = [scene for scene in scenes for _ in range(n_places)]
            translated = translate(residuals.flatten(0, 1), shown).unflatten(0, (-1, n_places))
            return score(translated, unembedding, trees.trees[where], trees.places)

        return read

    return Reader(
        read=reading(answer_log_probs),
        notes=(trees.line, *notes),
        whole=reading(whole_word_shares) if trees.spelled_out else None,
    )


def read_lens(opened: OpenRun, folder: Path, *, allow_other_head: bool = False) -> TunedLens:
    """Reads a tuned lens in Onset's format or in that of the tuned-lens package, for the model of
    this run.

    With `allow_other_head`, a lens of that package is also read if it was made for another head. A
    lens of Onset brings the output map that it was trained with, and works with no other model.
    """
    if (folder / "params.pt").exists():
        return TunedLens.from_tuned_lens_format(
            folder, opened.load_model(), allow_other_head=allow_other_head
        )
    lens = TunedLens.load(folder)
    if lens.revision != opened.about["model_revision"]:
        raise UserError(
            f"the tuned lens in {folder} was trained for another model ({lens.model}, revision "
            f"{lens.revision}): train one for {opened.about['model']}"
        )
    return lens


def _cross_fitted(opened: OpenRun, folder: Path) -> CrossFittedLens:

    study, recipe = opened.run.study, Recipe()
    rows = answer_rows(opened)
    with Progress(what="cross-fit tuned lens", unit="step") as bar:
        return cross_fitted_lens(
            rows,
            output_map(opened),
            folder,
            recipe=recipe,
            seed=int(study.rng(Stream.LENS_FOLDS).integers(2**31)),
            progress=bar.update,
        )
