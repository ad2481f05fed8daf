"""From held-out scores of probes to the numbers of one attribute, with intervals over scenes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped
from numpy import ndarray

from analysis.readings.probe_comparisons import SEEN, UNSEEN, Compared
from analysis.readings.readings import Readings
from analysis.runs.study import Study
from data_prep.attributes import stream_key
from probes.linear_probe import DescriptionLength, selectivity
from probes.scores import Scores
from stats import BootstrapInterval, ClusterShare, cluster_bootstrap, cluster_share, sign_flip_max_t

_STAGE = 4
_INTERVALS, _SELECTIVITY, _INFORMATION, _COMPOSITION = range(4)


def probe_results(
    readings: Readings,
    scores: Scores,
    told: Float[ndarray, "item layer"],
    compared: Sequence[Compared],
    length: DescriptionLength,
    study: Study,
) -> dict[str, Any]:
    """Results of one attribute, as plain numbers; `told` is the probe's information in bits.

    Means over scenes with intervals at the study's level, each alone; those of accuracies are those
    of shares (`cluster_share`). The p-values are
    one-sided sign flips of scenes, adjusted over layers by the maximum t: of information (beyond
    how often each answer occurs), of accuracy above the control task, and of accuracy lost in
    compositions that the probe has not seen.
    """
    by_name = {each.name: each for each in compared}
    estimate = _Estimates(readings, study)
    control = by_name["control task"].scores
    gained = selectivity(scores.correct.astype(float), control.correct.astype(float))
    n_layers = gained.shape[1]
    columns: dict[str, list[float]] = {
        **estimate.shares("accuracy", scores.correct),
        **estimate.columns("information", told),
        **estimate.columns("selectivity", gained),
        "selectivity_bits": estimate.means(selectivity(told, by_name["control task"].information)),
        "p_selectivity": estimate.p(gained, _SELECTIVITY),
        "p_information": estimate.p(told, _INFORMATION),
        "code_bits": length.bits.tolist(),
        "compression": length.compression.tolist(),
    }
    if UNSEEN in by_name:
        gap = by_name[SEEN].scores.correct.astype(float) - by_name[UNSEEN].scores.correct
        columns |= estimate.columns("composition_gap", gap)
        columns["p_composition_gap"] = estimate.p(gap, _COMPOSITION)
    layers = [
        {"layer": layer, **{name: values[layer] for name, values in columns.items()}}
        for layer in range(n_layers)
    ]
    return {
        "n_scenes": len(set(readings.items["scene_id"])),
        "n_items": len(readings.items),
        "n_texts": len(set(readings.items["question"])),
        "n_types": len((readings.items["question"] + readings.items["answer"]).unique()),
        "answers": readings.items["answer"]
        .value_counts()
        .reindex(list(readings.answers))
        .to_dict(),
        "level": study.level,
        "uniform_code_bits": length.uniform_bits,
        "layers": layers,
        "compared": {each.name: estimate.rows(each) for each in compared},
    }


def score_rows(
    readings: Readings,
    scores: Scores,
    told: Float[ndarray, "item layer"],
    compared: Sequence[Compared],
) -> pd.DataFrame:
    """The item-level rows that are always kept; what has no layers has no layer."""
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


def _by_layer(name: str, found: BootstrapInterval | ClusterShare) -> dict[str, list[float]]:
    return {
        name: found.estimate.tolist(),
        f"{name}_low": found.low.tolist(),
        f"{name}_high": found.high.tolist(),
    }


class _Estimates:
    """Means over scenes, with what belongs to them."""

    def __init__(self, readings: Readings, study: Study) -> None:
        self._scenes = readings.items["scene_id"].to_numpy(dtype=str)
        self._study = study
        self._key = stream_key(str(readings.items["attribute"].iloc[0]))

    def _interval(self, values: Float[ndarray, "item layer"]) -> BootstrapInterval:
        return cluster_bootstrap(
            values.astype(float),
            self._scenes,
            rng=self._study.rng(_STAGE, self._key, _INTERVALS),
            n_resamples=self._study.n_resamples,
            level=self._study.level,
        )

    def columns(self, name: str, values: Float[ndarray, "item layer"]) -> dict[str, list[float]]:
        """Estimate and interval by layer."""
        return _by_layer(name, self._interval(values))

    def shares(self, name: str, correct: Shaped[ndarray, "item layer"]) -> dict[str, list[float]]:
        """The same of right answers, with intervals that end in [0, 1]."""
        found = cluster_share(correct.astype(float), self._scenes, level=self._study.level)
        return _by_layer(name, found)

    def means(self, values: Float[ndarray, "item layer"]) -> list[float]:
        return self._by_scene(values).mean(axis=0).tolist()

    def p(self, values: Float[ndarray, "item layer"], purpose: int) -> list[float]:
        test = sign_flip_max_t(
            self._by_scene(values),
            rng=self._study.rng(_STAGE, self._key, purpose),
            n_resamples=self._study.n_resamples,
        )
        return test.p.tolist()

    def rows(self, each: Compared) -> list[Mapping[str, float]]:
        """Per layer, or once for what has no layers."""
        columns = {
            **self.shares("accuracy", each.scores.correct),
            **self.columns("information", each.information),
        }
        n_rows = each.scores.bits.shape[1]
        return [{name: values[row] for name, values in columns.items()} for row in range(n_rows)]

    def _by_scene(self, values: Float[ndarray, "item layer"]) -> Float[ndarray, "scene layer"]:
        _, scene = np.unique(self._scenes, return_inverse=True)
        sums = np.zeros((scene.max() + 1, values.shape[1]))
        np.add.at(sums, scene, values)
        return sums / np.bincount(scene)[:, None]
