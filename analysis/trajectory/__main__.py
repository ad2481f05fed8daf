"""What the model would say at each layer, item by item, and how that changes over layers.

    python -m analysis.trajectory
    python -m analysis.trajectory --attr color --items 1000 --top 5 --tokens-of ITEM_ID

Through the logit lens: most probable tokens, probability and rank of the right answer, entropy,
divergence from the final layer and from the layer before; with another scene's image and with a
blank one beside them. Works from a captured run, without the model; only the map over the token
positions of single items needs it. Writes trajectory.parquet (the chosen items under every
condition at every layer), results.json and figures.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.notebook.result import Say, StudyResult, picture
from analysis.notebook.study import study_function
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.run.results import FILE_NAME, add_study, read_results, study_result
from analysis.trajectory.depths import (
    estimate_depths,
    estimate_last_layers,
    estimate_scripts,
    estimate_tokens,
)
from analysis.trajectory.estimates import estimate_curves
from analysis.trajectory.figures import draw_scripts, save_trajectory_figures
from analysis.trajectory.found import (
    AttributeTrajectory,
    FoundTrajectories,
    Heat,
    MadeFrom,
    TokenMap,
)
from analysis.trajectory.readings import Trajectories, trajectories_of, trajectory_rows
from analysis.trajectory.report import trajectory_sentences, trajectory_table
from analysis.trajectory.token_positions import rounded, token_map
from analysis.typed import read_back, written
from data_prep.attributes import stream_key
from data_prep.errors import UserError, one_line_errors
from data_prep.option_rules import MOST_SCENES, MOST_TOKENS, Within

STUDY = "trajectory"
COMMAND = "python -m analysis.trajectory"
_HEAT_ITEMS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(AttributeOptions):
    """What the model would say at each layer, and how that changes from layer to layer."""

    items: Annotated[int, Within(1, MOST_SCENES)] = 400
    """At most so many items of each attribute, drawn at random."""
    top: Annotated[int, Within(1, MOST_TOKENS)] = 3
    """Most probable tokens that are kept of each item and layer."""
    tokens_of: tuple[str, ...] = ()
    """Item ids whose every token position is shown; default: the first that is read of the
    first attribute, if the model is here."""


def main(options: Trajectory, say: Say = print) -> StudyResult[dict[str, AttributeTrajectory]]:
    """Reads the items through the lens, or what was read before, and says what it found."""
    opened = open_run(options)
    names = options.attributes(opened.data)
    items = _items(opened, names, options.tokens_of)
    chosen = {name: _attribute(opened, name, options) for name in names}
    first = chosen[names[0]].heat.item_ids[0]
    wanted = [items[item_id] for item_id in dict.fromkeys(options.tokens_of or (first,))]
    maps = _maps(opened, wanted, needed=bool(options.tokens_of))
    figures = save_trajectory_figures(chosen, maps, opened.run.folder)
    for name, found in chosen.items():
        say(trajectory_table(name, found))
    say("\n".join(trajectory_sentences(name, found) for name, found in chosen.items()))
    say(f"items: {opened.run.folder / 'trajectory.parquet'}   figures: {figures[0].parent}/"
          f"{', '.join(sorted({file.stem for file in figures}))}")  # fmt: skip
    pictures = {f"scripts, {name}": picture(draw_scripts, each) for name, each in chosen.items()}
    return StudyResult(found=chosen, folder=opened.run.folder, pictures=pictures)


run = study_function(Trajectory, main, command=COMMAND)


def _attribute(opened: OpenRun, name: str, options: Trajectory) -> AttributeTrajectory:
    """The results of one attribute, from the run or computed now."""
    run = opened.run
    asked = MadeFrom(items=options.items, top=options.top)
    known = _known(opened)
    found = known.attributes.get(name)
    table = run.read_table(STUDY)
    kept = table is not None and name in set(table["attribute"])
    if not kept or found is None or found.made_from != asked:
        read = trajectories_of(opened, name, most=options.items, k=options.top)
        found = _found(read, opened, name, asked)
        run.replace_rows(STUDY, trajectory_rows(read), key=["attribute"])
        _keep(opened, replace(known, attributes=known.attributes | {name: found}))
    return found


def _known(opened: OpenRun) -> FoundTrajectories:
    """The results that the run holds already."""
    content = study_result(read_results(opened.run), STUDY)
    if not content:
        return FoundTrajectories(maps={}, attributes={})
    return read_back(FoundTrajectories, content, f"{FILE_NAME} of {opened.run.folder}")


def _keep(opened: OpenRun, found: FoundTrajectories) -> None:
    add_study(opened.run, STUDY, written(found), opened.about)


def _found(read: Trajectories, opened: OpenRun, name: str, asked: MadeFrom) -> AttributeTrajectory:
    study, key = opened.run.study, stream_key(name)
    real = read.by_condition["real"]
    depth, stays_first = estimate_depths(read, study, key=key)
    return AttributeTrajectory(
        curves=estimate_curves(read, study, key=key),
        prediction_depth=depth,
        answer_stays_first=stays_first,
        last_layers=estimate_last_layers(read, study, key=key),
        scripts=estimate_scripts(read, study),
        tokens=estimate_tokens(read, study),
        heat=Heat(
            item_ids=tuple(read.items["item_id"].iloc[:_HEAT_ITEMS]),
            top1_probability=rounded(real.probabilities[:_HEAT_ITEMS, :, 0]),
            jsd_adjacent_bits=rounded(real.jsd_adjacent_bits[:_HEAT_ITEMS]),
        ),
        n_layers=real.entropy_bits.shape[1] - 1,
        n_vocab=len(read.texts.texts),
        n_items=len(read.items),
        n_items_of_run=read.n_available,
        n_scenes=len(set(read.items["scene_id"])),
        level=study.level,
        n_resamples=study.n_resamples,
        notes=tuple(read.notes),
        made_from=asked,
    )


def _items(
    opened: OpenRun, names: Sequence[str], asked: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """All items by their ids. UserError if one that is asked for does not exist."""
    tables = [items_of(opened.run, opened.data, name) for name in names]
    rows = [row for table in tables for row in table.to_dict("records")]
    items: dict[str, Mapping[str, Any]] = {
        str(row["item_id"]): {str(key): each for key, each in row.items()} for row in rows
    }
    for item_id in asked:
        if item_id not in items:
            raise UserError(
                f"--tokens-of must name items of {', '.join(names)}, got {item_id!r}: the first "
                f"is {next(iter(items))}"
            )
    return items


def _maps(opened: OpenRun, items: Sequence[Mapping[str, Any]], *, needed: bool) -> list[TokenMap]:
    """The maps of single items; those that the run does not have are made, which needs the
    model."""
    known = _known(opened)
    maps = dict(known.maps)
    for item in items:
        item_id = str(item["item_id"])
        if item_id in maps:
            continue
        try:
            maps[item_id] = token_map(opened, item)
        except UserError as error:
            if needed:
                raise
            print(f"note: no map over token positions, for want of the model or the image: {error}",
                  file=sys.stderr)  # fmt: skip
            continue
        _keep(opened, replace(known, maps=maps))
    return [maps[item["item_id"]] for item in items if item["item_id"] in maps]


if __name__ == "__main__":
    with one_line_errors():
        main(parse_options(Trajectory, command=COMMAND, arguments=sys.argv[1:]))
