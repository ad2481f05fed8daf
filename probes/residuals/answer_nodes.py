"""The position of an answer tree: the prompt's end, and places after forced tokens."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor

from data_prep.errors import UserError
from probes.answers.tree import Node, Path
from probes.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNodes:
    """Some nodes after every prompt, the answer position first."""

    nodes: tuple[Node, ...]
    prompt_ends: Mapping[str, Path] = field(default_factory=dict)
    """The last tokens of the prompt after which the nodes were made, by pass id; a pass without
    them is not checked."""

    @property
    def name(self) -> str:
        """The name, with a digest of the forced tokens: other tokens are another position."""
        content = json.dumps([[node.back, node.forced] for node in self.nodes])
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        return f"answer, {len(self.nodes) - 1} more nodes {digest}"

    @property
    def per_pass(self) -> int:
        """Residuals read after one prompt."""
        return len(self.nodes)

    def read_into(
        self,
        vlm: View,
        inputs: Mapping[str, Any],
        pass_ids: Sequence[str],
        buffer: Float[Tensor, "row layer d_model"],
        layers: Sequence[int] | None = None,
    ) -> None:
        """Run a prepared batch and write its residuals at the nodes; see `VLM.residuals_at`.

        UserError if a prompt does not end as its tree says.
        """
        for row, pass_id in zip(inputs["input_ids"], pass_ids, strict=True):
            end = self.prompt_ends.get(pass_id, ())
            if tuple(row[len(row) - len(end) :].tolist()) != end:
                raise UserError(
                    f"the prompt of {pass_id} does not end in {list(end)}, as its text says it "
                    "would: the processor rewrites it; another --prompt-style may help"
                )
        vlm.residuals_at(inputs, self.nodes, buffer, layers)
