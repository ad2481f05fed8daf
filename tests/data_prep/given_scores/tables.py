"""A small table of scores, as a capture elsewhere would write it."""

import numpy as np
import pandas as pd

from data_prep.given_scores.from_arrays import scores_table

N_ITEMS, N_LAYERS = 6, 3
ANSWERS = ("red", "blue", "green")


def small_table(n_swaps: int = 0) -> pd.DataFrame:
    """Six items of one attribute at three layers, under the real and the blank image."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame(
        {
            "item": [f"i{n}" for n in range(N_ITEMS)],
            "scene": [f"s{n}" for n in range(N_ITEMS)],
            "attribute": "color",
            "text": "What color is it?",
            "answer": [ANSWERS[n % 3] for n in range(N_ITEMS)],
        }
    )
    shape = (2 + n_swaps, N_ITEMS, N_LAYERS, len(ANSWERS))
    real, blank, *swaps = np.log(rng.dirichlet(np.ones(len(ANSWERS)), shape[:-1]))
    return scores_table(
        items, ANSWERS, real=real, blank=blank, swapped=np.stack(swaps) if swaps else None
    )
