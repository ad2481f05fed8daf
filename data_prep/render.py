"""Renders a collection of CLEVR-style scenes into a folder of the official CLEVR layout.

    python -m data_prep.render --out FOLDER --split train --scenes 12000 --seed 1
    python -m data_prep.render --out FOLDER --split pairs --scenes 300 --seed 3 --pairs color shape

The first writes `images/<split>/CLEVR_<split>_000000.png`, ... and
`scenes/CLEVR_<split>_scenes.json`. The second renders, for each of the attributes, 300 scenes and
a copy of each in which that attribute of one object differs; `pairs_<split>.json` says which
pictures belong together. `--owners` adds `owners/<split>/`, pictures whose pixel values say which
object is seen there (0 the ground, k the k-th object).

A killed run goes on where it stopped; `render_<split>.json` says what the folder holds, so that
nothing else is mixed into it.
"""

from typing import Any

from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from data_prep.pairs.rendering import render_pairs
from data_prep.render_options import Render, check, declare
from data_prep.rendered_files import picture_name, record_of, write_json
from data_prep.renderer import Renderer
from data_prep.terminal.progress import Progress
from data_prep.views import render_view, visible_layout

__all__ = ["Render", "render"]


def render(config: Render) -> None:
    """Write the collection of scenes that `config` describes."""
    check(config)
    renderer = Renderer(size=config.size, samples=config.samples)
    declare(config)
    if config.pairs:
        records = render_pairs(config, renderer)
    else:
        numbers = Progress(range(config.scenes), what="render", unit="scene")
        records = [_render_scene(config, renderer, index) for index in numbers]
    info = {"split": config.split, "version": "1.0", "license": "MIT", "seed": config.seed}
    write_json({"info": info, "scenes": records}, config.scenes_file)


def _render_scene(config: Render, renderer: Renderer, index: int) -> dict[str, Any]:
    """Write the picture of scene number `index`. Returns the scene's record."""
    layout, owner = visible_layout(renderer, config.seed, index)
    name = picture_name(config.split, index)
    render_view(config, renderer, layout, owner, name, index)
    return record_of(layout, image=name, number=index, split=config.split, size=config.size)


if __name__ == "__main__":
    with one_line_errors():
        render(from_command_line(Render, command="python -m data_prep.render"))
