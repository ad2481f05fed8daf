"""`python -m analysis.explore` as a user types it: pages of runs, of own images, and refusals."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from analysis.explore import __main__ as explore
from analysis.explore.packing import unpacked_numbers, unpacked_probabilities, unpacked_texts
from data_prep.errors import UserError
from probes import TunedLens, load_vlm
from probes.image_tokens import image_tokens
from probes.token_names import token_names
from tests.analysis.conftest import clevr
from tests.probes.families.small import save
from tests.sealed import edit_sealed

__all__ = ["clevr"]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def run(*arguments: str | Path) -> None:
    line = [str(each) for each in arguments]
    explore.main(parse_options(explore.Explore, command=explore.COMMAND, arguments=line))


def content_of(file: Path) -> dict[str, Any]:
    """The data of a page."""
    (block,) = re.findall(r'id="data">(.*?)</script>', file.read_text(encoding="utf-8"), re.S)
    return json.loads(block)


def tops_of(content: dict, item: int, condition: str, lens: str) -> tuple[np.ndarray, np.ndarray]:
    """Token texts and probabilities, by rank, layer and place."""
    packed = content["items"][item]["conditions"][condition]["lenses"][lens]
    numbers = unpacked_numbers(packed["ids"]).reshape(content["tops"], content["layers"], -1)
    texts = np.array(unpacked_texts(content["vocabulary"]), dtype=object)
    return texts[numbers], unpacked_probabilities(packed["probabilities"], numbers.shape)


@pytest.fixture(scope="module")
def measured(clevr, model_folder, tmp_path_factory) -> Path:
    """A run in which size has been measured."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = [
        *("--model", str(model_folder), "--data", f"clevr:{clevr}", "--run", str(folder)),
        *("--min-scenes-per-text", "5", "--n-resamples", "800", "--attr", "size"),
    ]
    main(parse_options(Emergence, command=COMMAND, arguments=arguments))
    return folder


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory) -> Callable[[str], Path]:
    return cache(lambda name: save(name, tmp_path_factory.mktemp(name)))


@pytest.fixture
def picture(tmp_path) -> Path:
    file = tmp_path / "picture.png"
    pixels = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def test_a_page_of_a_run(measured, vlm, capsys):
    run("--run", measured, "--attr", "size", "shape")
    assert "4 items" in capsys.readouterr().out
    content = content_of(measured / "explore.html")
    assert [item["attribute"] for item in content["items"]] == ["size", "shape"] * 2
    size, shape = content["items"][:2]
    assert set(size["conditions"]) == {"real", "shuffled", "blank"}
    assert size["emergence"]["logit_lens"]["n_scenes"] > 10
    assert shape["emergence"] == {}
    assert content["layers"] == vlm.n_layers + 1
    urls = {size["conditions"][name]["image"] for name in size["conditions"]}
    assert len(urls) == 3


def test_the_page_says_what_the_model_says(measured, vlm, clevr):
    run("--run", measured, "--attr", "size", "--items", "1", "--conditions", "real")
    content = content_of(measured / "explore.html")
    (item,) = content["items"]
    scene = item["id"].split("/")[0]
    with Image.open(clevr / "images" / "val" / f"{scene}.png") as file:
        image = file.convert("RGB")
    texts, chances = tops_of(content, 0, "real", "logit_lens")
    expected = vlm.answer_logits([image], [item["question"]]).softmax(-1)[0]
    best = expected.topk(5)
    names = token_names(vlm.tokenizer, vlm.unembedding.n_vocab).names
    assert texts[:, -1, -1].tolist() == [names[token] for token in best.indices.tolist()]
    np.testing.assert_allclose(chances[:, -1, -1], best.values, atol=0.004)
    # At an image token, by hand.
    inputs = vlm.prepare([image], [item["question"]])
    places = image_tokens(vlm, inputs)[0].nonzero()[:, 0]
    states = vlm.model(**inputs, output_hidden_states=True).hidden_states
    by_hand = vlm.unembed(states[2][0, places[5]]).softmax(-1).topk(5)
    np.testing.assert_allclose(chances[:, 2, 5], by_hand.values, atol=0.004)
    assert texts.shape[2] == len(places) + 1


