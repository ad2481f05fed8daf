"""What a study over several runs records about them, in the form that its file holds."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from analysis.typed import result

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
RunKey = Annotated[str, Field(pattern="^[a-z]$")]
"""The letter that stands for a run: a, b, ..."""
ReadoutName = Annotated[str, Field(pattern="^(logit_lens|tuned_lens|linear_probe)$")]
PValue = Annotated[float, Field(gt=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
_NAMED = ["onset", "python", "numpy", "scipy"]
Versions = Annotated[Mapping[str, str], Field(json_schema_extra={"required": list(_NAMED)})]
"""Versions of the software that results were made with, by the software's name."""


@result
class AboutRun:
    """One of the runs that the study is about."""

    key: RunKey
    label: Annotated[str, Field(min_length=1)]
    """The run's values of the fields in which the runs differ."""
    folder: str
    """The name of its folder, without the path."""
    model: str
    model_revision: Annotated[str, Field(min_length=1)]
    data: str
    data_fingerprint: Sha256
    study_hash: Sha256
    seed: Annotated[int, Field(ge=0)]
    versions: Versions


@result
class Differing:
    """A field in which the runs differ."""

    field: str
    values: tuple[str, ...]
    """The value of the field in each run, in words."""


def differ_sentence(differ: Sequence[Differing], runs: Sequence[AboutRun]) -> str:
    """A sentence that names the fields in which the runs differ, with their values."""
    fields = ", ".join(each.field.replace("_", " ") for each in differ)
    named = "; ".join(f"{run.key}: {run.label}" for run in runs)
    return f"The runs differ in {fields} ({named})."
