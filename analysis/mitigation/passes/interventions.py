"""Passes that are changed inside: the image cut late, attention to it raised, words taken out of
its tokens."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from analysis.capture.captures import passes_at_once
from analysis.mitigation.passes.logits import Last
from analysis.mitigation.passes.parts import Part
from analysis.run.kept_arrays import kept
from probes.answers.tree import ANSWER_NODE, Node
from probes.image_tokens import image_tokens
from probes.interventions.attention_cut import attention_cut
from probes.interventions.image_attention import image_attention_boosted
from probes.interventions.pass_on import Intervened
from probes.interventions.project_away import projected_away
from probes.vlm import VLM


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A prepared batch of items."""

    vlm: VLM
    inputs: Mapping[str, Any]
    nodes: tuple[Node, ...]
    things: tuple[str, ...]
    """What the questions name."""

    @cached_property
    def image(self) -> Bool[Tensor, "item token"]:
        """Which tokens show the image."""
        return image_tokens(self.vlm, self.inputs)

    @cached_property
    def plain(self) -> Intervened:
        """The plain pass, to go on from."""
        return Intervened(self.vlm, self.inputs)

    @property
    def goes_on(self) -> bool:
        """Whether a changed pass goes on from the plain one: after forced tokens a whole pass is as
        short."""
        return list(self.nodes) == [ANSWER_NODE]

    def begin(self) -> None:
        """Runs the plain pass if it is gone on from, while nothing in the model is changed yet."""
        if self.goes_on:
            _ = self.plain

    def last(self, layer: int) -> Last:
        """The last residuals at the nodes, of a pass whose blocks after a layer are changed while
        this runs."""
        if self.goes_on:
            return self.plain.at_nodes(layer, lambda stream: stream, self.nodes)
        buffer = self.vlm.new_buffer(len(self.things) * len(self.nodes), n_layers=1)
        self.vlm.residuals_at(self.inputs, self.nodes, buffer, layers=[self.vlm.n_layers])
        return buffer.view(len(self.things), len(self.nodes), -1)


Change = Callable[[Begun], Last]


def changed_passes(part: Part, changes: Mapping[str, Change], *, told: str) -> dict[str, Last]:
    """The last residuals of each item at the nodes of its answers after every change, from the run
    or run now: one plain pass for all of them. `told` says what the changes' names do not."""
    opened, name = part.opened, part.questions.name
    about = json.dumps([part.questions.digest, sorted(changes), told])
    digest = hashlib.sha256(about.encode()).hexdigest()[:16]
    file = opened.run.folder / "mitigation" / f"{name}-{digest}.safetensors"
    nodes, items = part.nodes, part.questions.items

    def run(rows: slice) -> dict[str, ndarray]:
        vlm, chosen = opened.load_model(), items.iloc[rows]
        images = [opened.data.open_image(each) for each in chosen["image"]]
        inputs = vlm.prepare(images, chosen["question"].tolist())
        begun = Begun(vlm=vlm, inputs=inputs, nodes=nodes, things=tuple(chosen["thing"]))
        return {each: change(begun).float().cpu().numpy() for each, change in changes.items()}

    size = 32 if file.exists() else passes_at_once(opened, opened.load_model())
    found = kept(file, len(part), size, run, names=changes, what=f"interventions, {name}")
    return {each: torch.from_numpy(found[each]) for each in changes}


def cut_after(layer: int) -> Change:
    """The text cannot look at the image in any block after a layer."""

    def change(begun: Begun) -> Last:
        vlm, inputs, image = begun.vlm, begun.inputs, begun.image
        begun.begin()
        text = inputs["attention_mask"].bool() & ~image
        window = (layer + 1, vlm.n_layers)
        with attention_cut(vlm, inputs, keys=image, queries=text, blocks=window):
            return begun.last(layer)

    return change


def attention_raised(strength: float) -> Change:
    """The answer position looks more at the image, in all blocks but the first sixteenth, in which
    attention to it is not steady yet: the authors leave out 2 of 32."""

    def change(begun: Begun) -> Last:
        vlm, inputs = begun.vlm, begun.inputs
        begun.begin()
        first = max(1, round(vlm.n_layers / 16))
        window, back = (first + 1, vlm.n_layers), max(node.back for node in begun.nodes)
        with image_attention_boosted(vlm, inputs, strength=strength, blocks=window, back=back):
            return begun.last(first)

    return change


def words_projected_away(
    layer: int, directions: Mapping[str, Float[Tensor, " d_model"]], *, strength: float
) -> Change:
    """The direction of what a question names is taken out of the image's tokens at a layer."""

    def change(begun: Begun) -> Last:
        own = torch.stack([directions[thing] for thing in begun.things])
        edit = projected_away(begun.image, own, strength=strength)
        return begun.plain.at_nodes(layer, edit, begun.nodes)

    return change
