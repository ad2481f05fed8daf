"""Which part of an image each image token shows, for grids of any shape, tiles and sub-images.

An image whose colours are its coordinates goes through the model's own image processor, and from
there the way that patches take to the sequence: resizing, cropping, padding and tiling need not be
known, only in which order a family puts patches, which it does itself where it packs tiles.
"""

import inspect
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from data_prep.errors import UserError
from probes.families import family_of
from probes.image_tokens import image_tokens
from probes.view import View

Boxes = Float[Tensor, "token 4"]
"""Left, top, right, bottom in pixels of the image as it is given, y downwards; NaN for a token that
shows none of it (the end of a line of tiles, padding)."""

# Below this share of full blue, a pixel of the coordinate image is padding.
_SHOWN = 0.9


class _Cells(NamedTuple):
    """What one token each shows, before tokens are put in order."""

    colors: Float[Tensor, "cell color pixel"]
    """0 to 1: across, down, and 1 for whatever is image."""
    side: int
    """The side of a cell, in pixels of what the model is given."""


def image_boxes(vlm: View, size: tuple[int, int]) -> Boxes:
    """The boxes of an image's tokens in the order of the sequence, for an image (width, height).

    UserError for a family of which it is not known where its tokens lie.

    >>> boxes = image_boxes(vlm, (96, 96))  # 8 x 8 tokens, each of 12 x 12 pixels
    >>> len(boxes), boxes[0].round().tolist(), boxes[-1].round().tolist()
    (64, [0.0, 0.0, 12.0, 12.0], [84.0, 84.0, 96.0, 96.0])
    """
    layout = family_of(vlm.model.config).image_layout
    inputs = vlm.processed([_coordinates(size)], ["?"])
    n_tokens = int(image_tokens(vlm, inputs).sum())
    match layout:
        case "grids":
            boxes = _boxes(_grid_cells(vlm, inputs, n_tokens), size)
        case "merged patches":
            boxes = _boxes(_patch_cells(vlm, inputs), size)
        case "packed tiles":
            boxes = _packed(vlm, inputs, size)
        case _:
            boxes = torch.empty(0, 4)
    if len(boxes) != n_tokens or not n_tokens:
        raise UserError(
            f"it is not known which part of an image each of the {n_tokens} image tokens of "
            f"{type(vlm.model).__name__} shows: read the position answer, question or image"
        )
    return boxes


def shares_of(boxes: Boxes, square: tuple[float, float, float, float]) -> Float[Tensor, " token"]:
    """How much of each token's box lies in a rectangle (left, top, right, bottom); 0 to 1.

    >>> boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 4.0, 2.0]])  # two tokens in a row
    >>> shares_of(boxes, (0.0, 0.0, 3.0, 1.0)).tolist()
    [0.5, 0.25]
    """
    corner = torch.tensor(square)
    sides = torch.minimum(boxes[:, 2:], corner[2:]) - torch.maximum(boxes[:, :2], corner[:2])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return torch.nan_to_num(sides.clamp(min=0).prod(1) / area, nan=0.0)


def _coordinates(size: tuple[int, int]) -> Image.Image:
    """Red grows to the right, green downwards, blue is full."""
    width, height = size
    across = (np.arange(width) + 0.5) / width
    down = (np.arange(height) + 0.5) / height
    colors = np.stack(np.broadcast_arrays(across[None], down[:, None], 1.0), axis=-1)
    return Image.fromarray(np.round(255 * colors).astype(np.uint8))


