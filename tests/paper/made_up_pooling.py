"""A made-up pooling of three runs: a pair that is ordered, and an attribute that only one has."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.paper.made_up_comparison import VERSIONS
from tests.sealed import write_sealed

KEYS = "abc"


def pooling(*hashes: str, label: str = "Other_VLM-7B") -> dict[str, Any]:
    """pool.json of three runs with these study hashes."""
    names = ("bundled model", label, "third-model")
    runs = [
        {"key": key, "label": name, "folder": f"run-{key}", "model": name, "model_revision": key,
         "data": "bundled scenes", "data_fingerprint": "a" * 64, "study_hash": study_hash,
         "seed": 0, "versions": VERSIONS}
        for key, name, study_hash in zip(KEYS, names, hashes, strict=True)
    ]  # fmt: skip
    return {
        "pool_hash": "c" * 64,
        "plan": {"level": 0.9, "n_resamples": 2_000, "seed": 0},
        "readout": "logit_lens",
        "versions": VERSIONS,
        "runs": runs,
        "differ": [{"field": "model", "values": list(names)},
                   {"field": "dtype", "values": ["float32", "float16", "float32"]}],
        "left_out": {"size": ["a"]},
        "shared_scenes": [["a", "b"]],
        "attributes": [attribute("color", (0.30, 0.34, 0.28)),
                       attribute("shape", (0.62, 0.60, 0.66)), lone("count")],
        "differences": [
            difference("color", "shape", (0.32, 0.26, 0.38)),
            unpooled("color", "count"),
            unpooled("shape", "count", link=True),
        ],
        "order": {"chain": ["color", "shape", "count"], "chain_p": None,
                  "orders": [{"order": ["color", "shape", "count"], "runs": ["a"]}],
                  "without": ["b", "c"]},
    }  # fmt: skip


def pool(estimates: Sequence[float], *, unit: float = 1.0, least: float = 0.0) -> dict[str, Any]:
    """One quantity; not what a random-effects model gives, but all of its parts."""
    mean = sum(estimates) / len(estimates)
    middle = {"mean": mean * unit, "standard_error": 0.02 * unit, "shared_error": 0.005 * unit,
              "low": (mean - 0.07) * unit, "high": (mean + 0.07) * unit, "p": 0.0004}  # fmt: skip
    return {
        "models": [{"run": key, "estimate": each * unit, "standard_error": 0.01 * unit,
                    "weight": 1 / 3, "n_scenes": 240}
                   for key, each in zip(KEYS, estimates, strict=True)],
        "weighted": middle, "unweighted": middle,
        "tau": 0.031 * unit, "tau_low": 0.0, "tau_high": 0.25 * unit, "i2": 0.42, "q": 5.1,
        "q_p": 0.08, "predicted_low": max(least, mean - 0.55) * unit,
        "predicted_high": min(1.0, mean + 0.55) * unit,
        "leave_one_out": [{"run": key, "mean": (3 * mean - each) / 2 * unit,
                           "low": (mean - 0.2) * unit, "high": (mean + 0.2) * unit,
                           "tau": 0.02 * unit}
                          for key, each in zip(KEYS, estimates, strict=True)],
        "largest_correlation": 0.12,
    }  # fmt: skip


def attribute(name: str, depths: Sequence[float]) -> dict[str, Any]:
    return {
        "attribute": name, "outcomes": dict.fromkeys(KEYS, "emerged"), "n_emerged": 3,
        "depth": pool(depths), "layer": pool(depths, unit=8.0), "not_pooled": None,
    }  # fmt: skip


def lone(name: str) -> dict[str, Any]:
    """An attribute that has a layer with one model only."""
    return {
        "attribute": name,
        "outcomes": {"a": "emerged", "b": "not_emerged", "c": "not_monotone"}, "n_emerged": 1,
        "depth": None, "layer": None,
        "not_pooled": "it has a layer in 1 of the runs, a mean needs 3",
    }  # fmt: skip


def difference(first: str, second: str, differences: Sequence[float]) -> dict[str, Any]:
    return {
        "first": first, "second": second, "link": True, "n_both": 3,
        "depth": pool(differences, least=-1.0), "beyond": 1 / 8, "p_beyond": 0.015,
        "p_earlier": 0.0075, "p_beyond_holm": 0.015, "verdict": "first_earlier",
        "n_first_earlier": 3, "n_first_beyond": 3, "n_second_beyond": 0, "not_pooled": None,
    }  # fmt: skip


def unpooled(first: str, second: str, *, link: bool = False) -> dict[str, Any]:
    return {
        "first": first, "second": second, "link": link, "n_both": 1, "depth": None,
        "beyond": None, "p_beyond": None, "p_earlier": None, "p_beyond_holm": None,
        "verdict": "not_pooled", "n_first_earlier": 0, "n_first_beyond": 0,
        "n_second_beyond": 0, "not_pooled": "both have a layer in 1 of the runs, a mean needs 3",
    }  # fmt: skip


def write_pooling(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    write_sealed(folder / "pool.json", content)
    return folder
