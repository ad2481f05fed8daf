"""The first calls of our functions are checked in every test, and later ones are not."""

import numpy as np
import pytest
from jaxtyping import Float, TypeCheckError, jaxtyped
from numpy import ndarray

from stats.resampling import resampled_means
from tests import first_calls


@jaxtyped(typechecker=first_calls.checked)
def doubled(values: Float[ndarray, "row column"]) -> Float[ndarray, "row column"]:
    return 2 * values


def test_wrong_shapes_are_found_until_there_were_many_calls_and_again_in_the_next_test():
    for _ in range(2):
        first_calls.next_test()
        with pytest.raises(TypeCheckError, match="values"):
            doubled(np.zeros(3))
        for _ in range(first_calls.CALLS):
            doubled(np.zeros((2, 2)))
        assert doubled(np.zeros(3)).shape == (3,)


def test_our_packages_are_checked():
    with pytest.raises(TypeCheckError, match="scenes"):
        resampled_means(np.zeros(2), rng=np.random.default_rng(0), n_resamples=9)
