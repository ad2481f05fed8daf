"""Shapes that disagree: without the type checker of the tests, as a user meets them."""

import pytest
import torch

from data_prep.errors import UserError
from probes.decoding.inputs import check_alike, check_layers, check_logits


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (4,)])
def test_a_reference_of_another_shape(shape):
    with pytest.raises(UserError, match=r"reference of the logits' shape \(2, 4\), got"):
        check_alike("reference", torch.zeros(shape), torch.zeros(2, 4))


@pytest.mark.parametrize("shape", [(2, 4), (2, 3, 5), (1, 3, 4), (3, 2, 4)])
def test_layers_of_another_shape(shape):
    with pytest.raises(UserError, match="pass the lens's logits of the same items"):
        check_layers(torch.zeros(shape), torch.zeros(2, 4))


def test_an_empty_range_of_layers():
    with pytest.raises(UserError, match="at least 1 layer, got none"):
        check_layers(torch.zeros(2, 0, 4), torch.zeros(2, 4))


def test_layers_that_mask_other_tokens():
    layers = torch.zeros(1, 3, 2)
    layers[0, 1, 0] = -torch.inf
    with pytest.raises(UserError, match="layers to be minus infinity at the same tokens"):
        check_layers(layers, torch.zeros(1, 2))


def test_no_vocabulary():
    with pytest.raises(UserError, match="at least 1 token"):
        check_logits("logits", torch.zeros(2, 0))


def test_no_items_are_no_mistake():
    check_logits("logits", torch.zeros(0, 3))
    check_layers(torch.zeros(0, 2, 3), torch.zeros(0, 3))
