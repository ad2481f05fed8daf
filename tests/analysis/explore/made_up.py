"""Pages of any size without a model, and the tokens that do the most harm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from analysis.causes.parts import KINDS
from analysis.explore.content import ReadCondition, ReadSubject, image_url, page_content
from analysis.explore.page import page
from analysis.explore.places import Grid, levels_of
from analysis.explore.reading import Tops
from analysis.explore.subjects import Followed, Subject
from probes.answers.tree import one_token_tree

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<s>",
    "<!--",
    "<img src=x onerror=document.title='owned'>",
    "&lt;b&gt;",
    "\u202eright to left",
    "\u2067\u05d0\u05d1",
    "\x00\x07\x1b[31m",
    "\ud800 alone",
    "\ufffd",
    "\u2028line",
    "'\"`${1}",
    "\n",
    "a" * 400,
)


def square_grid(side: int) -> Grid:
    """side x side patches over the whole image."""
    low = np.arange(side) / side
    rows, columns = (each.ravel() for each in np.meshgrid(low, low, indexing="ij"))
    boxes = np.stack([columns, rows, columns + 1 / side, rows + 1 / side], axis=1)
    return Grid(boxes=boxes, levels=levels_of(boxes))


def made_up_page(
    *,
    texts: Sequence[str],
    side: int = 4,
    n_layers: int = 5,
    k: int = 5,
    n_items: int = 1,
    lenses: Sequence[str] = ("logit_lens", "tuned_lens"),
    conditions: Sequence[str] = ("real", "shuffled", "blank"),
    grid: Grid | str | None = None,
    pairs: Sequence[dict[str, Any]] = (),
    seed: int = 0,
) -> bytes:
    """A page whose tokens and probabilities are drawn: later layers are surer, and neighbouring
    patches say the same more often than not, as in trained models."""
    rng = np.random.default_rng(seed)
    grid = square_grid(side) if grid is None else grid
    n_places = 1 + (len(grid.boxes) if isinstance(grid, Grid) else 0)
    shape = (n_places, n_layers, k)
    answers = tuple(texts[:3])
    followed = Followed(
        tree=one_token_tree({answer: (place,) for place, answer in enumerate(answers)}),
        right=answers[0],
        among_answers=True,
    )
    read = []
    for number in range(n_items):
        images = {name: noise(rng) for name in conditions}
        subject = Subject(
            item_id=f"scene-{number}/color",
            question="What color is it?",
            images=images,
            followed=followed,
            emergence={lenses[0]: EMERGED},
            attribute="color",
        )
        shown = {
            name: ReadCondition(
                image=image,
                grid=grid,
                tops={lens: drawn_tops(rng, shape, len(texts)) for lens in lenses},
                trajectory={lens: rising(rng, n_layers, len(answers)) for lens in lenses},
            )
            for name, image in images.items()
        }
        read.append(ReadSubject(subject=subject, followed=followed, conditions=shown))
    about = {
        "title": "A made-up page",
        "model": "none",
        "revision": "0",
        "data": "made up",
        "ofRun": True,
        "probabilityError": 0.004,
    }
    content = page_content(read, about, dict(enumerate(texts)))
    return page({**content, "pairs": list(pairs)})


def made_up_pair(
    number: int = 0,
    *,
    answers: tuple[str, str] = ("red", "blue"),
    question: str = "What color is the cube?",
    kinds: Sequence[str] = KINDS,
    n_layers: int = 5,
) -> dict[str, Any]:
    """A pair whose odds go from -4 to 6 with the rows of the source, and back with the base's."""
    rng = np.random.default_rng(number)
    given = np.linspace(1, 0, n_layers)
    share = {"image": given, "object": 0.8 * given, "answer": 1 - given}
    swapped = {}
    for kind in kinds:
        moved = 10 * share.get(kind, np.zeros(n_layers))
        swapped[kind] = [(-4 + moved).round(3).tolist(), (6 - moved).round(3).tolist()]
    image = {"url": image_url(noise(rng), most=320), "width": 336, "height": 336}
    other = {**image, "url": image_url(noise(rng), most=320)}
    return {
        "id": f"scene-{number}/color", "attribute": "color", "kind": "minimal",
        "question": question, "answers": list(answers), "images": [image, other],
        "plain": [-4.0, 6.0], "swapped": swapped,
    }  # fmt: skip


EMERGED = {
    "outcome": "emerged",
    "level": 0.95,
    "lambda_half": {"estimate": 2.4, "low": 2.1, "high": 2.9, "level": 0.95},
    "fb_half": {"low": 2, "high": 3},
    "n_scenes": 120,
}


def drawn_tops(rng: np.random.Generator, shape: tuple[int, int, int], n_tokens: int) -> Tops:
    """Token numbers by a Zipf law, some carried over from the layer and the patch before."""
    ids = np.minimum(rng.zipf(1.3, shape), 10**9) % n_tokens
    for axis in (1, 0):
        carried = rng.random(shape) < 0.5
        ids = np.where(carried, np.roll(ids, 1, axis=axis), ids)
    steps = rng.normal(size=shape) * np.linspace(0.2, 1, shape[1])[:, None]
    logits = np.cumsum(steps, axis=1) / 2
    chances = np.exp(logits) / (np.exp(logits).sum(-1, keepdims=True) + 5)
    return Tops(token_ids=ids.astype(np.int64), probabilities=-np.sort(-chances, axis=-1))


def rising(rng: np.random.Generator, n_layers: int, n_answers: int) -> np.ndarray:
    """The first answer's share rises to nearly 1."""
    first = 0.97 / (1 + np.exp(-(np.arange(n_layers) - n_layers / 2)))
    others = rng.dirichlet(np.ones(n_answers - 1), n_layers) * (1 - first)[:, None]
    return np.concatenate([first[:, None], others], axis=1)


def noise(rng: np.random.Generator) -> Image.Image:
    """A soft picture of 336 pixels, which compresses as photographs do."""
    coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    return coarse.resize((336, 336), Image.Resampling.BICUBIC)
