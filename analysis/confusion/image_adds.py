"""What the image adds to a competing word's lead: the lead under the own image minus that under
other images.

A model may prefer a word whatever it is shown. A random one does: its plain log-ratio is far from 0
in every scene, and a test against 0 always rejects.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from analysis.confusion.found import ImageAdds, Part
from analysis.confusion.rivals import Rivals
from analysis.readouts.taken import Readings
from analysis.readouts.word_readings import WordReadings
from data_prep.controls import strata
from stats import SignFlipTest, adjusted_p
from stats.scenes import codes, scene_rows
from stats.swapped_images import scene_pseudo_values


def added_rows(
    readings: Readings, words: WordReadings, rivals: Rivals, shuffled: Rivals
) -> Float[ndarray, "scene layer"]:
    """A row per scene whose mean is the ratio under own images minus that under other scenes'.

    Rows may be redrawn and flipped as independent scenes. Where a text serves several scenes, the
    other images are those of all other scenes of the text, and rows are the jackknife
    pseudo-values of `stats.swapped_images`, since an image stands in for others' too: with one
    other image each, a scene would enter two rows with opposite signs, and the test would reject
    in .003 of null studies with three answers where it should in .05. Where every text serves one
    scene, each item has an image of its own beside it, that of `shuffled`.
    """
    scenes = readings.items["scene_id"].to_numpy(dtype=str)
    if readings.swapped is not None:
        return scene_rows(rivals.ratio - shuffled.ratio, scenes[rivals.rows])
    texts = strata(readings.items).to_numpy()
    # Another text's images stand in for none of these.
    among = np.flatnonzero(np.isin(texts, texts[rivals.rows]))
    answer_of = readings.items["answer"].to_numpy(dtype=str)[among]
    # One column per pair, and one of zeros for the answers that are not compared.
    table = np.zeros((len(among), len(rivals.pairs) + 1, rivals.ratio.shape[1]))
    labels = np.full(len(among), len(rivals.pairs))
    for place, (right, near) in enumerate(rivals.pairs):
        table[:, place] = words.share_of(near)[among] - words.share_of(right)[among]
        labels[answer_of == right] = place
    stratum, scene = (codes(each[among], len(among), name="items") for each in (texts, scenes))
    rows = scene_pseudo_values(table, labels, stratum, scene)
    # Mean over the scenes that are compared, where it was one over all that stand in for them.
    weight = 1 / np.bincount(scene)[scene]
    return rows * len(rows) / weight[labels < len(rivals.pairs)].sum()


def parts(tests: list[SignFlipTest], level: float) -> list[ImageAdds]:
    """The tests of all pairs, with their p-values adjusted for each other (Holm), and what is shown
    at the last layer.

    `p_holm` adjusts the omnibus p-values, for "the image adds nothing at any layer". What is shown
    at the last layer goes by the p-values of that layer, which are adjusted over layers already and
    by Holm's method over the pairs.
    """
    over_all = adjusted_p(np.array([test.omnibus_p for test in tests])).tolist()
    at_last = adjusted_p(np.array([float(test.p[-1]) for test in tests])).tolist()
    return [
        ImageAdds(omnibus_p=test.omnibus_p, p_holm=p, at_last_layer=_part(test, last, level))
        for test, p, last in zip(tests, over_all, at_last, strict=True)
    ]


def part_alone(test: SignFlipTest, level: float) -> ImageAdds:
    """What is shown by a single test, which is not adjusted for other pairs."""
    last = _part(test, float(test.p[-1]), level)
    return ImageAdds(omnibus_p=test.omnibus_p, at_last_layer=last)


def _part(test: SignFlipTest, p: float, level: float) -> Part:
    if p > 1 - level + 1e-12:
        return "not shown"
    return "adds" if test.mean[-1] > 0 else "takes"
