"""How much the texts of questions tell about their answers."""

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
    times = items.groupby(["question", column]).size()
    return float(times.groupby(level="question").max().sum() / len(items))
