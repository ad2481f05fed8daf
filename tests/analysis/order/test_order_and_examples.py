"""The two commands on a finished run: what they need, what they write, what they refuse."""

import json
from pathlib import Path

import pytest
from PIL import Image

from analysis.commands.options import parse_options
from analysis.drawing.token_labels import printed_token
from analysis.emergence.__main__ import COMMAND, Emergence, main
from analysis.examples import __main__ as examples
from analysis.examples.found import FoundExamples
from analysis.order import __main__ as order
from analysis.typed import read_back, written
from data_prep.errors import UserError
from data_prep.sources import open_data
from tests.analysis.conftest import files_of, results_of


@pytest.fixture(scope="module")
def arguments(clevr, model_folder, tmp_path_factory) -> list[str]:
    """Of a run in which two attributes have been measured."""
    run = tmp_path_factory.mktemp("runs") / "run"
    arguments = [
        *("--model", str(model_folder), "--data", f"clevr:{clevr}", "--run", str(run)),
        *("--min-scenes-per-text", "5", "--n-resamples", "800", "--attr", "size", "shape"),
    ]
    main(parse_options(Emergence, command=COMMAND, arguments=arguments))
    return arguments


def run_order(*arguments):
    order.main(parse_options(order.Order, command=order.COMMAND, arguments=arguments))


def run_examples(*arguments):
    examples.main(parse_options(examples.Examples, command=examples.COMMAND, arguments=arguments))


def folder_of(arguments) -> Path:
    return Path(arguments[arguments.index("--run") + 1])


def test_noise_has_no_order(arguments, capsys):
    run_order(*arguments)
    assert "no order: fewer than 2 attributes emerge" in capsys.readouterr().out
    found = results_of(folder_of(arguments))["studies"]["order"]
    assert found["left_out"] == {"size": "not emerged", "shape": "not emerged"}
    assert found["n_scenes"] >= 10


def test_an_order_asks_for_what_it_needs(arguments):
    with pytest.raises(UserError, match="at least 2 attributes, got size"):
        run_order(*arguments[:-1])
    with pytest.raises(UserError, match=r"no effects of color .* --attr color"):
        run_order(*arguments, "color")


def test_examples_are_items_of_the_run_with_their_images(arguments, clevr, capsys):
    run_examples(*arguments, "--items", "2", "--tokens", "3")
    shown = capsys.readouterr().out
    folder = folder_of(arguments)
    content = results_of(folder)["studies"]["examples"]
    found = read_back(FoundExamples, content, "results.json")
    assert json.dumps(written(found)) == json.dumps(content)
    assert len(found.items) == 4
    data = open_data(f"clevr:{clevr}")
    for item in found.items:
        assert item.item_id in shown
        scene = item.item_id.split("/")[0]
        with Image.open(folder / item.image) as image:
            assert image.tobytes() == data.open_image(f"{scene}.png").tobytes()
        for layer, row in enumerate(item.layers):
            assert row.layer == layer
            chances = [probability for _, probability in row.top]
            assert len(chances) == 3
            assert chances == sorted(chances, reverse=True)
            assert 0 < row.answer_probability < 1


def test_examples_name_tokens_without_the_model(arguments, monkeypatch, capsys):
    folder = folder_of(arguments)
    names = json.loads((folder / "output_map" / "token-texts.json").read_text())["texts"]
    monkeypatch.setattr("analysis.run.opened.OpenRun.tokenizer", None)
    run_examples(*arguments, "--tokens", "4")
    shown = capsys.readouterr().out
    for item in results_of(folder)["studies"]["examples"]["items"]:
        for row in item["layers"]:
            assert {token for token, _ in row["top"]} <= set(names)
            assert all(printed_token(token) in shown for token, _ in row["top"])


def test_examples_are_read_once(arguments, monkeypatch):
    folder = folder_of(arguments)
    run_examples(*arguments)
    before = files_of(folder)
    monkeypatch.setattr("probes.loading.load.load_vlm", None)
    run_examples(*arguments)
    assert files_of(folder) == before


@pytest.mark.parametrize("option", ["--items", "--tokens"])
def test_none_is_refused(option):
    with pytest.raises(UserError, match="must be at least 1, got 0"):
        run_examples(option, "0")
