"""After forced tokens every family is read as whole passes, and its own generation, give it."""

import numpy as np
import pytest
import torch
from PIL import Image

from probes import load_vlm
from probes.answers.tree import ANSWER_NODE, Node
from probes.residuals import way
from probes.residuals.forced import Way, residuals_at_nodes
from probes.unembedding import GateError
from tests.probes.families.small import FAMILIES
from tests.probes.residuals.by_hand import in_one_pass, share, while_it_generates

# Its prompt sees what follows it in the same pass.
PREFIX = ("paligemma", "paligemma2")
CAUSAL = tuple(name for name in FAMILIES if name not in PREFIX)
every_family = pytest.mark.parametrize("name", FAMILIES)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

QUESTIONS = ["What color is it?", "What shape is the large red thing behind the others?", "Size?"]
A, B, C = 260, 300, 270
FORCED = (ANSWER_NODE, Node(forced=(A,)), Node(forced=(A, B)), Node(forced=(A, B, C)),
          Node(forced=(C,)), Node(forced=(A, C)))  # fmt: skip
MERGED = (Node(back=1), Node(back=2), Node(back=1, forced=(C,)), Node(back=2, forced=(A, B)))
NODES = FORCED + MERGED
CUT = tuple(node for node in NODES if node.forced or not node.back)
"""Those that end where a pass ends."""


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Of several sizes, so that tiles and grids differ within a batch."""
    rng = np.random.default_rng(0)
    sizes = ((48, 64), (64, 48), (40, 96))
    return [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]


def read(vlm, images, questions, nodes=NODES, how: Way = "cache"):
    buffer = vlm.new_buffer(len(images) * len(nodes))
    residuals_at_nodes(vlm, vlm.prepare(images, questions), nodes, buffer, way=how)
    return buffer.unflatten(0, (len(images), len(nodes)))


@every_family
def test_every_layer_is_that_of_one_pass_over_all_tokens(name, loaded, pictures):
    require_plain_passes(loaded(name), pictures[0], "cache", CUT if name in PREFIX else NODES)


@pytest.mark.parametrize("name", CAUSAL)
def test_so_it_is_with_passes_of_their_own(name, loaded, pictures):
    require_plain_passes(loaded(name), pictures[0], "passes", NODES)


def require_plain_passes(vlm, image, how, nodes):
    got = read(vlm, [image], QUESTIONS[:1], nodes, how)[0]
    wanted = [in_one_pass(vlm, image, QUESTIONS[0], node) for node in nodes]
    assert share(got, torch.stack(wanted)) < 1e-5


@every_family
def test_every_layer_is_that_of_generation(name, loaded, pictures):
    vlm = loaded(name)
    got = read(vlm, pictures[:1], QUESTIONS[:1])[0]
    for path in ((A, B, C), (C,), (A, C)):
        nodes = [Node(forced=path[:depth]) for depth in range(len(path) + 1)]
        own = got[[NODES.index(node) for node in nodes]]
        residuals, logits = while_it_generates(vlm, pictures[0], QUESTIONS[0], path)
        assert share(own, residuals) < 1e-5
        torch.testing.assert_close(vlm.unembed(own[:, -1]), logits, rtol=1e-4, atol=1e-4)


@every_family
@pytest.mark.parametrize("how", ["cache", "passes"])
def test_a_batch_changes_nothing(name, how, loaded, pictures):
    vlm = loaded(name)
    pairs = zip(pictures, QUESTIONS, strict=True)
    alone = torch.cat([read(vlm, [image], [text], how=how) for image, text in pairs])
    together = read(vlm, pictures, QUESTIONS, how=how)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3 * float(alone.abs().max()))


@every_family
def test_the_order_of_nodes_is_moot(name, loaded, pictures):
    vlm = loaded(name)
    got = read(vlm, pictures, QUESTIONS)
    back = read(vlm, pictures, QUESTIONS, NODES[::-1])
    assert share(back.flip(1), got) < 1e-5


@every_family
def test_every_family_goes_on_from_its_cache(name, loaded):
    assert loaded(name).way == "cache"


@pytest.mark.parametrize("name", PREFIX)
def test_passes_of_their_own_are_refused_where_the_prompt_sees_what_follows(
    name, loaded, pictures, monkeypatch
):
    vlm = loaded(name)
    cached, passed = (read(vlm, pictures, QUESTIONS, FORCED, how) for how in ("cache", "passes"))
    assert share(passed, cached) > 1e-2
    monkeypatch.setattr(way, "_WAYS", ("passes",))
    with pytest.raises(GateError, match=r"passes: .* times the difference that is allowed") as told:
        way.way_of(vlm)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", PREFIX)
def test_a_prompt_that_sees_itself_is_cut_before_it_is_read(name, loaded, pictures):
    vlm = loaded(name)
    nodes = (ANSWER_NODE, Node(back=1), Node(back=2))
    got = read(vlm, pictures[:1], QUESTIONS[:1], nodes)[0]
    wanted = [in_one_pass(vlm, pictures[0], QUESTIONS[0], node) for node in nodes]
    assert share(got, torch.stack(wanted)) < 1e-5


@pytest.mark.parametrize("name", ["llava", "gemma3", "qwen2_5_vl", "mllama"])
def test_bfloat16(name, folder_of, pictures):
    vlm = load_vlm(folder_of(name), dtype="bfloat16")
    assert vlm.way == "cache"
    residuals = vlm.capture_at(pictures, QUESTIONS, NODES)
    assert residuals.dtype == torch.bfloat16
    _, logits = while_it_generates(vlm, pictures[0], QUESTIONS[0], (A, B, C))
    lens = vlm.unembed(residuals[0, :4, -1])
    assert (lens - logits).abs().max() < 0.1 * logits.abs().max()


def test_layers_are_chosen(loaded, pictures):
    vlm = loaded("llava")
    inputs = vlm.prepare(pictures, QUESTIONS)
    buffer = vlm.new_buffer(3 * len(NODES), n_layers=2)
    vlm.residuals_at(inputs, NODES, buffer, [1, 3])
    whole = read(vlm, pictures, QUESTIONS)
    assert torch.equal(buffer.unflatten(0, (3, -1)), whole[:, :, [1, 3]])
