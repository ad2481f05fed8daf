"""A made-up comparison of two runs: one pair that differs, one that has no depth to compare."""

from pathlib import Path
from typing import Any

from analysis.compare.found import Compared
from analysis.typed import read_back
from tests.sealed import write_sealed

VERSIONS = {"onset": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "scipy": "1.17.1"}


def comparison(*hashes: str, label: str = "Other_VLM-7B") -> dict[str, Any]:
    """compare.json of two runs with these study hashes."""
    runs = [
        {"key": key, "label": name, "folder": f"run-{key}", "model": name, "model_revision": key,
         "data": "bundled scenes", "data_fingerprint": "a" * 64, "study_hash": study_hash,
         "seed": 0, "versions": VERSIONS}
        for key, name, study_hash in zip("ab", ("bundled model", label), hashes, strict=True)
    ]  # fmt: skip
    arms = [arm(name, key) for name in ("color", "count") for key in "ab"]
    return {
        "comparison_hash": "c" * 64,
        "plan": {"margin": 0.1, "level": 0.95, "n_resamples": 10_000, "seed": 0},
        "versions": VERSIONS,
        "runs": runs,
        "differ": [{"field": "model", "values": [run["label"] for run in runs]}],
        "arms": arms,
        "comparisons": [difference("color"), difference("count") | {
            "depth": None, "no_depth": "outcome", "verdict": "not_compared"}],
    }  # fmt: skip


def found_of(content: dict[str, Any]) -> Compared:
    """The same with its type."""
    return read_back(Compared, content, "a made-up comparison")


def arm(name: str, key: str) -> dict[str, Any]:
    emerged = name == "color"
    at = 0.4 if key == "a" else 0.62
    last, whole = (6, (3, 3, 3)) if key == "a" else (12, (8, 8, 9))
    layer = {end: layer / last for end, layer in zip(("estimate", "low", "high"), whole,
                                                     strict=True)}  # fmt: skip
    share = {"estimate": 0.8, "low": 0.75, "high": 0.85}
    return {
        "run": key, "attribute": name, "readout": "logit_lens",
        "outcome": "emerged" if emerged else "not_emerged",
        "monotone": True,
        "depth": {"estimate": at, "low": at - 0.03, "high": at + 0.05, "level": 0.95,
                  "layer": layer} if emerged else None,
        "last_layer": last, "n_scenes": 240, "n_items": 250,
        "correct": share, "right_probability": share,
        "top_probability": None if key == "b" else share,
    }  # fmt: skip


def difference(name: str) -> dict[str, Any]:
    p = {"p": 0.0002, "p_holm": 0.0004}
    change = {"estimate": -0.03, "low": -0.06, "high": 0.01, **p}
    depths = [{"depth": place / 6, "estimate": -0.2, "low": -0.3, "high": -0.1, "p": 0.01}
              for place in range(7)]  # fmt: skip
    return {
        "attribute": name,
        "first": {"run": "a", "readout": "logit_lens"},
        "second": {"run": "b", "readout": "logit_lens"},
        "paired": True, "n_scenes": [235, 235], "n_shared": 235,
        "depth": {"depths": [0.4, 0.62], "layer_depths": [0.5, 8 / 12],
                  "estimate": 0.22, "low": 0.17, "high": 0.28, **p,
                  "beyond": 1 / 6, "p_beyond": 0.015, "p_beyond_holm": 0.015,
                  "low_equivalence": 0.18, "high_equivalence": 0.27, "p_equivalence": 1.0,
                  "p_equivalence_holm": 1.0},
        "no_depth": None, "verdict": "later",
        "curve": {"omnibus_p": 0.01, "omnibus_p_holm": 0.02, "depths": depths},
        "correct": change, "right_probability": change, "top_probability": None,
    }  # fmt: skip


def write_comparison(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    write_sealed(folder / "compare.json", content)
    return folder
