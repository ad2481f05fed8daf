"""The lens at every position of one item's prompt. This needs the model, since a run does not keep
these residuals."""

from collections.abc import Mapping
from typing import Any

from analysis.capture.token_texts import token_texts
from analysis.run.opened import OpenRun
from analysis.trajectory.found import Shades, TokenMap
from data_prep.errors import UserError

# A map with more numbers than this is no longer looked at, and results.json has to hold it.
_MOST_POSITIONS = 4096


def token_map(opened: OpenRun, item: Mapping[str, Any]) -> TokenMap:
    """Probability of the most probable token, and divergence from the layer before, by token
    position and layer.

    Runs the model on the item. UserError if the model or the image is not at hand.
    """
    import torch

    from probes.image_tokens import image_tokens
    from probes.lens_trajectory import lens_trajectory
    from probes.streams import require_finite

    image = opened.data.open_image(str(item["image"]))
    vlm = opened.load_model()
    inputs = vlm.prepare([image], [str(item["question"])])
    ids = inputs["input_ids"][0].tolist()
    if len(ids) > _MOST_POSITIONS:
        raise UserError(
            f"a map shows at most {_MOST_POSITIONS} token positions, the prompt of "
            f"{item['item_id']} has {len(ids)}: choose an item with a smaller image"
        )
    buffer = vlm.new_buffer(len(ids))
    vlm.residuals_into(inputs, buffer, torch.eye(len(ids), device=vlm.device)[None])
    require_finite(buffer, [f"{item['item_id']}, token {place}" for place in range(len(ids))])
    found = lens_trajectory(buffer, vlm.unembedding, k=1)
    try:
        shown = image_tokens(vlm, inputs)[0].tolist()
    except UserError:  # its image is not in the sequence
        shown = [False] * len(ids)
    names = token_texts(opened, vlm.unembedding.n_vocab)
    return TokenMap(
        item_id=str(item["item_id"]),
        question=str(item["question"]),
        answer=str(item["answer"]),
        tokens=tuple(names.of(ids)),
        of_image=tuple(shown),
        said_next=tuple(names.of(found.token_ids[:, -1, 0].tolist())),
        top1_probability=rounded(found.probabilities[..., 0]),
        jsd_adjacent_bits=rounded(found.jsd_adjacent_bits),
    )


def rounded(values: Any) -> Shades:
    """The values rounded for heat maps, with more digits than a shade can show."""
    return tuple(tuple(round(float(value), 5) for value in row) for row in values)
