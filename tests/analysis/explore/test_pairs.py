"""The pairs that a page shows: from what a run has kept of the study of causes, without a model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, load_file

from analysis.causes.asking import pairs_of, swaps_of
from analysis.causes.swaps import Swapped
from analysis.commands.options import AttributeOptions, open_run, parse_options
from analysis.explore import shown
from analysis.explore.pairs import completed, explored_pairs, kept_swaps
from analysis.run.opened import OpenRun
from analysis.run.results import add_study
from analysis.typed import written
from data_prep.errors import UserError
from tests.analysis.conftest import clevr
from tests.analysis.explore.made_up import made_up_pair
from tests.analysis.explore.test_explore import content_of, run
from tests.paper.made_up_causes import caused
from tests.sealed import write_sealed_tensors

__all__ = ["clevr"]

N_LAYERS = 4


@pytest.fixture(scope="module")
def opened(clevr, model_folder, tmp_path_factory) -> OpenRun:
    """A run that has kept swaps of size, drawn at random, and says what was found of them."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["--model", str(model_folder), "--data", f"clevr:{clevr}", "--run", str(folder)]
    arguments += ["--min-scenes-per-text", "5", "--attr", "size"]
    opened = open_run(parse_options(AttributeOptions, command="x", arguments=arguments))
    found = caused(has_object=False)
    found = replace(found, asked=replace(found.asked, pairs="matched"))
    add_study(opened.run, "causes", {"size": written(found)}, opened.about)
    keep_random_swaps(opened)
    return opened


def keep_random_swaps(opened: OpenRun) -> None:
    swaps = swaps_of(opened, pairs_of(opened, "size", "matched", most=300))
    n_swaps, rng = len(swaps.main), np.random.default_rng(0)
    patched = rng.normal(size=(n_swaps, N_LAYERS + 1)).astype(np.float32)
    patched[:, -1] = np.nan
    forward = rng.normal(size=(2, n_swaps // 2)).astype(np.float32)
    # The passes of the pair are the same in both directions, with the answers exchanged.
    recipient = np.stack([forward[0], -forward[1]], axis=1).ravel()
    donor = np.stack([forward[1], -forward[0]], axis=1).ravel()
    found = Swapped(
        recipient=recipient, donor=donor, right=np.ones(n_swaps, dtype=np.float32),
        patched={"image": patched, "answer": patched}, distance={},
    )  # fmt: skip
    file = kept_file(opened)
    file.parent.mkdir(parents=True)
    write_sealed_tensors(file, found.tensors())


def kept_file(opened: OpenRun) -> Path:
    swaps = swaps_of(opened, pairs_of(opened, "size", "matched", most=300))
    return opened.run.folder / "causes" / f"size-{swaps.digest}" / "pairs.safetensors"


def test_what_was_not_run_is_what_follows_from_the_construction():
    run_at = np.array([[np.nan, 3.0, np.nan]])
    own, other = np.array([1.0]), np.array([7.0])
    assert completed("image", run_at, own, other).tolist() == [[1.0, 3.0, 1.0]]
    assert completed("answer", run_at, own, other).tolist() == [[1.0, 3.0, 7.0]]
    whole = np.array([[2.0, 3.0, 4.0]])
    assert completed("answer", whole, own, other).tolist() == whole.tolist()


def test_pairs_are_drawn_by_the_seed_and_need_no_model(opened):
    def no_model():
        raise AssertionError("the model was loaded")

    without = replace(opened, load_model=no_model)
    pairs = list(explored_pairs(without, ["shape", "size"]))
    assert pairs == list(explored_pairs(without, ["size"]))
    assert len({each["id"] for each in pairs}) == len(pairs) == 3
    for each in pairs:
        assert each["attribute"] == "size"
        assert each["answers"][0] != each["answers"][1]
        assert len({image["url"] for image in each["images"]}) == 2


def test_odds_are_those_of_the_source_in_both_directions(opened):
    kept = kept_swaps(opened, "size")
    assert kept is not None
    tensors = load_file(kept_file(opened))
    ids = [each.pair_id for each in kept.swaps.main]
    for pair in explored_pairs(opened, ["size"]):
        row = ids.index(pair["id"])
        base, source = tensors["recipient"][row], tensors["donor"][row]
        np.testing.assert_allclose(pair["plain"], [base, source], rtol=1e-3)
        into_base, into_source = pair["swapped"]["image"]
        np.testing.assert_allclose(into_base[:-1], tensors["patched image"][row, :-1], rtol=1e-3)
        np.testing.assert_allclose(
            into_source[:-1], -tensors["patched image"][row + 1, :-1], rtol=1e-3
        )
        assert [into_base[-1], into_source[-1]] == pair["plain"]
        answer = [each[-1] for each in pair["swapped"]["answer"]]
        assert answer == pair["plain"][::-1], "at the last layer all is moved"


def test_the_page_of_a_run_holds_them(opened, tmp_path, capsys):
    file = tmp_path / "page.html"
    asked = ["--run", opened.run.folder, "--attr", "size", "--items", "1", "--conditions", "real"]
    run(*asked, "--out", file)
    assert "1 item, 3 pairs" in capsys.readouterr().out
    content = content_of(file)
    assert content["pairs"] == list(explored_pairs(opened, ["size"]))
    assert content["kindNames"]["answer"] == "answer position"


def test_as_many_pairs_as_fit_beside_the_items(monkeypatch):
    content = {"title": "A page", "items": [1, 2]}
    pairs = [made_up_pair(place) for place in range(3)]
    assert shown.with_pairs(content, pairs).n_pairs == 3
    two = len(shown.with_pairs(content, pairs[:2]).page)
    monkeypatch.setattr(shown, "MOST_BYTES", two)
    made = shown.with_pairs(content, pairs)
    assert (made.n_items, made.n_pairs, len(made.page)) == (2, 2, two)
    monkeypatch.setattr(shown, "MOST_BYTES", 1)
    assert shown.with_pairs(content, pairs).n_pairs == 0


def test_swaps_that_are_damaged_or_not_there(opened, capsys):
    file = kept_file(opened)
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=r"pairs.safetensors is damaged .*: delete it"):
            kept_swaps(opened, "size")
        write_sealed_tensors(file, {name: each[:4] for name, each in load(whole).items()})
        with pytest.raises(UserError, match=r"it has \[4\] rows, not"):
            kept_swaps(opened, "size")
        file.unlink()
        assert kept_swaps(opened, "size") is None
        assert "note: no pairs of size are shown" in capsys.readouterr().err
    finally:
        file.write_bytes(whole)
    assert kept_swaps(opened, "shape") is None, "its causes were not measured"
