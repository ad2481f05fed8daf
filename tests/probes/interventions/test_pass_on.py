"""Going on from a layer against whole passes with hooks, in every family."""

import pytest
import torch

from data_prep.errors import UserError
from probes.answers.tree import ANSWER_NODE, Node
from probes.interventions.edit import Edit, edited, moved, replace_rows, set_to
from probes.interventions.pass_on import Intervened
from tests.probes.families.small import FAMILIES

every_family = pytest.mark.parametrize("name", FAMILIES)
# PaliGemma's processor converts a tensor in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
NODES = [
    ANSWER_NODE,
    Node(forced=(5,)),
    Node(back=1),
    Node(forced=(5, 6)),
    Node(back=1, forced=(7,)),
]


def by_hooks(begun, layer, change):
    vlm = begun.vlm
    buffer = vlm.new_buffer(len(begun.last), n_layers=1)
    with edited(vlm, [Edit(layer=layer, change=change)]):
        vlm.residuals_into(begun.inputs, buffer, layers=[vlm.n_layers])
    return buffer[:, 0]


@every_family
def test_going_on_is_the_whole_pass_with_hooks(name, trial):
    begun = trial(name)
    for layer, own in enumerate(begun.streams):
        other = 0.5 * own.roll(1, 0)
        got = begun.go_on(layer, other)
        assert torch.equal(got, by_hooks(begun, layer, lambda _, other=other: other))
        assert not torch.allclose(got, begun.last, rtol=1e-2)


@every_family
def test_a_patch_with_itself_changes_nothing(name, trial):
    begun = trial(name)
    for layer, own in enumerate(begun.streams):
        assert torch.equal(begun.go_on(layer, own.clone()), begun.last)
        assert torch.equal(by_hooks(begun, layer, torch.clone), begun.last)


@every_family
def test_the_plain_pass_is_what_capture_reads(name, trial):
    begun = trial(name)
    buffer = begun.vlm.new_buffer(len(begun.last))
    begun.vlm.residuals_into(begun.inputs, buffer)
    assert torch.equal(torch.stack([each[:, -1] for each in begun.streams], dim=1), buffer)


def test_from_which_layer_a_pass_can_be_gone_on_with(trial):
    """DeepStack adds visual features to what the first two blocks return."""
    found = {name: trial(name).safe_from for name in FAMILIES}
    assert found == dict.fromkeys(FAMILIES, 0) | {"qwen3_vl": 2}


@every_family
def test_nodes_after_forced_tokens(name, trial):
    begun = trial(name)
    where = torch.zeros(begun.streams[0].shape[:2], dtype=torch.bool)
    where[:, -4:-2] = True
    change = moved(where, torch.linspace(-2, 2, begun.vlm.d_model))
    got = begun.at_nodes(2, change, NODES)
    alone = begun.at_nodes(2, change, [ANSWER_NODE])
    torch.testing.assert_close(got[:, :1], alone, rtol=1e-4, atol=1e-4)
    buffer = begun.vlm.new_buffer(len(got) * len(NODES), n_layers=1)
    begun.vlm.residuals_at(begun.inputs, NODES, buffer, layers=[begun.vlm.n_layers])
    plain = buffer.unflatten(0, (len(got), -1))[:, :, 0]
    same = begun.at_nodes(2, torch.clone, NODES)
    torch.testing.assert_close(same, plain, rtol=0, atol=0)
    assert (got - plain).abs().amax((0, 2)).min() > 1e-3


def test_positions_that_a_node_takes_off_are_not_edited(trial):
    """The last token is gone before the tokens of a node with back=1 follow."""
    begun = trial("llava")
    last = torch.zeros(begun.streams[0].shape[:2], dtype=torch.bool)
    last[:, -1] = True
    change = set_to(last, torch.full((begun.vlm.d_model,), 3.0))
    for way in ("cache", "passes"):
        begun.vlm.__dict__["way"] = way
        got = begun.at_nodes(1, change, NODES)
        plain = begun.at_nodes(1, torch.clone, NODES)
        moved_far = (got - plain).abs().amax((0, 2)) > 1e-3
        assert moved_far.tolist() == [True, True, False, True, False]


def test_both_ways_to_read_forced_tokens_agree(trial):
    begun = trial("qwen2_vl")
    where = torch.zeros(begun.streams[0].shape[:2], dtype=torch.bool)
    where[:, 10:20] = True
    change = replace_rows(where, begun.streams[2].roll(1, 0))
    found = []
    for way in ("cache", "passes"):
        begun.vlm.__dict__["way"] = way
        found.append(begun.at_nodes(2, change, NODES))
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)


def test_no_hook_is_left_and_nothing_is_overwritten(trial, loaded):
    begun = trial("qwen3_vl")
    vlm = loaded("qwen3_vl")
    before, hooks = [each.clone() for each in begun.streams], n_hooks(vlm)
    begun.go_on(1, begun.streams[1] + 1)
    begun.at_nodes(3, lambda stream: stream + 1, NODES)
    with pytest.raises(RuntimeError), edited(vlm, [Edit(layer=0, change=_fail)]):
        vlm.run(begun.inputs)
    assert all(torch.equal(*pair) for pair in zip(before, begun.streams, strict=True))
    assert n_hooks(vlm) == hooks


def n_hooks(vlm):
    modules = vlm.model.modules()
    return sum(len(each._forward_pre_hooks) + len(each._forward_hooks) for each in modules)


def _fail(stream):
    raise RuntimeError