def test_the_trajectory_is_what_the_study_scored(measured):
    from analysis.commands.options import AttributeOptions, open_run
    from analysis.readouts.readings import take_readings

    run("--run", measured, "--attr", "size", "--items", "1", "--conditions", "real")
    (item,) = content_of(measured / "explore.html")["items"]
    options = parse_options(
        AttributeOptions, command="x", arguments=["--run", str(measured), "--attr", "size"]
    )
    readings = take_readings(open_run(options), "size", "logit_lens")
    row = readings.items["item_id"].tolist().index(item["id"])
    drawn = np.array(item["conditions"]["real"]["lenses"]["logit_lens"]["trajectory"])
    np.testing.assert_allclose(drawn.T, np.exp2(readings.real[row]), rtol=1e-3, atol=1e-4)


def test_named_items_and_a_lens_trained_elsewhere(measured, vlm, tmp_path):
    TunedLens.logit_lens(vlm).save(tmp_path / "lens")
    run("--run", measured, "--attr", "size")
    wanted = content_of(measured / "explore.html")["items"][1]["id"]
    file = tmp_path / "page.html"
    run("--run", measured, "--attr", "size", "--item", wanted, "--lens", tmp_path / "lens",
        "--out", file)  # fmt: skip
    content = content_of(file)
    assert [item["id"] for item in content["items"]] == [wanted]
    # Zero translators: the tuned lens is the logit lens.
    for pair in zip(*(tops_of(content, 0, "real", f"{n}_lens") for n in ("logit", "tuned")),
                    strict=True):  # fmt: skip
        assert (pair[0] == pair[1]).all()


def test_a_lens_of_another_head_is_named_at_the_foot(measured, vlm, tmp_path):
    lens = TunedLens.logit_lens(vlm)
    other = replace(lens.unembedding, head=lens.unembedding.head + 1)
    replace(lens, unembedding=other, model="lm/decoder").to_tuned_lens_format(tmp_path / "lens")
    file = tmp_path / "page.html"
    asked = ["--run", measured, "--attr", "size", "--items", "1", "--lens", tmp_path / "lens"]
    asked += ["--conditions", "real", "--out", file]
    with pytest.raises(UserError, match="--allow-other-head"):
        run(*asked)
    run(*asked, "--allow-other-head")
    assert "tuned lens of another model (lm/decoder, " in content_of(file)["revision"]


@pytest.mark.parametrize("name", ["qwen2_vl", "llava_next", "idefics3"])
def test_own_images_of_any_grid(name, folder_of, picture, tmp_path, open_page):
    file = tmp_path / "page.html"
    run("--image", picture, "--question", "What is it?", "--model", folder_of(name), "--out", file)
    content = content_of(file)
    (item,) = content["items"]
    assert item["answer"] is None
    assert len(item["followed"]) == content["tops"]
    condition = item["conditions"]["real"]
    n_boxes = len(unpacked_numbers(condition["boxes"])) // 4
    texts, _ = tops_of(content, 0, "real", "logit_lens")
    assert texts.shape[2] == n_boxes + 1
    tiles = name != "qwen2_vl"
    assert (condition["levels"] is not None) == tiles
    opened = open_page(file)
    assert opened.page.locator("#level-field").is_visible() == tiles
    opened.point_at(1, 1)
    assert re.match(r"Patch row \d, column \d$", opened.text("#place"))
    if tiles:
        opened.page.select_option("#level", "1")
        opened.point_at(1, 2)
        assert opened.text("#place").endswith("of the coarser grid")


def test_a_model_without_image_tokens_has_curves_and_says_why(
    folder_of, picture, tmp_path, open_page
):
    file = tmp_path / "page.html"
    run("--image", picture, "--question", "What is it?", "--model", folder_of("mllama"),
        "--answers", "red", "blue", "--out", file)  # fmt: skip
    assert content_of(file)["items"][0]["followed"] == ["red", "blue"]
    opened = open_page(file)
    assert "has no image tokens in its sequence" in opened.text("#no-grid")
    assert opened.text("#place") == "The answer position"
    assert opened.page.locator("#charts polyline").count() >= 2


def test_the_bundled_model(tmp_path, picture):
    file = tmp_path / "page.html"
    run("--image", picture, "--question", "What color is it?", "--other-image", picture,
        "--out", file)  # fmt: skip
    item = content_of(file)["items"][0]
    assert set(item["conditions"]) == {"real", "shuffled", "blank"}
    assert item["conditions"]["real"]["width"] == 80


