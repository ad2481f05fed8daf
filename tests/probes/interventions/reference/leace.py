"""Reference values for test_erasure.py, by the package of the paper's authors. Run with

    python tests/probes/interventions/reference/leace.py \
        > tests/probes/interventions/reference/leace.json

with torch and concept-erasure 0.2.4 installed. Its shrinkage of the covariance, its bound on the
trace and its cut of small singular values are no part of the theorem and are switched off.
"""

import json

import torch
from concept_erasure import LeaceFitter  # pyright: ignore[reportMissingImports]


def data(n_items: int, width: int, n_classes: int, rank: int):
    """Rows whose first units tell the class, mixed, of low rank if asked for.

    By sines and not by a generator, so that every version of every library has the same numbers.
    """
    place = torch.arange(n_items * rank, dtype=torch.float64).view(n_items, rank)
    labels = (torch.arange(n_items) ** 2 + torch.arange(n_items) // 3) % n_classes
    rows = torch.sin(0.1 * place**2 + 1) * 2
    rows[:, :n_classes] += 1.5 * torch.nn.functional.one_hot(labels, n_classes)
    mixing = torch.cos(0.37 * torch.arange(rank * width, dtype=torch.float64) ** 2)
    return rows @ mixing.view(rank, width) + 3, labels


CASES = {"two classes": (60, 5, 2, 5), "four classes": (200, 8, 4, 8), "low rank": (40, 9, 3, 6)}

if __name__ == "__main__":
    found = {}
    for name, sizes in CASES.items():
        rows, labels = data(*sizes)
        one_hot = torch.nn.functional.one_hot(labels).double()
        eraser = LeaceFitter.fit(
            rows, one_hot, shrinkage=False, constrain_cov_trace=False, svd_tol=1e-9
        ).eraser
        found[name] = [[round(value, 12) for value in row] for row in eraser(rows[:6]).tolist()]
    print(json.dumps(found, indent=1))
