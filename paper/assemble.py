"""Turns runs into the files of a report. Everything is made in memory first and then written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from analysis.wording import listed
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.terminal.progress import Progress
from paper.evidence.comparison import read_comparison
from paper.evidence.pooling import read_pooling
from paper.evidence.record import Record, RunRecord, read_record, read_validation
from paper.evidence.values import Value, Values
from paper.filling import Filled, fill
from paper.manifest import FILE_NAME, Asked, fingerprint, read_manifest
from paper.manifest import record as manifest
from paper.manuscript import Manuscript, manuscript, title_and_author
from paper.output.floats import Figure, FigureFormat, Table, drawn, figure_float, table_float
from paper.output.latex import HOW_TO_INSTALL, Typeset, require_pgf, tex_version, typeset
from paper.output.page import Material, page
from paper.prose.citations import Work, read_works

_PDF, _PAGE, _VALUES = "paper.pdf", "report.html", "values.json"


def build(asked: Asked, out: Path) -> list[str]:
    """Make the report in the folder `out` and return the lines to print: what was made and what is
    missing.

    UserError if the input cannot be used, such as more than 26 runs, or a damaged run.
    """
    letters = "abcdefghijklmnopqrstuvwxyz"
    if len(asked.runs) > len(letters):
        raise UserError(f"at most {len(letters)} runs fit in a paper, got {len(asked.runs)}")
    _make_folder(out)
    if asked.form == "pgf":
        require_pgf()
    inputs = fingerprint(asked)  # before they are read: what changes meanwhile is stale
    keys = letters if len(asked.runs) > 1 else ["run"]
    records = [_read_run(run, key, asked) for run, key in zip(asked.runs, keys, strict=False)]
    filled, left_out = fill(records, _joint(asked), read_validation(asked.validation))
    values = _values(filled, records, left_out)
    text = manuscript([(one.section, one.record, one.text) for one in filled], records)
    values.join(records, text.keys_of_all())
    works = read_works(_source("refs.bib"), "refs.bib")
    figures, tables = _floats(filled, asked.form)
    text.require_known(works, figures, tables)
    outputs = _project(text, values, figures, tables, asked)
    outputs[_VALUES] = (
        json.dumps(values.as_records(), indent=1, ensure_ascii=False) + "\n"
    ).encode("utf-8", "backslashreplace")  # half a character, as JSON writes it
    outputs[_PAGE] = _page(text, values, figures, tables, works)
    notes = list(left_out.values())
    made = _typeset(outputs, asked)
    if made is None:
        notes.append(f"no {_PDF}, TeX is not installed: {HOW_TO_INSTALL}")
    else:
        outputs[_PDF] = made.pdf
        notes += [f"{_PDF} has a box that stands out: {where}" for where in made.overfull]
    missing = [line for key, line in left_out.items() if key[0] != "validation"]
    record = manifest(inputs, outputs, _made_from(filled, outputs), missing)
    _write(out, outputs, record)
    main = [name for name in (_PDF, _PAGE, _VALUES) if name in outputs]
    notes.append(f"{out}: {listed(main)}, {len(figures)} figures, {len(tables)} tables")
    return notes


def _read_run(run: Path, key: str, asked: Asked) -> RunRecord:
    return replace(read_record(run, key), pooled=asked.pooling is not None)


def _joint(asked: Asked) -> dict[str, Record]:
    """The studies over all runs that were asked for: "comparison" and "pooling", each with its
    record. A study for which no folder is known is left out of the dict."""
    found: dict[str, Record] = {}
    if asked.comparison is not None:
        found["comparison"] = read_comparison(asked.comparison)
    if asked.pooling is not None:
        found["pooling"] = read_pooling(asked.pooling)
    return found


def _values(
    filled: Sequence[Filled],
    records: Sequence[RunRecord],
    left_out: Mapping[tuple[str, str], str],
) -> Values:
    values = Values()
    for one in filled:
        values.add(one.record, one.values)
    for record in records:
        names = [name.replace("_", " ") for key, name in left_out if key == record.key
                 and name != "version"]  # fmt: skip
        said = (
            f"It does not hold what would fill these sections: {listed(names)}."
            if names
            else "Every section that this version knows is filled."
        )
        values.add(record, [Value(key="left-out", text=said, where="studies")])
    return values


def _floats(
    filled: Sequence[Filled], form: FigureFormat
) -> tuple[dict[str, tuple[Figure, dict[str, bytes]]], dict[str, Table]]:
    """Draw all figures and collect all tables. Both are keyed "run-name", such as "a-effect"; a
    figure comes with its file contents by file ending."""
    asked = [(one.record.key, figure) for one in filled for figure in one.figures]
    figures = {
        f"{run}-{figure.name}": (figure, drawn(figure, form))
        for run, figure in Progress(asked, what="draw", unit="figure", leave=False)
    }
    tables = {f"{one.record.key}-{table.name}": table for one in filled for table in one.tables}
    return figures, tables


def _project(
    text: Manuscript,
    values: Values,
    figures: Mapping[str, tuple[Figure, Mapping[str, bytes]]],
    tables: Mapping[str, Table],
    asked: Asked,
) -> dict[str, bytes]:
    """The files that LaTeX needs, content by file name. Together they can be typeset without
    Onset."""
    named = {**text.texts, **text.generated, "values.tex": values.as_tex()}
    named["refs.bib"] = _source("refs.bib")
    named["settings.tex"] = _settings(asked)
    for key, (figure, _) in figures.items():
        run = key.partition("-")[0]
        named[f"figures/{key}.tex"] = figure_float(figure, run, asked.form, text.place(key))
    for key, table in tables.items():
        run = key.partition("-")[0]
        named[f"tables/{key}.tex"] = table_float(table, run, text.place(key))
    project = {name: content.encode() for name, content in named.items()}
    for key, (_, content) in figures.items():
        project |= {f"figures/{key}.{ending}": data for ending, data in content.items()
                    if ending in ("pdf", "pgf")}  # fmt: skip
    return project


def _settings(asked: Asked) -> str:
    """The content of settings.tex: the lines of the LaTeX preamble that depend on how the report
    was asked for (its date and the format of its figures)."""
    lines = ["% Made by paper.build."]
    if asked.source_date_epoch is None:
        lines.append(r"\pdfinfoomitdate=1")
    if asked.form == "pgf":
        # matplotlib writes \mathdefault around the numbers of logarithmic axes.
        lines += [r"\usepackage{pgf}", r"\providecommand{\mathdefault}[1]{#1}"]
    return "\n".join([*lines, ""])


def _page(
    text: Manuscript,
    values: Values,
    figures: Mapping[str, tuple[Figure, Mapping[str, bytes]]],
    tables: Mapping[str, Table],
    works: Mapping[str, Work],
) -> bytes:
    title, author = title_and_author()
    material = Material(values=values, figures=figures, tables=tables, works=works)
    return page(text.placed(), title, author, material)


def _typeset(outputs: Mapping[str, bytes], asked: Asked) -> Typeset | None:
    if tex_version() is None:
        return None
    needed = {name: content for name, content in outputs.items()
              if name not in (_VALUES, _PAGE)}  # fmt: skip
    return typeset(needed, asked.source_date_epoch)


def _made_from(filled: Sequence[Filled], outputs: Mapping[str, bytes]) -> dict[str, list[str]]:
    """For each output file, the inputs it depends on, given as the beginnings of their names.

    The manifest holds this mapping, so that `--check` can say which files are stale.
    """
    made: dict[str, list[str]] = {}
    shared = ["paper/evidence", "paper/output/floats.py", "paper/prose/escape.py",
              "analysis/"]  # fmt: skip
    runs = list(dict.fromkeys(one.record.key for one in filled if one.section.about == "run"))
    for one in filled:
        if one.section.about == "run":
            own = [f"run {runs.index(one.record.key)}: "]
        else:
            own = [one.section.about]
        own += [*one.section.also_from, f"paper/sections/{one.section.name}.py",
                "paper/sections/section.py", *shared]  # fmt: skip
        stem = f"{one.record.key}-"
        made[f"sections/{stem}{one.section.name}.tex"] = own
        for table in one.tables:
            made[f"tables/{stem}{table.name}.tex"] = [*own, "version of pandas"]
        for figure in one.figures:
            for ending in ("tex", "pdf", "pgf"):
                made[f"figures/{stem}{figure.name}.{ending}"] = [
                    *own, "paper/drawing", "version of matplotlib", "format"
                ]  # fmt: skip
    inputs = ["run ", "comparison", "pooling", "validation", "paper/"]
    everything = [*inputs, "analysis/", "probes/", "version of"]
    made |= dict.fromkeys([_PAGE, _VALUES, "values.tex"], everything)
    made |= {name: [f"paper/{name}"] for name in outputs
             if name in ("refs.bib", "paper.tex") or name.startswith("text/")}  # fmt: skip
    made[_PDF] = [""]
    for name in ("results", "appendix", "shown"):
        made[f"text/{name}.tex"] = inputs
    made["settings.tex"] = ["SOURCE_DATE_EPOCH", "format", "paper/assemble.py"]
    return {name: sources for name, sources in made.items() if name in outputs or name == _PDF}


def _source(name: str) -> str:
    return files("paper").joinpath(name).read_text(encoding="utf-8")


def _write(out: Path, outputs: Mapping[str, bytes], record: bytes) -> None:
    """Write each output either whole or not at all, with the manifest last. Files of an earlier
    report that are no longer made are removed."""
    former = read_manifest(out) or {"outputs": {}}
    for name in outputs:
        _make_folder((out / name).parent)
    try:
        for name, content in _changed(out, outputs):
            write_durably(out / name, content)
        for name in former["outputs"]:
            path = (out / name).resolve()
            if name not in outputs and path.is_relative_to(out.resolve()):
                with suppress(FileNotFoundError):
                    path.unlink()
        write_durably(out / FILE_NAME, record)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {out}: {error.strerror}: choose another folder with --out"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}: choose another with --out"
        ) from error


def _changed(out: Path, outputs: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, content in outputs.items():
        if not (out / name).is_file() or (out / name).read_bytes() != content:
            yield name, content
