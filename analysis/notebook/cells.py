"""The cells of a study's notebook, from its study file: install, data, look first, ask, see.

All code is plain Python without commands of the notebook, so that it runs anywhere.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from analysis.commands.study_file import StudyFile

_COCO = "http://images.cocodataset.org"
_ARCHIVES = {
    "coco": (f"{_COCO}/zips/val2017.zip", f"{_COCO}/annotations/annotations_trainval2017.zip"),
    "clevr": ("https://dl.fbaipublicfiles.com/clevr/CLEVR_v1.0.zip",),
}
_FIRST, _OF_THEIR_OWN = "emergence", ("concept", "ablation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a notebook."""

    kind: Literal["markdown", "code"]
    source: str


def study_cells(study: StudyFile, name: str, *, shipped: bool) -> list[Cell]:
    """The cells in their order. `name` is that of the shipped study, or of the file that a cell
    writes so that the notebook needs nothing but itself."""
    return [*_begin(study, name, shipped=shipped), *_data(study), *_ask(study)]


def _begin(study: StudyFile, name: str, *, shipped: bool) -> Iterator[Cell]:
    plan = study.plan
    yield Cell(
        kind="markdown",
        source=f"# {_plain(Path(name).stem)}\n\nModel `{_plain(plan.model)}`, data "
        f"`{_plain(plan.data)}`. Run the cells from above; what was measured before is not "
        "measured again.",
    )
    yield Cell(
        kind="code",
        source="""import importlib.util, subprocess, sys

ONSET = "/content/onset"  # where the repository is
if importlib.util.find_spec("analysis") is None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "-e"]
    subprocess.run([*pip, ONSET + "[quantize]"], check=True)
    sys.path.append(ONSET)""",
    )
    lines = ["from pathlib import Path", "", f"STUDY = {name!r}"]
    if not shipped:
        text = study.file.read_text(encoding="utf-8-sig")
        lines += [f"Path(STUDY).write_text({text!r}, encoding='utf-8')"]
    lines += [
        f"RUN = {f'runs/{Path(name).stem}'!r}",
        "OPTIONS = {}  # on a GPU of 16 GB: {'quantize': 4} for 7B, {'dtype': 'float32'} for 2B",
    ]
    yield Cell(kind="code", source="\n".join(lines))


def _data(study: StudyFile) -> Iterator[Cell]:
    kind, _, rest = study.plan.data.partition(":")
    folder = rest.partition(":")[0]
    if kind in _ARCHIVES:
        inside = folder if kind == "clevr" else "."  # COCO's archives hold no folder of their own
        yield Cell(
            kind="code",
            source=f"""import urllib.request, zipfile

if not Path({folder!r}).exists():  # gigabytes, once
    for url in {json.dumps(_ARCHIVES[kind])}:
        archive, _ = urllib.request.urlretrieve(url)
        with zipfile.ZipFile(archive) as files:
            files.extractall({f"{folder}.part"!r})
        Path(archive).unlink()
    Path({f"{folder}.part"!r}, {inside!r}).rename({folder!r})""",
        )
    elif study.plan.data != "bundled":
        also = f" and `{_plain(study.plan.contrast)}`" if study.plan.contrast else ""
        yield Cell(
            kind="markdown",
            source=f"Put your data where the study looks for them: `{_plain(rest)}`{also}, in the "
            "working folder.",
        )


def _ask(study: StudyFile) -> Iterator[Cell]:
    command = study_command(study)
    if command == _FIRST:
        yield Cell(
            kind="markdown",
            source="**Look first.** Is what is read what the model says? Twenty scenes tell.",
        )
        yield Cell(
            kind="code",
            source="""from analysis.emergence import run

print(run(study=STUDY, say=True, show_answers=True, scenes=20, **OPTIONS))""",
        )
    yield Cell(
        kind="code",
        source=f"from analysis.{command} import run\n\n"
        "result = run(study=STUDY, run=RUN, quiet=False, **OPTIONS)\nresult",
    )
    yield Cell(
        kind="code", source="result.table if result.rows else {name: len(table) for name, table in "
        "result.tables.items()}",
    )  # fmt: skip
    yield Cell(kind="code", source="if result.pictures:\n    result.draw()")
    yield Cell(
        kind="markdown",
        source="**Next.** Every study is a function of its package, and goes on with the same run:"
        "\n\n    from analysis.order import run\n    run(run=RUN)\n\n"
        "`run?` lists the options, and so does `!python -m analysis.order --help`. `result.found` "
        "holds every number, `result.tables` every table, `result.pictures` every figure. The "
        "folder `RUN` is all that is needed to go on elsewhere, without the model.",
    )


def study_command(study: StudyFile) -> str:
    """The command that a study file is made for: the main question, unless it holds options of one
    that asks something else."""
    return next((each for each in _OF_THEIR_OWN if each in study.options), _FIRST)


def _plain(text: str) -> str:
    """The text where nothing in it is read as markup."""
    return "".join(sign for sign in text if sign not in "`<>&\n")
