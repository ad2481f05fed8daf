"""A page on which single items are looked at: where in the image, and from which layer on.

    python -m analysis.explore --run runs/my-study
    python -m analysis.explore --image cat.jpg --question "What animal is this?" --model FOLDER

Runs the model on the chosen items, with their own images and with the controls, reads every image
token and the answer position at every layer, and writes one HTML file that needs nothing else.
Where python -m analysis.causes has been run, a few of its pairs are shown as well, with what came
of every swap. Like examples, it carries no evidence: it shows what the curves are means of.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from analysis.commands.options import AttributeOptions, model_arguments, open_run, parse_options
from analysis.explore.packing import PROBABILITY_ERROR
from analysis.notebook.result import Say, StudyResult
from analysis.notebook.study import study_function
from analysis.readouts.registry import TUNED_LENS
from data_prep.errors import UserError, one_line_errors
from data_prep.files.durable import write_durably
from data_prep.files.output import require_output_file
from data_prep.option_rules import MOST_TOKENS, Within

if TYPE_CHECKING:
    from analysis.explore.lenses import Lens
    from analysis.explore.shown import Made

COMMAND = "python -m analysis.explore"
_ITEMS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Explore(AttributeOptions):
    """A page of single items: every image token and layer, under logit lens and tuned lens."""

    runs_more: ClassVar[bool] = True

    item: tuple[str, ...] = ()
    """Ids of the run's items to show; default: drawn at random, of each attribute in turn."""
    items: Annotated[int | None, Within(1, 10_000)] = None
    """How many are shown; default: 4, or as many of them as a page of 2 MB holds."""
    tokens: Annotated[int, Within(1, MOST_TOKENS)] = 5
    """Most probable tokens at each layer and place."""
    conditions: tuple[Literal["real", "shuffled", "blank"], ...] = ("real", "shuffled", "blank")
    """Which images an item is shown with: its own, another scene's, one of the mean color. With
    real alone three times as many items fit."""
    lens: Path | None = None
    """Folder of a tuned lens, in our format or that of the tuned-lens package; default: the one
    that python -m analysis.tuned_lens has put into the run, if it has."""
    allow_other_head: bool = False
    """Read a lens of the tuned-lens package all the same whose head is not the model's, as of a
    decoder that was trained further; the page says so."""
    image: Path | None = None
    """An image of your own, instead of a run's items."""
    question: str = ""
    """What to ask of --image."""
    other_image: Path | None = None
    """What stands for the shuffled image of --image."""
    answers: tuple[str, ...] = ()
    """With --image, the words to follow over the layers; default: the model's most probable."""
    out: Path | None = None
    """The page's file; default: explore.html in the run, or runs/explore-IMAGE.html."""

    def require_consistent(self) -> None:
        if "real" not in self.conditions:
            raise UserError(
                f"--conditions must name real, got {' '.join(self.conditions) or 'none'}: the "
                "others are seen against it"
            )
        if self.image is not None and not self.question.strip():
            raise UserError("--image needs a question about it, got none: give --question TEXT")
        if self.image is None:
            for name in ("question", "other_image", "answers"):
                if getattr(self, name):
                    option = f"--{name.replace('_', '-')}"
                    raise UserError(f"{option} belongs to an image of your own: give --image FILE")


def main(options: Explore, say: Say = print) -> StudyResult[Path]:
    """Reads what is to be shown and writes the page."""
    from analysis.explore.page import MOST_BYTES

    if options.out is not None:
        require_output_file(options.out, "--out")
    file, made = _of_run(options) if options.image is None else _of_own_image(options)
    write_durably(file, made.page)
    n_items = f"{made.n_items} item{'s' if made.n_items > 1 else ''}"
    if made.n_pairs:
        n_items += f", {made.n_pairs} pair{'s' if made.n_pairs > 1 else ''}"
    share = f"{len(made.page) / 1e6:.2f} MB of at most {MOST_BYTES / 1e6:g}"
    say(f"page: {file} ({n_items}, {share})")
    return StudyResult(found=file, folder=file.parent)


run = study_function(Explore, main, command=COMMAND)


def _of_run(options: Explore) -> "tuple[Path, Made]":
    opened = open_run(options)
    names = options.attributes(opened.data)
    from analysis.explore.lenses import lenses_of
    from analysis.explore.pairs import explored_pairs
    from analysis.explore.run_items import run_subjects
    from analysis.explore.shown import Reader, page_of

    vlm = opened.load_model()
    folder = _lens_folder(options, opened.run.folder)
    lenses = lenses_of(vlm, folder, allow_other_head=options.allow_other_head)
    reader = Reader(vlm=vlm, lenses=lenses, k=options.tokens)
    made = page_of(
        run_subjects(opened, names, options.item, options.conditions, at_least=options.items or 1),
        reader,
        _about(opened.about, _notes(lenses), of_run=True),
        n_items=len(set(options.item)) or options.items or _ITEMS,
        all_of_them=bool(options.item) or options.items is not None,
        pairs=explored_pairs(opened, names),
    )
    return options.out or opened.run.folder / "explore.html", made


def _of_own_image(options: Explore) -> "tuple[Path, Made]":
    from analysis.explore.own_image import own_image, own_subject

    assert options.image is not None
    image = own_image(options.image)
    other = None if options.other_image is None else own_image(options.other_image, "--other-image")
    from analysis.explore.lenses import lenses_of
    from analysis.explore.shown import Reader, page_of
    from probes import load_vlm

    study = options.plan
    vlm = load_vlm(study.model, **model_arguments(options))
    subject = own_subject(vlm, image, options.question, other=other, answers=options.answers)
    folder = _lens_folder(options, options.run)
    lenses = lenses_of(vlm, folder, allow_other_head=options.allow_other_head)
    reader = Reader(vlm=vlm, lenses=lenses, k=options.tokens)
    known = {"model": study.model, "model_revision": vlm.revision}
    about = _about(known, _notes(lenses), of_run=False)
    subject = subject.restricted_to(options.conditions)
    made = page_of([subject], reader, about, n_items=1, all_of_them=True)
    return options.out or _own_file(options.image), made


def _lens_folder(options: Explore, run: Path | None) -> Path | None:
    """The folder of the tuned lens that was asked for, or else of the run's own; None if there is
    none."""
    if options.lens is not None or run is None:
        return options.lens
    own = run / "readouts" / TUNED_LENS.name
    return own if (own / "tuned_lens.json").exists() else None


def _notes(lenses: "Mapping[str, Lens]") -> str:
    """The notes of all lenses, for the foot of the page."""
    return "".join(f" ({note})" for lens in lenses.values() for note in lens.notes)


def _about(about: Mapping[str, Any], notes: str, *, of_run: bool) -> dict[str, Any]:
    """What the page says about its origin. Of a model's folder only the last part of the path is
    named, since others may get the page."""
    model = str(about["model"])
    name = Path(model).name if Path(model).is_dir() else model
    return {
        "title": "What each layer reads, patch by patch",
        "model": name,
        "revision": f"{about['model_revision']}{notes}",
        "data": str(about.get("data", "")),
        "ofRun": of_run,
        "probabilityError": PROBABILITY_ERROR,
    }


def _own_file(image: Path) -> Path:
    folder = Path("runs")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {folder}: {error.strerror}: choose a file with --out"
        ) from error
    return folder / f"explore-{image.stem}.html"


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Explore, command=COMMAND, arguments=sys.argv[1:]))