def _grid_cells(vlm: View, inputs: Any, n_tokens: int) -> _Cells:
    """Every tile is a grid of patches, of which squares of several may be merged to a token."""
    pixels = inputs["pixel_values"].float().flatten(0, -4)
    patch = _single(vlm.model.config.vision_config.patch_size)
    n_patches = len(pixels) * (pixels.shape[-2] // patch) * (pixels.shape[-1] // patch)
    side = round(patch * (n_patches / max(n_tokens, 1)) ** 0.5)
    if side % patch or pixels.shape[-1] % side or pixels.shape[-2] % side:
        return _Cells(torch.empty(0, 3, 1), patch)
    cells = pixels.unfold(2, side, side).unfold(3, side, side)
    return _Cells(_colors(vlm, cells.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(2)), side)


def _patch_cells(vlm: View, inputs: Any) -> _Cells:
    """Patches come as rows, those that are merged to a token one after the other."""
    vision = vlm.model.config.vision_config
    patch, merged = _single(vision.patch_size), vision.spatial_merge_size
    rows = inputs["pixel_values"].float().unflatten(1, (3, -1, patch, patch))[:, :, 0]
    cells = rows.unflatten(0, (-1, merged**2)).transpose(1, 2).flatten(2)
    return _Cells(_colors(vlm, cells), patch * merged)


def _packed(vlm: View, inputs: Any, size: tuple[int, int]) -> Boxes:
    """Tiles are put together, cut to the image and ended line by line by the model itself."""
    model: Any = vlm.model.base_model
    patch = _single(model.config.vision_config.patch_size)
    pixels = inputs["pixel_values"].float()[0]
    per_tile = (pixels.shape[-1] // patch) ** 2
    boxes = _boxes(_grid_cells(vlm, inputs, len(pixels) * per_tile), size)
    named = {
        "vision_feature_select_strategy": model.config.vision_feature_select_strategy,
        "vision_aspect_ratio": getattr(model.config, "vision_aspect_ratio", None),
    }
    accepted = inspect.signature(model.pack_image_features).parameters
    packed, _ = model.pack_image_features(
        [boxes.view(len(pixels), per_tile, 4)],
        inputs["image_sizes"],
        image_newline=torch.full((4,), torch.nan),
        **{name: value for name, value in named.items() if name in accepted},
    )
    n_base = per_tile if len(pixels) > 1 else len(packed[0])
    return torch.cat([packed[0][:n_base], _without_gaps(packed[0][n_base:], size)])


def _without_gaps(tiles: Boxes, size: tuple[int, int]) -> Boxes:
    """The boxes of a grid of tiles, line by line, widened so that neighbours meet.

    A model that shrinks a large grid interpolates between its patches: of three patches two tokens
    are left, each a mean of what lies around it, while its box, interpolated like the features, is
    no larger than a patch. What lies between two such boxes belongs half to each.
    """
    ends = tiles.isnan().any(1).nonzero().flatten()
    if not len(ends):
        return tiles
    lines = tiles.unflatten(0, (-1, int(ends[0]) + 1))
    grid = lines[:, :-1]
    low, high = grid[..., :2].clone(), grid[..., 2:].clone()
    for dim, side in ((1, 0), (0, 1)):
        starts, stops = (each[..., side].movedim(dim, 0) for each in (low, high))
        if len(starts) > 1:
            half = (starts[1:] - stops[:-1]).clamp(min=0) / 2
            starts -= torch.cat([half[:1], half])
            stops += torch.cat([half, half[-1:]])
    image = torch.tensor(size, dtype=grid.dtype)
    wide = torch.cat([low.clamp(min=0), torch.minimum(high, image)], dim=-1)
    return torch.cat([wide, lines[:, -1:]], dim=1).flatten(0, 1)


def _boxes(cells: _Cells, size: tuple[int, int]) -> Boxes:
    """The range of coordinates that each cell shows.

    By mean and variance, in which the rounding of colours to 256 steps averages out: n evenly
    spaced values reach over n steps and vary by step^2 (n^2 - 1) / 12.
    """
    across_down, blue = cells.colors[:, :2], cells.colors[:, 2:]
    shown = (blue > _SHOWN).float()
    weight = shown / shown.sum(2, keepdim=True)  # NaN where nothing is shown
    middle = (weight * across_down).sum(2)
    variance = (weight * (across_down - middle[..., None]).square()).sum(2)
    n = cells.side
    half = (3 * variance * n**2 / (n**2 - 1)).sqrt()
    return torch.cat([middle - half, middle + half], dim=1).clamp(0, 1) * torch.tensor([*size] * 2)


def _colors(
    vlm: View, cells: Float[Tensor, "cell color pixel"]
) -> Float[Tensor, "cell color pixel"]:
    """The colours as they were before the processor took off the mean and divided by the spread."""
    images = vlm.processor.image_processor
    if not images.do_normalize:
        return cells
    mean, spread = (torch.tensor(each)[:, None] for each in (images.image_mean, images.image_std))
    return cells * spread + mean


def _single(side: Any) -> int:
    """A side that some configurations give once and some for both directions."""
    return side if isinstance(side, int) else side[0]