def test_as_many_items_as_fit(measured, tmp_path, monkeypatch, capsys):
    file = tmp_path / "page.html"
    common = ("--run", measured, "--attr", "size", "--out", file)
    run(*common, "--items", "2")
    two = len(file.read_bytes())
    monkeypatch.setattr("analysis.explore.shown.MOST_BYTES", two)
    capsys.readouterr()
    run(*common)
    assert "2 items" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"a page may have .* for 3 items: 2 fit, take fewer"):
        run(*common, "--items", "3")
    monkeypatch.setattr("analysis.explore.shown.MOST_BYTES", 1000)
    with pytest.raises(UserError, match="for 1 item: take fewer --tokens or --conditions real"):
        run(*common)


def test_blocks_of_places_are_one_reading(vlm, picture, monkeypatch):
    from analysis.explore.lenses import lenses_of
    from analysis.explore.places import Grid, grid_of
    from analysis.explore.reading import read_pass

    image = Image.open(picture)
    grid = grid_of(vlm, image.size)
    assert isinstance(grid, Grid)
    whole = read_pass(vlm, image, "What?", grid, lenses_of(vlm, None), k=3)
    monkeypatch.setattr("analysis.explore.reading._HELD_BYTES", 5 * 4 * 48 * 4)
    monkeypatch.setattr("analysis.explore.reading._PLACES_AT_ONCE", 2)
    parts = read_pass(vlm, image, "What?", grid, lenses_of(vlm, None), k=3)
    tops = whole.tops["logit_lens"], parts.tops["logit_lens"]
    assert (tops[0].token_ids == tops[1].token_ids).all()
    np.testing.assert_allclose(tops[0].probabilities, tops[1].probabilities, rtol=1e-5)
    assert torch.allclose(whole.answer, parts.answer, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", "/no/such.png", "--question", "What?"], "no image file /no/such.png: give"),
        (["--image", "TEXT", "--question", "What?"], "is no image that can be read"),
        (["--image", "PICTURE"], "--image needs a question about it, got none"),
        (["--image", "PICTURE", "--question", "  "], "--question needs a text, got an empty one"),
        (["--image", "PICTURE", "--question", "a <image> b"], "must not hold the image token"),
        (["--image", "PICTURE", "--question", "What?", "--lens", "/no/such"], "no usable"),
        (["--image", "PICTURE", "--question", "What?", "--tokens", "5000"], "tokens must be"),
        (["--image", "PICTURE", "--question", "What?", "--other-image", "/no"], "--other-image an"),
        (["--question", "What?"], "--question belongs to an image of your own: give --image"),
        (["--answers", "red"], "--answers belongs to an image of your own"),
        (["--items", "0"], "items must be at least 1, got 0"),
        (["--tokens", "0"], "tokens must be at least 1, got 0"),
        (["--conditions", "blank"], "--conditions must name real, got blank"),
        (["--run", "RUN", "--attr", "size", "--item", "nobody"], "no item 'nobody' among the"),
        (["--run", "RUN", "--attr", "size", "--items", "500"], "60 items of size, got asked"),
        (["--run", "RUN", "--attr", "colour"], "unknown attribute 'colour'"),
    ],
)
def test_bad_input(arguments, message, measured, model_folder, picture, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.explore.shown.Reader.read", lambda *_: pytest.fail("worked"))
    (tmp_path / "text.png").write_text("no image")
    names = {"TEXT": tmp_path / "text.png", "PICTURE": picture, "RUN": measured}
    line = [str(names.get(each, each)) for each in arguments]
    if "--run" not in line:
        line += ["--model", str(model_folder)]
    with pytest.raises(UserError, match=re.escape(message)):
        run(*line)


def test_a_run_without_items_whose_data_is_gone(measured, tmp_path):
    import shutil

    copy = shutil.copytree(measured, tmp_path / "run")
    shutil.rmtree(copy / "items.parquet")
    (copy / "study.toml").unlink()  # made anew from the record
    moved = {"data": "clevr:/no/such"}
    edit_sealed(copy / "identity.json", lambda content: content["plan"].update(moved))
    with pytest.raises(UserError, match="has no items of size, and its data is not here"):
        run("--run", copy, "--attr", "size")


def test_revisions_of_models_are_told(measured, model_folder):
    content = content_of(measured / "explore.html")
    assert content["revision"] == load_vlm(model_folder).revision
    assert "/" not in content["model"]
