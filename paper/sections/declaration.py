"""Appendix: what was declared before looking, what it was made with, and what is missing."""

from collections.abc import Iterator

import pandas as pd

from paper.evidence.record import IDENTITY, RunRecord
from paper.evidence.values import Value
from paper.output.floats import Table
from paper.sections.section import Section

_TEXT = r"""
\section{Study declaration and environment}\label{sec:\run:declaration}
The results come from the run \texttt{\val{run}}.
\tabref{declaration} is the declared plan of the run; what follows from the defaults is written out.
Its hash, the revision of the model and the fingerprint of the data are part of every file of the
run, and a report is refused if they do not agree. All random draws follow from the seed, each stage
with a stream of its own. \val{left-out} \tabref{environment} lists the software that the run was
made with.

\placetable{declaration}
\placetable{environment}
"""
_MEANINGS = {
    "model": "model", "revision": "revision asked for", "dtype": "number format", "data": "data",
    "contrast": "contrast folder", "columns": "columns", "ask": "own texts",
    "negatives": "absent categories", "skip_broken": "broken images skipped",
    "min_scenes_per_answer": "least scenes per answer",
    "scenes": "limit on scenes", "questions": "questions", "lens_attributes": "lens trained on",
    "min_scenes_per_text": "least scenes per text", "swaps": "swapped images per item, if needed",
    "margin": "margin (share of H)",
    "plateau": "plateau window", "horizon": "horizon (layer)", "level": "level",
    "n_resamples": "resamples", "seed": "seed",
}  # fmt: skip
_OF_CAPTURE = frozenset(
    {
        "revision", "dtype", "quantize", "attention", "prompt_style", "contrast", "columns", "ask",
        "negatives", "skip_broken", "min_scenes_per_answer", "questions", "whole_words", "swaps",
        "lens_attributes",
    }
)  # fmt: skip
"""What says nothing of a run whose scores were captured elsewhere."""
_DEFAULTS = {"revision": "none", "scenes": "all", "plateau": "last quarter of the layers",
             "horizon": "last layer"}  # fmt: skip
_PIECE = 16


def _text(record: RunRecord) -> str:
    return _TEXT


def _values(record: RunRecord) -> Iterator[Value]:
    yield Value(key="run", text=record.folder.name, where="plan", source=IDENTITY)


def _tables(record: RunRecord) -> Iterator[Table]:
    rows = []
    given = record.results.data.startswith("scores:")
    for name, value in record.plan.items():
        if given and name in _OF_CAPTURE:
            continue
        shown = _DEFAULTS.get(name, "none") if value is None else _said(name, value)
        rows.append({"declared": _MEANINGS.get(name, name.replace("_", " ")), "value": shown})
    found = record.results
    for name, digits in (
        ("study hash", found.study_hash),
        ("model revision", found.model_revision),
        ("data fingerprint", found.data_fingerprint),
    ):
        rows.append({"declared": name, "value": _spaced(digits)})
    yield Table(
        name="declaration",
        caption="The study as it was declared, with the hash that is made of it.",
        frame=pd.DataFrame(rows),
        align="l(9)",
    )
    versions = [
        {"software": name, "version": text} for name, text in sorted(found.versions.items())
    ]
    yield Table(
        name="environment",
        caption="Software that the results were made with.",
        frame=pd.DataFrame(versions),
        align="ll",
    )


def _said(name: str, value: object) -> str:
    if name in ("model", "data", "contrast") and isinstance(value, str):
        # Where it lies on somebody's disk is nobody's business.
        return value.rstrip("/").split("/")[-1]
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items()) or "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        # Layers of a window, or names.
        ends = name in ("plateau", "horizon")
        return f"{value[0]} to {value[-1]}" if ends else ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _spaced(text: str) -> str:
    """The hash `text` cut into short pieces by spaces, so that it can be broken over lines and
    compared by eye."""
    kind, colon, digits = text.rpartition(":")
    pieces = [digits[start : start + _PIECE] for start in range(0, len(digits), _PIECE)]
    return kind + colon + " ".join(pieces)


SECTION = Section(
    name="declaration",
    place=10,
    part="appendix",
    made_by="python -m analysis.emergence --run {run}",
    holds=lambda record: True,
    text=_text,
    values=_values,
    tables=_tables,
)
