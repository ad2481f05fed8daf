"""Changed passes: nothing changed is the plain pass, and what was run is kept."""

import pytest
import torch

from analysis.mitigation.passes.interventions import (
    attention_raised,
    changed_passes,
    cut_after,
    words_projected_away,
)


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
