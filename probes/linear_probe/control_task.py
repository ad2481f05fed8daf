"""Control tasks: labels that carry no information, to tell what a probe reads from what it learns.

Hewitt & Liang (2019), arXiv:1909.03368. Each *type* of input gets one random label for good, so
the labels can be learned by heart but not be read off. A probe that does well on them has the
capacity to do well on anything; what it does better on the real task, its selectivity, is what
the residual stream makes easy.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from data_prep.errors import UserError


def control_labels(
    types: Sequence[str],
    answer: Int[ndarray, " item"],
    *,
    n_answers: int,
    rng: np.random.Generator,
) -> Int[ndarray, " item"]:
    """A label per item that depends on its type only, with the task's own frequencies.

    `types` name what kind of input each item is, such as question and answer together: of one
    type there should be many items, else there is nothing to learn by heart. Types come in random
    order, and each gets the label that is furthest behind its frequency in the task: with labels
    drawn independently, few types would often make one label frequent, and guessing it would look
    like skill. Every answer of the task gets a type. The order of items does not matter.

    UserError with fewer types than answers.

    >>> types, answer = ["red", "red", "blue", "small"], np.array([0, 0, 1, 1])
    >>> labels = control_labels(types, answer, n_answers=2, rng=np.random.default_rng(0))
    >>> labels[:2].tolist(), sorted(labels.tolist())  # one label for one type
    ([0, 0], [0, 0, 0, 1])
    """
    names, member, size = np.unique(
        np.asarray(types, dtype=str), return_inverse=True, return_counts=True
    )
    wanted = np.bincount(answer, minlength=n_answers)
    used = np.flatnonzero(wanted)
    if len(names) < len(used):
        raise UserError(
            f"a control task needs at least as many types of input as answers ({len(used)}), got "
            f"{len(names)}: ask more kinds of questions"
        )
    order = rng.permutation(len(names)).tolist()
    label = np.empty(len(names), dtype=np.int64)
    first = np.array(order[: len(used)])
    label[first[np.argsort(size[first], kind="stable")]] = used[
        np.argsort(wanted[used], kind="stable")
    ]
    behind = wanted - np.bincount(label[first], weights=size[first], minlength=n_answers)
    for kind in order[len(used) :]:
        label[kind] = behind.argmax()
        behind[label[kind]] -= size[kind]
    return label[member]


def selectivity(
    task: Float[ndarray, "*draw item layer"], control: Float[ndarray, "*draw item layer"]
) -> Float[ndarray, "*draw item layer"]:
    """Task minus control, item by item, in the unit of the scores (correct or bits).

    About 0: the probe learns by heart whatever it is given. As large as the task's own gain over
    guessing: it reads.

    >>> task, control = np.array([[1.0], [1.0]]), np.array([[1.0], [0.0]])  # right or wrong
    >>> selectivity(task, control).mean().item()
    0.5
    """
    return task - control
