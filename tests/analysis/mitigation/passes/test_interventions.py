"""Changed passes: nothing changed is the plain pass, and what was run is kept."""

import pytest
import torch

from analysis.mitigation.passes.interventions import (
    Begun,
    attention_raised,
    changed_passes,
    cut_after,
    words_projected_away,
)
from probes.answers.tree import ANSWER_NODE, Node


@pytest.fixture(scope="module")
def part(parts):
    return parts[0]


def test_strength_0_is_the_plain_pass(opened, part):
    width = opened.load_model().d_model
    nowhere = {thing: torch.ones(width) for thing in set(part.questions.items["thing"])}
    changes = {
        "raised": attention_raised(0.0),
        "away": words_projected_away(1, nowhere, strength=0.0),
    }
    found = changed_passes(part, changes, told="nothing")
    plain = part.last("real").float()
    for last in found.values():
        torch.testing.assert_close(last, plain, atol=1e-4, rtol=1e-4)


def test_what_is_changed_changes_the_answer_and_is_kept(part):
    found = changed_passes(part, {"cut": cut_after(1)}, told="1")["cut"]
    assert not torch.allclose(found, part.last("real").float(), atol=1e-3)

    def never(_):
        raise AssertionError("the model was asked again")

    assert torch.equal(found, changed_passes(part, {"cut": never}, told="1")["cut"])


@pytest.mark.parametrize("change", [attention_raised(0.5), cut_after(1)], ids=["raised", "cut"])
def test_how_forced_tokens_are_read_is_found_out_before_anything_is_changed(opened, part, change):
    """A study that was killed after its plain passes goes on with a model that has read none."""
    vlm, chosen = opened.load_model(), part.questions.items.iloc[:3]
    images = [opened.data.open_image(each) for each in chosen["image"]]
    begun = Begun(
        vlm=vlm,
        inputs=vlm.prepare(images, chosen["question"].tolist()),
        nodes=(ANSWER_NODE, Node(forced=(5,))),
        things=tuple(chosen["thing"]),
    )
    known, wanted = vlm.way, change(begun)
    del vlm.way
    assert torch.equal(change(begun), wanted)
    assert vlm.way == known
