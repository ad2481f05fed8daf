"""The items of a run that a page shows, under the conditions that its study compares."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from analysis.capture.answer_trees import answer_trees
from analysis.capture.passes import forward_passes
from analysis.explore.subjects import Followed, Subject
from analysis.run.image_survey import image_survey
from analysis.run.items import items_of
from analysis.run.opened import OpenRun
from analysis.run.results import read_results
from analysis.streams import Stream
from analysis.typed import written
from data_prep.attributes import stream_key
from data_prep.controls import blank_image, derangement
from data_prep.errors import UserError
from data_prep.items import attribute_of_items

_MARKED = ("outcome", "level", "lambda_half", "fb_half", "n_scenes")


def run_subjects(
    opened: OpenRun,
    attributes: Sequence[str],
    item_ids: Sequence[str],
    conditions: Sequence[str],
    *,
    at_least: int = 1,
) -> Iterator[Subject]:
    """The items of a run with the ids given, or else items drawn at random, one of each attribute
    in turn, as long as there are any.

    UserError for an id that no item has, and for a run whose items are missing or fewer than
    `at_least`.
    """
    tables = {name: _items(opened, name) for name in attributes}
    n_items = sum(map(len, tables.values()))
    if n_items < at_least:
        raise UserError(
            f"the run has {n_items} items of {', '.join(tables)}, got asked for {at_least}: ask "
            "for fewer"
        )
    for name, row in _named(tables, item_ids) if item_ids else _drawn(opened, tables):
        yield _subject(opened, tables[name], row).restricted_to(conditions)


def _items(opened: OpenRun, name: str) -> pd.DataFrame:
    table = opened.run.read_table("items")
    kept = table is not None and name in set(table["attribute"])
    if not kept and not opened.data.scenes:
        raise UserError(
            f"{opened.run.folder} has no items of {name}, and its data is not here: name others "
            "with --attr, or give the data with --data"
        )
    return items_of(opened.run, opened.data, name)


def _named(tables: dict[str, pd.DataFrame], item_ids: Sequence[str]) -> Iterator[tuple[str, int]]:
    places = {
        str(item_id): (name, row)
        for name, table in tables.items()
        for row, item_id in enumerate(table["item_id"])
    }
    for item_id in item_ids:
        if item_id not in places:
            raise UserError(
                f"no item {item_id!r} among the {len(places):,} of {', '.join(tables)}: ids are "
                f"like {next(iter(places))!r}; --attr names other attributes"
            )
    return (places[item_id] for item_id in dict.fromkeys(item_ids))


def _drawn(opened: OpenRun, tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, int]]:
    orders = {
        name: opened.run.study.rng(Stream.EXPLORED_ITEMS, stream_key(name)).permutation(len(table))
        for name, table in tables.items()
    }
    for turn in range(max(map(len, orders.values()))):
        for name, order in orders.items():
            if turn < len(order):
                yield name, int(order[turn])


def _subject(opened: OpenRun, items: pd.DataFrame, row: int) -> Subject:
    item = items.iloc[row]
    name = str(item["attribute"])
    survey = image_survey(opened.run, opened.data)
    images = {
        "real": opened.data.open_image(str(item["image"])),
        "shuffled": opened.data.open_image(_other_image(opened, items, row)),
        "blank": blank_image(survey.blank_size, survey.mean_color),
    }
    trees = answer_trees(opened, opened.data.answer_set(items), items["question"])
    return Subject(
        item_id=str(item["item_id"]),
        question=str(item["question"]),
        images=images,
        followed=Followed(
            tree=trees.by_question[str(item["question"])],
            right=str(item["answer"]),
            among_answers=True,
        ),
        emergence=_emergence(opened, name),
        attribute=name,
    )


def _other_image(opened: OpenRun, items: pd.DataFrame, row: int) -> str:
    """The image of another scene: that of the study's first swap, or that of a scene that is asked
    the same."""
    swap = f"swap0:{items['item_id'].iloc[row]}"
    for pass_id, image, _ in forward_passes(opened.run, items):
        if pass_id == swap:
            return str(image)
    key = stream_key(attribute_of_items(items))
    donors = derangement(items, opened.run.study.rng(Stream.EXPLORED_DONORS, key))
    return str(items["image"].iloc[int(donors[row])])


def _emergence(opened: OpenRun, name: str) -> dict[str, dict[str, Any]]:
    """The attribute's emergence layer with its interval and set, by readout."""
    results = read_results(opened.run)
    found = {} if results is None else results.of_attribute(name)
    return {
        readout: {field: content[field] for field in _MARKED}
        for readout, content in ((readout, written(one)) for readout, one in found.items())
    }
