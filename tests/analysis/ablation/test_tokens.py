"""Which tokens are ablated: as many in every arm, and none of the object's but in its own."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis.ablation.found import ELSEWHERE, OBJECT, REGISTERS
from analysis.ablation.tokens import DRAWS, ablated_positions, register_like


@given(seed=st.integers(0, 999), n_shown=st.integers(1, 4))
def test_every_arm_has_as_many_image_tokens_as_show_the_object(seed, n_shown):
    rng = np.random.default_rng(seed)
    image = torch.ones(2, 11, dtype=torch.bool)
    image[:, :2] = False
    shown = torch.zeros_like(image)
    for row in range(2):
        shown[row, 2 + torch.from_numpy(rng.permutation(9)[:n_shown])] = True
    stream = torch.from_numpy(rng.standard_normal((2, 11, 3)))
    found = ablated_positions(shown, image, stream, [np.random.default_rng(0)] * 2)
    assert set(found) == {OBJECT, REGISTERS, *(f"{ELSEWHERE} {draw}" for draw in range(DRAWS))}
    for name, where in found.items():
        assert where.sum(1).tolist() == [n_shown, n_shown]
        assert not (where & ~image).any()
        if name != OBJECT:
            assert not (where & shown).any()


def test_registers_are_the_longest_rows_that_do_not_show_the_object():
    image = torch.tensor([[False, True, True, True]])
    shown = torch.tensor([[False, True, False, False]])
    stream = torch.tensor([[[99.0], [50.0], [1.0], [-7.0]]])
    assert register_like(shown, image, stream).tolist() == [[False, False, False, True]]
