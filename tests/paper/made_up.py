"""A small finished run with every study in it: plausible, deterministic, and measured by nobody."""

import hashlib
import json
from pathlib import Path
from typing import Any

from analysis.run.format import FORMAT
from data_prep.files.sealed import sealed_comment
from tests.paper.made_up_absence import hallucination, mitigation
from tests.paper.made_up_causes import causes
from tests.paper.made_up_findings import (
    LAST,
    ONSETS,
    SHIFTS,
    finding,
    ladder,
    paraphrase,
    readouts,
    worlds,
)
from tests.paper.made_up_studies import (
    concept,
    confusion,
    examples,
    order,
    probe,
    trajectory,
    tuned_lens,
)
from tests.sealed import write_sealed


def results(folder: Path, last: int = LAST) -> dict[str, Any]:
    """Everything that results.json may hold; the images of the examples go into `folder`."""
    attributes = {
        name: {
            "readouts": {
                readout: finding(
                    name, onset=onset + SHIFTS[readout], last=last,
                    outcome="not_emerged" if name == "count" else "emerged",
                )
                for readout in SHIFTS
            }
        }
        for name, onset in ONSETS.items()
    }  # fmt: skip
    three = {name: ONSETS[name] for name in ("color", "shape", "material")}
    return {
        "attributes": attributes,
        "study_hash": "5" * 64,
        "seed": 0,
        "versions": {"onset": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0",
                     "numpy": "2.4.6", "scipy": "1.17.1", "pillow": "13.0.0", "python": "3.11.7"},
        "model": "bundled",
        "model_revision": "sha256:" + "d" * 64,
        "data": "bundled",
        "data_fingerprint": "a" * 64,
        "studies": {
            "probes": {
                "answer": {
                    name: probe(name, onset=ONSETS[name] - 0.9, last=last) for name in three
                }
            },
            "tuned_lens": tuned_lens(last),
            "readouts": {
                name: readouts({r: ONSETS[name] + shift for r, shift in SHIFTS.items()}, last)
                for name in three
            },
            "ladder": {name: ladder(name, last) for name in three},
            "worlds": worlds(),
            "paraphrase": {"color": paraphrase()},
            "order": order(three),
            "confusion": {"shape": confusion(last)},
            "causes": causes(last),
            "hallucination": hallucination(last),
            "mitigation": mitigation(),
            "concept": concept(last),
            "trajectory": trajectory(list(three), last),
            "examples": examples(folder, last),
        },
    }  # fmt: skip


def write_run(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """A run folder; `content` stands in for results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    content = results(folder) if content is None else content
    plan = {
        "model": "bundled", "revision": None, "dtype": "float32", "data": "bundled",
        "scenes": None, "questions": "referring", "min_scenes_per_text": 20, "swaps": 4,
        "margin": 0.05, "plateau": None, "horizon": None,
        "level": 0.95, "n_resamples": 10_000, "seed": 0,
    }  # fmt: skip
    identity = {name: content[name]
                for name in ("study_hash", "model_revision", "data_fingerprint")}  # fmt: skip
    declared = [f"{name} = {json.dumps(value)}" for name, value in plan.items()
                if value is not None]  # fmt: skip
    (folder / "study.toml").write_bytes(sealed_comment("\n".join(declared) + "\n"))
    write_sealed(folder / "identity.json", {"format": FORMAT} | identity | {"plan": plan})
    write_sealed(folder / "results.json", content)
    return folder


def few_studies(content: dict[str, Any]) -> dict[str, Any]:
    """The same results without the studies that draw most: for tests that are about others."""
    dear = ("causes", "hallucination", "mitigation", "trajectory", "confusion", "paraphrase")
    kept = {name: each for name, each in content["studies"].items() if name not in dear}
    return content | {"studies": kept}


def validation() -> dict[str, Any]:
    """What `analysis.validate` writes."""
    cases = (
        ("1", "max-T FWER, normal, n=50", 0.0515, 0.04, 0.06, "rate", "error"),
        ("1", "uncorrected fails, n=50", 0.46, 0.3, 1.0, "rate", "error"),
        ("2", "enumeration against a loop, difference", 1e-15, 0.0, 1e-12, "value", "number"),
        ("3", "bootstrap-t coverage, normal, 20 scenes", 0.948, 0.93, 0.97, "rate", "coverage"),
        ("3", "by item fails, normal, 20 scenes", 0.81, 0.0, 0.9, "rate", "coverage"),
        ("6", "power for a gap of 3 layers, d=.8, n=200", 0.99, 0.95, 1.0, "rate", "power"),
    )  # fmt: skip
    findings = [
        {"section": section, "claim": claim, "value": value, "low": low, "high": high,
         "kind": kind, "measures": measures,
         "repetitions": 2000 if kind == "rate" else None, "holds": low <= value <= high,
         "simulated": {"low": value - 0.01, "high": value + 0.01} if kind == "rate" else None}
        for section, claim, value, low, high, kind, measures in cases
    ]  # fmt: skip
    return {"repetitions": 2000, "seed": 0, "seconds": 321.5, "versions": {"numpy": "2.4.6"},
            "findings": findings}  # fmt: skip


def write_validation(folder: Path) -> Path:
    """validation.json in `folder`; gives the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "validation.json"
    file.write_text(json.dumps(validation()))
    return file


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
