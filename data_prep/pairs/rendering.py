"""Renders scenes together with copies in which one attribute of one object differs.

A copy has the camera, the lamps and the sampling noise of its scene, so that the two pictures
differ only where the changed object, its shadow and the light from it are seen.
"""

from collections import Counter
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from jaxtyping import Int8
from numpy import ndarray

from data_prep.errors import UserError
from data_prep.files.image_file import opened_image
from data_prep.pairs.change import FEW_OBJECTS, Change, draw_change
from data_prep.pairs.pairs_file import pairs_file_name
from data_prep.pairs.reach import changed_outside, mean_changed_outside, outlines
from data_prep.questions import PROPERTIES
from data_prep.render_options import Render
from data_prep.rendered_files import picture_name, record_of, write_json
from data_prep.renderer import Renderer
from data_prep.sampler import Layout, sample_layout
from data_prep.terminal.progress import Progress
from data_prep.views import render_view, visible_layout

_COPIES_FROM = 100_000
"""Copies of scene 12 are pictures 100012, 200012, 300012 and 400012: names end in a number, as
CLEVR's do, and do not depend on which copies were made before."""
_CHANGE_STREAM = 98


def render_pairs(config: Render, renderer: Renderer) -> list[dict[str, Any]]:
    """Write `config.scenes` pairs of each attribute of `config.pairs`, and the file that lists
    them. Returns the records of all scenes."""
    collection = _Collection(config, renderer)
    names = [name for name in PROPERTIES if name in config.pairs]
    with Progress(total=config.scenes * len(names), what="render", unit="pair") as progress:
        for index in count():
            short = [name for name in names if len(collection.found[name]) < config.scenes]
            if not short:
                break
            collection.add(index, short)
            progress.update(sum(map(len, collection.found.values())) - progress.n)
    collection.write_pairs()
    return collection.records


class _Collection:
    """What has been rendered so far."""

    def __init__(self, config: Render, renderer: Renderer) -> None:
        self._config, self._renderer = config, renderer
        self.records: list[dict[str, Any]] = []
        self.found: dict[str, list[dict[str, Any]]] = {name: [] for name in config.pairs}
        self._skipped: dict[str, Counter[str]] = {name: Counter() for name in config.pairs}
        self._outside: dict[str, list[dict[int, float]]] = {name: [] for name in config.pairs}

    def add(self, index: int, names: list[str]) -> None:
        """Render scene number `index` and a copy for each of the attributes that allow one."""
        if index >= _COPIES_FROM:
            raise UserError(
                f"--pairs looks for pairs among {_COPIES_FROM} scenes, got too few in them for "
                f"--scenes {self._config.scenes}: give a smaller number"
            )
        seed = self._config.seed
        if len(sample_layout(seed, index).objects) < 2:
            for name in names:
                self._skipped[name][FEW_OBJECTS] += 1
            return
        layout, owner = visible_layout(self._renderer, seed, index)
        changes: dict[str, Change] = {}
        for name in names:
            key = (_CHANGE_STREAM, PROPERTIES.index(name), index)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
            drawn = draw_change(layout, name, self._renderer, rng)
            if isinstance(drawn, str):
                self._skipped[name][drawn] += 1
            else:
                changes[name] = drawn
        if changes:
            self._render(index, layout, owner, changes)

    def _render(
        self,
        index: int,
        layout: Layout,
        owner: Int8[ndarray, "size size"],
        changes: dict[str, Change],
    ) -> None:
        base = self._save(index, layout, owner, index)
        for name, change in changes.items():
            number = index + _COPIES_FROM * (1 + PROPERTIES.index(name))
            copy = self._save(number, change.layout, change.owner, index)
            pair = {"attribute": name, "object": change.target, "base": base, "changed": copy}
            self.found[name].append(pair)
            inside = outlines(owner, change.owner, change.target)
            self._outside[name].append(
                changed_outside(self._pixels(base), self._pixels(copy), inside)
            )

    def _save(
        self, number: int, layout: Layout, owner: Int8[ndarray, "size size"], index: int
    ) -> str:
        config, name = self._config, picture_name(self._config.split, number)
        render_view(config, self._renderer, layout, owner, name, index)
        self.records.append(
            record_of(layout, image=name, number=number, split=config.split, size=config.size)
        )
        return name

    def _pixels(self, name: str) -> np.ndarray:
        path = self._config.picture(name)
        with opened_image(partial(path.open, "rb"), name) as image:
            return np.asarray(image)

    def write_pairs(self) -> None:
        """Write the file that lists the pairs. This is done before the scenes file, without which
        nothing is read: else a copy could be taken for a scene of its own."""
        content = {
            "info": {"split": self._config.split, "seed": self._config.seed},
            "pairs": [pair for pairs in self.found.values() for pair in pairs],
            "skipped": {name: dict(reasons) for name, reasons in self._skipped.items()},
            "changed_outside": {
                name: mean_changed_outside(shares) for name, shares in self._outside.items()
            },
        }
        write_json(content, self._config.out / pairs_file_name(self._config.split))
