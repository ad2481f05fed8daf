"""How much the texts of questions tell about their answers."""

from collections import Counter

import pandas as pd


def text_only_accuracy(items: pd.DataFrame, column: str = "answer") -> float:
    """The share of items that is right if every text gets the value of `column` that is most
    frequent for it.

    It is the best that can be done without an image by one who knows these very items, so it is
    above chance for texts that serve few items, even if they tell nothing. It is exactly .5 if
    every text has as many yes as no. ValueError if there are no items.

    >>> answers = ["yes", "no", "no", "no"]
    >>> text_only_accuracy(pd.DataFrame({"question": ["a", "a", "b", "b"], "answer": answers}))
    0.75
    """
    if items.empty:
        raise ValueError("need at least 1 item, got 0: give the items of a data set")
    counts: dict[str, Counter[object]] = {}
    for text, value in zip(items["question"], items[column], strict=True):
        counts.setdefault(text, Counter())[value] += 1
    return sum(max(each.values()) for each in counts.values()) / len(items)
