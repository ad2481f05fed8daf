"""Streams: no two are equal, every one is used, and none in two places but on purpose."""

import ast
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

import analysis
from analysis.streams import Stream, stream_rng

ROOT = Path(analysis.__file__).parent
ALIKE = {
    # Wordings are tested and placed with the draws of the attribute, from which they differ in
    # nothing but the text; worlds with each other's.
    Stream.AGAINST_BLANK: {"emergence/estimates.py", "paraphrase/estimates.py"},
    Stream.EMERGENCE: {"emergence/estimates.py", "paraphrase/estimates.py"},
    # Scores without a blank condition: what is still defined of them, with the same draws.
    Stream.FOLDS: {"emergence/without_blank.py", "effects/measured.py"},
    Stream.SHUFFLED: {"emergence/without_blank.py", "effects/measured.py"},
    Stream.EFFECT_INTERVAL: {"emergence/without_blank.py", "emergence/estimates.py"},
}


def used() -> dict[Stream, list[str]]:
    """By stream, the file of every place in the code that names it."""
    places = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        if path.name == "streams.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Stream":
                places[Stream[node.attr]].append(path.relative_to(ROOT).as_posix())
    return dict(places)


def test_every_stream_is_used_and_by_one_file_alone():
    places = used()
    assert set(places) == set(Stream)
    shared = {stream: set(files) for stream, files in places.items() if len(set(files)) > 1}
    assert shared == ALIKE


def test_whatever_draws_says_from_which_stream():
    """A generator by number would be one that this list does not know."""
    for path in sorted(ROOT.rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if where == "streams.py" or where.startswith("validate/"):
            continue
        text = path.read_text(encoding="utf-8")
        assert "SeedSequence" not in text, where
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "rng":
                first = ast.unparse(node.args[0])
                assert first.startswith(("Stream.", "stream")), f"{where}:{node.lineno}"


def test_streams_draw_other_numbers_and_the_same_again():
    first = {stream: tuple(stream_rng(7, stream).random(3)) for stream in Stream}
    for one, other in combinations(Stream, 2):
        assert first[one] != first[other], (one, other)
    keyed = {stream_rng(7, Stream.ITEMS, *key).random() for key in [(), (0,), (0, 0), (1,)]}
    assert len(keyed) == 4
    assert stream_rng(7, Stream.ITEMS).random(3).tolist() == list(first[Stream.ITEMS])
    assert isinstance(stream_rng(7, Stream.ITEMS), np.random.Generator)
