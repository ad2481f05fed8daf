"""The alignment between the stages: patches come to name what they show."""

import numpy as np
import torch

from data_prep.attributes import attribute
from data_prep.questions import PROPERTIES
from data_prep.scenes import Scene
from probes.bundled.alignment import align_projector, attend_by_similarity
from probes.bundled.architecture import new_model, train_tokenizer
from probes.bundled.corpus import texts_for_tokenizer
from probes.bundled.scenes import TrainingScenes
from probes.bundled.schedule import Progress

N_SCENES, N_PATCHES = 40, 4


def planted(rng: np.random.Generator) -> tuple[torch.Tensor, TrainingScenes]:
    """Features that carry the answer numbers of the patch as a one-hot code each."""
    sizes = [len(attribute(name).answers) for name in PROPERTIES]
    labels = np.stack([rng.integers(n, size=(N_SCENES, N_PATCHES)) for n in sizes], axis=-1)
    labels[:, 0] = -1
    code = [np.eye(n + 1)[labels[..., k]] for k, n in enumerate(sizes)]  # -1: the last
    features = np.concatenate(code, axis=-1)
    width = 160
    features = np.pad(features, [(0, 0), (0, 0), (0, width - features.shape[-1])])
    mirrored = features.reshape(N_SCENES, 2, 2, width)[:, :, ::-1].reshape(features.shape)
    views = torch.tensor(np.stack([features, mirrored], axis=1), dtype=torch.float32)
    scenes = TrainingScenes(
        scenes=[
            Scene(scene_id=str(k), image=f"{k}.png", split="train", objects=())
            for k in range(N_SCENES)
        ],
        images=np.zeros((N_SCENES, 2, 2, 3), dtype=np.uint8),
        patch_labels=labels.astype(np.int8),
        centres=np.zeros((N_SCENES, N_PATCHES), dtype=bool),
    )
    return views, scenes


def test_a_patch_names_its_object_and_empty_ground_names_nothing():
    rng = np.random.default_rng(0)
    tokenizer = train_tokenizer(texts_for_tokenizer([], rng))
    model = new_model(tokenizer, seed=0)
    features, scenes = planted(rng)
    align_projector(
        model, features, scenes, tokenizer, steps=150, rng=rng, progress=Progress("test")
    )
    with torch.no_grad():
        projected = model.model.multi_modal_projector(features[:, 0])
        logits = model.lm_head(model.model.language_model.norm(projected))
    named = logits.topk(len(PROPERTIES), dim=-1).indices
    assert (named[:, 0, 0] == tokenizer.pad_token_id).all()
    for k, name in enumerate(PROPERTIES):
        words = [
            tokenizer.encode(f" {a}", add_special_tokens=False)[0] for a in attribute(name).answers
        ]
        truth = torch.tensor(words)[torch.from_numpy(scenes.patch_labels[:, 1:, k]).long()]
        assert (named[:, 1:] == truth[..., None]).any(-1).float().mean() > 0.95


def test_attention_starts_as_a_search_for_similar_tokens():
    model = new_model(train_tokenizer(["red blue"]), seed=0)
    attend_by_similarity(model)
    for block in model.model.language_model.layers:
        attention = block.self_attn
        assert torch.equal(attention.k_proj.weight, attention.q_proj.weight)
        assert torch.equal(attention.o_proj.weight, attention.v_proj.weight.T)
