"""What all arms of a run work with: the parts of the items, and what passes say of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from analysis.absence.passes import Condition
from analysis.absence.questions import Questions, questions_of
from analysis.absence.reading import Read, read_questions
from analysis.capture.output_map import output_map
from analysis.causes.found import Caused
from analysis.mitigation.methods.arms import Answers, odds_of_yes
from analysis.mitigation.methods.decodings import LATE, TEXT
from analysis.mitigation.passes.interventions import changed_passes, cut_after
from analysis.mitigation.passes.logits import Last
from analysis.mitigation.passes.parts import Part, PartTooSmall, two_parts
from analysis.run.kept_arrays import kept
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, read_results, study_result
from analysis.typed import read_back
from data_prep.errors import UserError
from probes.answers.scores import answer_log_probs
from probes.unembedding import Unembedding

METHOD_NAMES: Mapping[str, str] = {
    "blank": "contrast: blank image",
    "noised": "contrast: noise (VCD)",
    TEXT: "contrast: no image (M3ID)",
    "disturbed": "contrast: disturbed (ICD)",
    LATE: "contrast: image cut late (SIRA)",
    "other": "contrast: another image",
}
"""Methods that contrast with a reference, by the reference."""
_STORED: tuple[Condition, ...] = ("blank", "noised", "disturbed", "other")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Questions of one name, in two parts, and everything that was read of them."""

    read: Read
    tune: Part
    judge: Part
    tuned: Mapping[str, Last]
    """Last residuals of other passes over the items to tune on; empty where nothing is tuned."""
    judged: Mapping[str, Float[Tensor, "judged place d_model"]]
    """The same over the items to judge by."""

    @property
    def questions(self) -> Questions:
        return self.read.questions

    def said(self, part: Part) -> Answers:
        """log2 of the answers' probabilities at the last layer, of the items of a part."""
        return self.read.real[part.rows, -1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """A run with its questions of yes and no, and those about the look of things."""

    opened: OpenRun
    main: Asked
    premises: Mapping[str, Asked]
    unembedding: Unembedding
    n_layers: int
    cut_after: int | None
    """The layer after which the image is cut; None if no study of causes says one."""
    n_passes: Mapping[str, float]
    """Passes that each reference takes for a question, beside the plain one."""
    notes: tuple[str, ...]

    def odds(self, scores: Answers) -> Float[ndarray, " item"]:
        """log2 odds of yes against no."""
        return odds_of_yes(scores, self.main.questions.answers.answers)

    def answers(self, part: Part, last: Last) -> Answers:
        """log2 of the answers' probabilities, from last residuals of the items of a part."""
        return answer_log_probs(last[:, :, None], self.unembedding, part.trees, part.nodes)[:, 0]


def set_up(opened: OpenRun, main: str, premises: tuple[str, ...], *, most: int) -> Setup:
    """Asks everything that arms need, or takes it from the run."""
    read = read_questions(opened, questions_of(opened, main, most=most))
    n_layers = read.real.shape[1] - 1
    layer, notes = layer_to_cut_after(opened, n_layers)
    tune, judge = two_parts(opened, read.questions)
    first = Asked(
        read=read,
        tune=tune,
        judge=judge,
        tuned=references_of(tune, layer),
        judged=references_of(judge, layer),
    )
    lacking = [] if TEXT in first.judged else [
        f"left out: {METHOD_NAMES[TEXT]}, for the model takes no prompt without an image"
    ]  # fmt: skip
    asked = {}
    for name in premises:
        try:
            asked[name] = _premise(opened, name, layer, most, tune)
        except PartTooSmall as error:
            lacking.append(f"left out: questions about {name}, for {error}")
    return Setup(
        opened=opened,
        main=first,
        premises=asked,
        unembedding=output_map(opened),
        n_layers=n_layers,
        cut_after=layer,
        n_passes=_n_passes(judge, layer, n_layers),
        notes=(*notes, *lacking),
    )


def references_of(part: Part, layer: int | None) -> dict[str, Last]:
    """The last residuals of all other passes over the items of a part."""
    found: dict[str, Last] = {name: part.last(name) for name in _STORED}
    text = _without_image(part)
    if text is not None:
        found[TEXT] = text
    if layer is not None:
        found |= changed_passes(part, {LATE: cut_after(layer)}, told=str(layer))
    return found


def _premise(opened: OpenRun, name: str, layer: int | None, most: int, tuned: Part) -> Asked:
    """Questions that methods are judged by and probes are fitted on; settings come from `tuned`."""
    read = read_questions(opened, questions_of(opened, name, most=most))
    scenes = set(tuned.questions.items["scene_id"])
    tune, judge = two_parts(opened, read.questions, tuned_on=scenes)
    return Asked(read=read, tune=tune, judge=judge, tuned={}, judged=references_of(judge, layer))


def _n_passes(part: Part, layer: int | None, n_layers: int) -> dict[str, float]:
    texts = part.questions.items["question"].nunique() / len(part)
    found = {"blank": texts, TEXT: texts, "noised": 1.0, "disturbed": 1.0}
    found["other"] = part.passes("other").n_passes / len(part)
    return found | ({} if layer is None else {LATE: (n_layers - layer) / n_layers})


def layer_to_cut_after(opened: OpenRun, n_layers: int) -> tuple[int | None, tuple[str, ...]]:
    """The first whole layer by which the larger half of every attribute's answer has left the
    image's positions, by the study of causes in this run: the latest of the upper ends of the
    layers at which it does. Attributes that have no such layer say nothing."""
    found = study_result(read_results(opened.run), "causes")
    ends = []
    for content in found.values():
        out = read_back(Caused, content, f"{FILE_NAME} of {opened.run.folder}").every.out
        if out is not None and out.at is not None:
            ends.append(math.ceil(out.at.high))
    if not ends:
        return None, (
            "left out: methods that cut the image late; python -m analysis.causes on this run "
            "finds the layer",
        )
    if max(ends) >= n_layers:
        return None, ("left out: methods that cut the image late; it is used up to the last layer",)
    return max(ends), ()


def _without_image(part: Part) -> Float[torch.Tensor, "item place d_model"] | None:
    """Last residuals of the questions alone, once for each text; None if the model takes none."""
    opened, items = part.opened, part.questions.items
    texts = sorted(set(items["question"]))
    nodes = part.nodes
    file = opened.run.folder / "mitigation" / f"text-{part.questions.digest}.safetensors"

    if not file.exists():
        try:
            opened.load_model().prepare_without_image(texts[:1])
        except UserError:
            return None

    def run(rows: slice) -> dict[str, ndarray]:
        vlm = opened.load_model()
        chosen = texts[rows]
        buffer = vlm.new_buffer(len(chosen) * len(nodes), n_layers=1)
        inputs = vlm.prepare_without_image(chosen)
        vlm.residuals_at(inputs, nodes, buffer, layers=[vlm.n_layers])
        last = buffer.view(len(chosen), len(nodes), -1)
        return {"last": last.float().cpu().numpy()}

    found = kept(file, len(texts), 32, run, names=["last"], what="without an image")
    place = {text: number for number, text in enumerate(texts)}
    rows = torch.tensor([place[each] for each in items["question"]])
    return torch.from_numpy(found["last"])[rows]
