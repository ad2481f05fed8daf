"""The item-level tables behind the confusions: words' probabilities, and the likeliest answers."""

import numpy as np
import pandas as pd

from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings

_KEPT = ["item_id", "scene_id", "attribute", "answer"]


def word_rows(
    items: pd.DataFrame, words: WordReadings, *, wording: str, condition: str
) -> pd.DataFrame:
    """A table with a row per item, layer and word: `log2_p` is over the vocabulary, `share` among
    all words here.

    `wording` says how the question was put ("plain", or with "3D"), `condition` which image was
    shown ("real", or "shuffled" for another scene's).
    """
    n_items, n_layers, n_words = words.log2_p.shape
    rows = items.loc[items.index.repeat(n_layers * n_words), _KEPT].reset_index(drop=True)
    return rows.assign(
        wording=wording,
        condition=condition,
        layer=np.tile(np.repeat(np.arange(n_layers), n_words), n_items),
        word=np.tile(np.array(words.words, dtype=object), n_items * n_layers),
        log2_p=words.log2_p.astype(np.float32).ravel(),
        share=np.exp2(words.log2_share).astype(np.float32).ravel(),
    )


def answer_rows(readings: Readings) -> pd.DataFrame:
    """A table with a row per item and layer: the right `answer`, and the most probable one,
    `chosen`."""
    n_items, n_layers, _ = readings.real.shape
    rows = readings.items.loc[readings.items.index.repeat(n_layers), _KEPT].reset_index(drop=True)
    best = readings.real.argmax(axis=2).ravel()
    return rows.assign(
        layer=np.tile(np.arange(n_layers), n_items),
        chosen=np.array(readings.answers, dtype=object)[best],
    )
