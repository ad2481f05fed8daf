"""Second stage: projector and language model learn to answer from the finished tower's features.

The tower is frozen, as in LLaVA's own recipe (Liu et al. 2023, arXiv:2304.08485), so its
features are computed once, for every picture and its mirror image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration

from data_prep.option_rules import MOST_STEPS, Within
from probes.bundled.corpus import Exchange, Packed, SceneLessons, draw_exchanges, pack
from probes.bundled.packed_attention import PACKED, Packing
from probes.bundled.schedule import Progress, one_cycle
from probes.bundled.tower import normalized, patch_features
from probes.native_products import quick_products


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagePlan:
    """How long, how fast, and how much of what in one sequence."""

    steps: Annotated[int, Within(1, MOST_STEPS)]
    batch: Annotated[int, Within(1, 10_000)] = 20
    """Images. Few, because steps count for more than the size of a step on the way to binding."""
    peak_rate: Annotated[float, Within(0, 1)] = 1.2e-3
    referring: Annotated[int, Within(1, 1000)] = 6
    plain: Annotated[int, Within(0, 1000)] = 1
    descriptions: Annotated[int, Within(0, 1000)] = 1
    captions: Annotated[int, Within(1, 1000)] = 2
    caption_every: Annotated[int, Within(1, MOST_STEPS)] = 8


def all_features(
    model: LlavaForConditionalGeneration, images: np.ndarray, *, batch: int = 64
) -> Float[Tensor, "scene view patch width"]:
    """The tower's features of every picture (view 0) and its mirror image (view 1), in bf16."""
    tower = model.model.vision_tower
    n_patches = (tower.config.image_size // tower.config.patch_size) ** 2
    found = torch.empty(len(images), 2, n_patches, tower.config.hidden_size, dtype=torch.bfloat16)
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            pixels = normalized(torch.from_numpy(images[start : start + batch]))
            for view, seen in enumerate((pixels, pixels.flip(3))):
                found[start : start + batch, view] = patch_features(tower, seen).bfloat16()
    return found


def standardize_input(
    model: LlavaForConditionalGeneration, features: Float[Tensor, "scene view patch width"]
) -> None:
    """Folds the features' own means and spreads into the projector's first layer.

    A frozen tower's features differ in size by dimension, and LLaVA has no norm behind it: the
    largest would drown what the others say until the projector had learnt to undo it.
    """
    sample = features[:1000].flatten(0, 2).float()
    mean, spread = sample.mean(0), sample.std(0)
    first = model.model.multi_modal_projector.linear_1
    with torch.no_grad():
        unit = first.weight / first.weight.std() / len(mean) ** 0.5
        first.weight.copy_(unit / spread)
        first.bias.copy_(-first.weight @ mean)


def packed_loss(
    model: LlavaForConditionalGeneration,
    features: Float[Tensor, "image patch width"],
    prefix: list[int],
    packed: Packed,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean cross-entropy over the targets in nats, and the share of targets on top."""
    n_images, n_exchanges, length = packed.ids.shape
    before = torch.tensor(prefix).expand(n_images, -1)
    ids = torch.cat([before, torch.from_numpy(packed.ids).flatten(1)], dim=1)
    embedded = model.get_input_embeddings()(ids)
    is_image = (ids == model.config.image_token_id)[..., None].expand_as(embedded)
    projected = model.model.multi_modal_projector(features.to(embedded.dtype))
    embedded = embedded.masked_scatter(is_image, projected.to(embedded.dtype))
    after = torch.arange(len(prefix), len(prefix) + length).repeat(n_exchanges)
    hidden = model.model.language_model(
        inputs_embeds=embedded,
        attention_mask=torch.zeros(1, 1, 1, 1),  # four axes: taken as it is, and not used
        position_ids=torch.cat([torch.arange(len(prefix)), after])[None],
        use_cache=False,
        packing=Packing(prefix=len(prefix), exchanges=n_exchanges, length=length),
    ).last_hidden_state[:, len(prefix) :]
    targets = torch.from_numpy(packed.targets).flatten(1)
    chosen = targets >= 0
    logits = model.lm_head(hidden[chosen]).float()
    loss = nn.functional.cross_entropy(logits, targets[chosen])
    return loss, (logits.argmax(1) == targets[chosen]).float().mean()


def train_language(
    model: LlavaForConditionalGeneration,
    features: Float[Tensor, "scene view patch width"],
    of_views: tuple[list[SceneLessons], list[SceneLessons]],
    prefix: list[int],
    plan: LanguagePlan,
    *,
    seed: int,
    progress: Progress,
    checkpoint: Callable[[int, torch.optim.Optimizer], None],
    first_step: int = 0,
    optimizer_state: dict | None = None,
) -> None:
    """Trains projector and language model in place.

    The batch of a step is drawn from a generator of its own, so that a training that was
    interrupted goes on with the batches it would have had.
    """
    parameters = [
        *model.model.multi_modal_projector.parameters(),
        *model.model.language_model.parameters(),
    ]
    optimizer = torch.optim.AdamW(
        parameters, lr=plan.peak_rate, betas=(0.9, 0.98), weight_decay=0.05
    )
    if optimizer_state is not None:
        optimizer.load_state_dict(optimizer_state)
    pad_id = model.config.get_text_config().pad_token_id
    model.model.language_model.set_attn_implementation(PACKED)
    for step in range(first_step, plan.steps):
        optimizer.param_groups[0]["lr"] = plan.peak_rate * one_cycle(step, plan.steps)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, step)))
        scenes = rng.integers(len(features), size=plan.batch)
        views = rng.integers(2, size=plan.batch)
        about = [of_views[view][scene] for scene, view in zip(scenes, views, strict=True)]
        packed = pack(_drawn(about, plan, step, rng), pad_id=pad_id)
        with quick_products(torch.device("cpu")):
            loss, right = packed_loss(model, features[scenes, views], prefix, packed)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        progress.report(step, plan.steps, loss=loss.item(), right=right.item())
        checkpoint(step + 1, optimizer)


def _drawn(
    about: list[SceneLessons], plan: LanguagePlan, step: int, rng: np.random.Generator
) -> list[list[Exchange]]:
    """Exchanges for every image of a batch. Captions are long: they get steps of their own."""
    if step % plan.caption_every == plan.caption_every - 1:
        picks = [rng.integers(len(of.captions), size=plan.captions) for of in about]
        return [[of.captions[k] for k in pick] for of, pick in zip(about, picks, strict=True)]
    return [
        draw_exchanges(
            of,
            referring=plan.referring,
            plain=plan.plain,
            descriptions=plan.descriptions,
            rng=rng,
        )
        for of in about
    ]