def test_edits_work_without_inference_mode(trial):
    begun = trial("llava")
    change = moved(torch.ones(begun.streams[0].shape[:2], dtype=torch.bool), torch.ones(32))
    with torch.no_grad(), edited(begun.vlm, [Edit(layer=2, change=change)]):
        output = begun.vlm.model(**begun.inputs, use_cache=False)
    wanted = begun.vlm.unembed(begun.go_on(2, begun.streams[2] + 1))
    torch.testing.assert_close(output.logits[:, -1], wanted, rtol=1e-4, atol=1e-4)


def test_bad_input(trial):
    begun = trial("llava")
    vlm, own = begun.vlm, begun.streams[0]
    for layer in (-1, vlm.n_layers + 1):
        with pytest.raises(UserError, match=rf"one of 0..4, got {layer}: 0 is what"):
            begun.go_on(layer, own)
        with (
            pytest.raises(UserError, match="one of 0"),
            edited(vlm, [Edit(layer=layer, change=torch.clone)]),
        ):
            pass
    with pytest.raises(UserError, match="a stream must have the shape of the pass"):
        begun.go_on(1, own[:, 1:])
    short = torch.ones(own.shape[0], own.shape[1] - 1, dtype=torch.bool)
    with pytest.raises(UserError, match="a mask of positions must have the shape of the prompts"):
        begun.at_nodes(1, moved(short, torch.ones(32)), [ANSWER_NODE])
    with pytest.raises(UserError, match="take both from the same prompts"):
        replace_rows(short, own)
    for wrong in (short[:1], short[:, :20]):
        edits = [Edit(layer=1, change=moved(wrong, torch.ones(32)))]
        with pytest.raises(UserError, match="make it from the inputs"), edited(vlm, edits):
            vlm.run(begun.inputs)
    with pytest.raises(UserError, match="a row must be given once, or once for each of 3 items"):
        begun.at_nodes(1, moved(torch.ones_like(own[..., 0]).bool(), torch.ones(31)), [ANSWER_NODE])
    with pytest.raises(UserError, match=r"must keep its shape"):
        begun.at_nodes(1, lambda stream: stream[:1], [ANSWER_NODE])


def test_a_block_whose_output_is_not_what_enters_the_next_is_found(loaded, trial):
    """The check must be able to fail: a hook adds something behind the second block."""
    vlm = loaded("llava")
    handle = vlm.blocks[2].register_forward_pre_hook(lambda _, args: (args[0] + 1, *args[1:]))
    try:
        begun = Intervened(vlm, trial("llava").inputs)
        assert begun.safe_from == 2
        other = begun.streams[1].roll(1, 0)
        assert torch.equal(begun.go_on(1, other), by_hooks(begun, 1, lambda _: other))
    finally:
        handle.remove()


def test_another_implementation_of_attention_is_refused(trial):
    """Its masks would be of another kind, which nothing complains of."""
    begun = trial("llava")
    begun.vlm.model.set_attn_implementation("eager")
    try:
        with pytest.raises(UserError, match="begun with, sdpa, got eager: begin it anew"):
            begun.go_on(1, begun.streams[1])
    finally:
        begun.vlm.model.set_attn_implementation("sdpa")


WHOLE_ONLY = ("paligemma", "paligemma2", "mllama")


@every_family
def test_passes_over_the_last_tokens_are_those_over_all(name, trial):
    whole = trial(name)
    short = Intervened(whole.vlm, whole.inputs, tails=True)
    assert all(torch.equal(*pair) for pair in zip(short.streams, whole.streams, strict=True))
    n_tokens = whole.streams[0].shape[1]
    for layer, own in enumerate(whole.streams):
        for start in (0, n_tokens // 4, n_tokens // 2, n_tokens - 3, n_tokens - 1):
            other = torch.cat([own[:, :start], own[:, start:].roll(1, 0)], dim=1)
            got, wanted = short.go_on(layer, other), whole.go_on(layer, other)
            torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
            assert (
                start == 0
                or layer in (0, len(whole.streams) - 1)
                or not torch.equal(got, whole.last)
            )
        assert torch.equal(short.go_on(layer, own.clone()), whole.last)


@every_family
def test_passes_over_the_last_tokens_run_no_more_than_these(name, trial):
    """Where tokens see each other, as a prefix or as an image, they are run together."""
    short = Intervened(trial(name).vlm, trial(name).inputs, tails=True)
    own = short.streams[3]
    n_tokens, seen = own.shape[1], []

    def hook(_: object, args: tuple, kwargs: dict) -> None:
        seen.append((args[0] if args else kwargs["hidden_states"]).shape[1])

    handle = short.vlm.blocks[3].register_forward_pre_hook(hook, with_kwargs=True)
    changed_at = [n_tokens - 2, int(image_start(short)) + 2]
    try:
        for place in changed_at:
            other = own.clone()
            other[:, place] += 1
            short.go_on(3, other)
    finally:
        handle.remove()
    if name in WHOLE_ONLY:
        assert seen == [n_tokens, n_tokens]
    else:
        back = 2 if name == "gemma3" else 0
        assert seen[0] == 2
        assert seen[1] <= n_tokens - changed_at[1] + back


def image_start(begun):
    """The first image token of the longest prompt, which has no padding."""
    ids = begun.inputs["input_ids"]
    found = ids[begun.inputs["attention_mask"].sum(1).argmax()] == getattr(
        begun.vlm.model.config, "image_token_id", -1
    )
    return found.nonzero()[0, 0] if found.any() else 0
