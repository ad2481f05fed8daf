"""All that the study of emergence found, as a result of Python: by attribute and readout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis.drawing.figures import draw_emergence
from analysis.effects.found import Finding
from analysis.emergence.found import Ladder, ReadoutsCompared, Said
from analysis.emergence.ladder_report import draw_ladder
from analysis.emergence.loudness_figure import draw_knows_and_sure, draw_scale
from analysis.emergence.readout_report import draw_readouts
from analysis.notebook.result import Picture, StudyResult, picture
from analysis.notebook.rows import Row
from analysis.wording import READOUT_NAMES, set_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Emerged:
    """What was found of each attribute."""

    attributes: Mapping[str, Mapping[str, Finding]] = field(default_factory=dict)
    """The findings by attribute, and then by readout."""
    compared: Mapping[str, ReadoutsCompared] = field(default_factory=dict)
    """The readouts side by side, where several were asked for."""
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    """The ladder of readers, where it was asked for from its foot to its top."""
    said: Mapping[str, Said] = field(default_factory=dict)
    """What the model says, where nothing else was asked for."""


def emergence_result(
    found: Emerged, folder: Path, sentences: tuple[str, ...] = ()
) -> StudyResult[Emerged]:
    """The result with a row for each attribute and readout, and its figures."""
    rows = tuple(
        _row(name, readout, each)
        for name, findings in found.attributes.items()
        for readout, each in findings.items()
    )
    return StudyResult(
        found=found, folder=folder, rows=rows, sentences=sentences, pictures=_pictures(found)
    )


def _row(name: str, readout: str, found: Finding) -> Row:
    at = found.lambda_half
    return {
        "attribute": name,
        "readout": READOUT_NAMES[readout],
        "outcome": found.outcome.replace("_", " "),
        "layer": None if at is None else at.estimate,
        "low": None if at is None else at.low,
        "high": None if at is None else at.high,
        "set": set_text(found.fb_half) if found.outcome == "emerged" else None,
        "plateau (share of H)": found.plateau_effect,
        "p (Holm)": found.omnibus_p_holm,
        "scenes": found.n_scenes,
    }


def _pictures(found: Emerged) -> dict[str, Picture]:
    """The figures by name: one of all attributes, then those of each."""
    if not found.attributes:
        return {}
    main = {name: next(iter(each.values())) for name, each in found.attributes.items()}
    pictures = {"emergence": picture(draw_emergence, main)}
    for name, one in main.items():
        pictures[f"knows and sure, {name}"] = picture(draw_knows_and_sure, one)
        pictures[f"scale, {name}"] = picture(draw_scale, one)
        if name in found.compared:
            pictures[f"readouts, {name}"] = picture(draw_readouts, found.attributes[name])
        if name in found.ladders:
            pictures[f"ladder, {name}"] = picture(draw_ladder, found.ladders[name])
    return pictures
