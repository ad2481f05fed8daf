"""From held-out scores of probes to the numbers of one attribute, with intervals over scenes."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped
from numpy import ndarray

from analysis.probes.comparisons import Compared
from analysis.probes.control_comparison import DrawnControls
from analysis.probes.crossed_intervals import (
    CrossedInterval,
    crossed_interval,
    with_draws_error,
)
from analysis.probes.found import CONTROL_TASK, SEEN, UNSEEN, HeldOut, Probed, ProbedLayer
from analysis.readouts.taken import Readings
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.attributes import stream_key
from data_prep.items import attribute_of_items
from probes.linear_probe import DescriptionLength
from probes.scores import Scores
from stats import BootstrapInterval, ClusterShare, cluster_bootstrap, cluster_share, sign_flip_max_t
from stats.scenes import scene_rows

_NO_CONTROL = "no control task among what is compared: pass what `comparisons` gives"


def probe_results(
    readings: Readings,
    scores: Scores,
    told: Float[ndarray, "item layer"],
    compared: Sequence[Compared],
    length: DescriptionLength,
    study: Study,
    *,
    left_out: Sequence[str],
) -> Probed:
    """Results of one attribute. `told` is the probe's information in bits, `left_out` holds what
    was not measured and why.

    Means are over scenes, with intervals at the study's level, each for one layer alone; those of
    accuracies are intervals for shares (`cluster_share`). The intervals of selectivity and of the
    online code hold the error of the scenes and that of the draws, of control labels or of orders
    (`crossed_interval`). The p-values are one-sided, from sign flips of scenes, adjusted over
    layers by the maximum t: of information (beyond how often each answer occurs), of accuracy above
    the control task, and of accuracy lost in compositions that the probe has not seen.
    """
    by_name = {each.name: each for each in compared}
    estimate = _Estimates(readings, study)
    drawn = by_name[CONTROL_TASK].drawn
    if drawn is None:
        raise ValueError(_NO_CONTROL)
    columns: dict[str, list[float]] = {
        **estimate.shares("accuracy", scores.correct),
        **estimate.columns("information", told),
        **estimate.selectivity(drawn),
        "p_information": estimate.p(told, Stream.PROBE_TEST),
        **estimate.code(length),
    }
    if UNSEEN in by_name:
        gap = by_name[SEEN].scores.correct.astype(float) - by_name[UNSEEN].scores.correct
        columns |= estimate.columns("composition_gap", gap)
        columns["p_composition_gap"] = estimate.p(gap, Stream.PROBE_COMPOSITION)
    layers = [
        ProbedLayer(layer=layer, **{name: values[layer] for name, values in columns.items()})
        for layer in range(told.shape[1])
    ]
    items = readings.items
    counts = Counter(items["answer"])
    return Probed(
        n_scenes=len(set(items["scene_id"])),
        n_items=len(items),
        n_texts=len(set(items["question"])),
        n_types=len((items["question"] + items["answer"]).unique()),
        answers={answer: counts[answer] for answer in readings.answers},
        level=study.level,
        uniform_code_bits=length.uniform_bits,
        n_control_draws=len(drawn.gained),
        n_partitions=drawn.n_partitions,
        n_orders=len(length.item_bits),
        layers=tuple(layers),
        compared={each.name: estimate.rows(each) for each in compared},
        left_out=tuple(left_out),
    )


def score_rows(
    readings: Readings,
    scores: Scores,
    told: Float[ndarray, "item layer"],
    compared: Sequence[Compared],
) -> pd.DataFrame:
    """The table of item-level scores that is always kept; in rows of scores that have no layers,
    the layer is missing."""
    own = Compared(name="probe", by_layer=True, scores=scores, information=told)
    parts = []
    for each in [own, *compared]:
        n_items, n_layers = each.scores.bits.shape
        rows = readings.items.index.repeat(n_layers)
        part = readings.items.loc[rows, ["item_id", "scene_id", "attribute"]].reset_index(drop=True)
        layer = pd.Series(np.tile(np.arange(n_layers), n_items), dtype="Int16")
        part["layer"] = layer if each.by_layer else layer.mask(layer.notna())
        for score in ("bits", "correct", "brier"):
            part[score] = getattr(each.scores, score).astype(np.float32).ravel()
        part["information"] = each.information.astype(np.float32).ravel()
        parts.append(part.assign(source=each.name))
    return pd.concat(parts, ignore_index=True)


def _by_layer(
    name: str, found: BootstrapInterval | ClusterShare | CrossedInterval
) -> dict[str, list[float]]:
    return {
        name: found.estimate.tolist(),
        f"{name}_low": found.low.tolist(),
        f"{name}_high": found.high.tolist(),
    }


class _Estimates:
    """Computes means over scenes with their intervals, under the names of the result's fields."""

    def __init__(self, readings: Readings, study: Study) -> None:
        self._scenes = readings.items["scene_id"].to_numpy(dtype=str)
        self._study = study
        self._key = stream_key(attribute_of_items(readings.items))

    def _interval(
        self, values: Float[ndarray, "row layer"], scenes: ndarray | None = None
    ) -> BootstrapInterval:
        return cluster_bootstrap(
            values.astype(float),
            self._scenes if scenes is None else scenes,
            rng=self._study.rng(Stream.PROBE_INTERVALS, self._key),
            n_resamples=self._study.n_resamples,
            level=self._study.level,
        )

    def columns(self, name: str, values: Float[ndarray, "item layer"]) -> dict[str, list[float]]:
        """Estimate and interval ends by layer, by the name of the field."""
        return _by_layer(name, self._interval(values))

    def shares(self, name: str, correct: Shaped[ndarray, "item layer"]) -> dict[str, list[float]]:
        """Share of right answers and interval ends by layer, by the name of the field. The
        intervals lie within 0 to 1."""
        found = cluster_share(correct.astype(float), self._scenes, level=self._study.level)
        return _by_layer(name, found)

    def _crossed(
        self, values: Float[ndarray, "draw row layer"], scenes: ndarray
    ) -> CrossedInterval:
        alone = self._interval(values.mean(axis=0), scenes)
        return crossed_interval(values, scenes, alone=alone)

    def selectivity(self, drawn: DrawnControls) -> dict[str, list[float]]:
        """Selectivity in right answers and in bits by layer, with intervals over scenes and draws
        of the labels."""
        found = self._crossed(drawn.gained, self._scenes)
        gained = with_draws_error(drawn.gained.mean(axis=0), found)
        return {
            **_by_layer("selectivity", found),
            "selectivity_draw_deviation": found.draw_deviation.tolist(),
            **_by_layer("selectivity_bits", self._crossed(drawn.gained_bits, self._scenes)),
            "p_selectivity": self.p(gained, Stream.PROBE_SELECTIVITY),
        }

    def code(self, length: DescriptionLength) -> dict[str, list[float]]:
        """Length in bits of the code of all scenes' labels, with intervals over scenes and orders.

        The code of a scene's labels depends on the scenes before it. The interval does not cover
        that another sample would have other scenes there.
        """
        names, scene = np.unique(self._scenes, return_inverse=True)
        sums = np.zeros((len(length.item_bits), len(names), length.item_bits.shape[2]))
        for row, order in zip(sums, length.item_bits, strict=True):
            np.add.at(row, scene, order)
        found = self._crossed(sums * len(names), names)
        # No labels cost less than nothing, nor much less than a bit in all.
        low = np.maximum(found.low, min(1.0, found.estimate.min()))
        return {
            "code_bits": found.estimate.tolist(),
            "code_bits_low": low.tolist(),
            "code_bits_high": found.high.tolist(),
            "compression": (length.uniform_bits / found.estimate).tolist(),
            "compression_low": (length.uniform_bits / found.high).tolist(),
            "compression_high": (length.uniform_bits / low).tolist(),
        }

    def p(self, values: Float[ndarray, "item layer"], stream: Stream) -> list[float]:
        test = sign_flip_max_t(
            scene_rows(values, self._scenes),
            rng=self._study.rng(stream, self._key),
            n_resamples=self._study.n_resamples,
        )
        return test.p.tolist()

    def rows(self, each: Compared) -> tuple[HeldOut, ...]:
        """The scores of what the probe is compared with: one per layer, or a single one for what
        has no layers."""
        if each.drawn is None:
            columns = {
                **self.shares("accuracy", each.scores.correct),
                **self.columns("information", each.information),
            }
        else:
            columns = self._drawn_columns(each.drawn)
        n_rows = each.scores.bits.shape[1]
        return tuple(
            HeldOut(**{name: values[row] for name, values in columns.items()})
            for row in range(n_rows)
        )

    def _drawn_columns(self, drawn: DrawnControls) -> dict[str, list[float]]:
        """The scores of the control task: means over its draws, with intervals that hold the error
        of the draws."""
        alone = cluster_share(drawn.correct.mean(axis=0), self._scenes, level=self._study.level)
        accuracy = crossed_interval(drawn.correct, self._scenes, alone=alone)
        # Shares end in [0, 1], whatever the draws add.
        return {
            "accuracy": accuracy.estimate.tolist(),
            "accuracy_low": accuracy.low.clip(min=0).tolist(),
            "accuracy_high": accuracy.high.clip(max=1).tolist(),
            **_by_layer("information", self._crossed(drawn.information, self._scenes)),
        }
