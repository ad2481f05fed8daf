"""The comparison of lenses and its command, from end to end."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from analysis.commands.options import parse_options
from analysis.tuned_lens.__main__ import COMMAND, TunedLensStudy, main
from analysis.tuned_lens.estimates import compare_lenses
from analysis.tuned_lens.found import ByLens, JudgedLens, MadeFrom
from analysis.tuned_lens.report import lens_table, save_lens_figure
from analysis.typed import read_back, written
from data_prep.errors import UserError
from probes import TunedLens
from probes.lens_quality import LensQuality
from tests.analysis.conftest import files_of, results_of, write_noise

N_SCENES, N_LAYERS = 40, 4


def quality_of(kl_bits):
    top = (kl_bits < 0.5).astype(np.int64)
    return LensQuality(
        kl_bits=kl_bits,
        cross_entropy_bits=1 + kl_bits,
        top_token=top,
        bias_bits=kl_bits.mean(0) / 2,
    )


@pytest.fixture(scope="module")
def compared():
    """Two questions a scene; the tuned lens is better at layers 0 and 1, not at 2."""
    rng = np.random.default_rng(0)
    logit = 0.5 + rng.random((2 * N_SCENES, N_LAYERS + 1))
    gain = np.array([0.3, 0.2, 0, 0, 0]) + 0.1 * rng.standard_normal(logit.shape)
    logit[:, -1] = gain[:, -1] = 0
    scenes = [f"scene-{row // 2}" for row in range(2 * N_SCENES)]
    tuned = [quality_of(logit - gain), quality_of(logit - gain - 0.01)]
    table = compare_lenses(
        quality_of(logit), tuned, scenes,
        rng=np.random.default_rng, level=0.95, n_resamples=2000,
    )  # fmt: skip
    return table, logit.mean(0), gain.mean(0)


@pytest.fixture(scope="module")
def study(compared):
    found, *_ = compared
    return JudgedLens(
        positions={"answer": found, "image": without_answers(found)},
        kept=("refined", "ridge", "logit_lens", "logit_lens", "model"),
        n_scenes_by_side={"train": 100, "test": N_SCENES},
        n_rows_by_side={"train": 200, "test": 2 * N_SCENES},
        made_from=MadeFrom(positions=("answer", "image"), tokens_per_item=1, recipe={}, seeds=2),
    )


def without_answers(found):
    nothing = ByLens(logit_lens=None, tuned_lens=None)
    layers = tuple(replace(row, cross_entropy_bits=nothing) for row in found.layers)
    return replace(found, layers=layers)


def test_the_comparison_finds_the_layers_that_gain(compared):
    found, logit, gained = compared
    layers = found.layers
    assert (found.n_scenes, found.n_rows, found.n_seeds) == (N_SCENES, 2 * N_SCENES, 2)
    assert [row.p < 0.01 for row in layers[:-1]] == [True, True, False, False]
    assert layers[-1].p is None
    for row in layers:
        assert row.kl_bits.logit_lens.estimate == pytest.approx(logit[row.layer])
        gain = row.gain_bits
        assert gain.estimate == pytest.approx(gained[row.layer])
        assert gain.low <= gain.estimate <= gain.high
    assert layers[0].gain_bits.low > 0
    assert layers[0].seed_spread_bits == pytest.approx(0.01 / np.sqrt(2))
    assert found.seed_spread_bits == max(row.seed_spread_bits for row in layers)


def test_results_are_read_back_as_they_were_written(study):
    assert read_back(JudgedLens, json.loads(json.dumps(written(study))), "results.json") == study


def test_few_test_scenes_are_refused():
    quality = quality_of(np.zeros((9, 3)))
    with pytest.raises(UserError, match="at least 10 test scenes to judge a lens, got 9"):
        compare_lenses(
            quality,
            [quality],
            [str(k) for k in range(9)],
            rng=np.random.default_rng,
            level=0.95,
            n_resamples=800,
        )


@pytest.mark.parametrize("position", ["answer", "image"])
def test_the_table_fits_and_says_every_layer(study, position):
    text = lens_table(study, position)
    assert ("CE" in text.partition("KL:")[0]) == (position == "answer")
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    rows = [line.split() for line in text.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[0][1] == "refined"
    assert "Spread over 2 seeds: at most 0.007 bits" in text
    assert "Prediction depth, mean layer: logit lens" in text


def test_the_figure_is_the_same_bytes_again(study, tmp_path):
    (tmp_path / "b").mkdir()
    one, other = (save_lens_figure(study, folder) for folder in (tmp_path, tmp_path / "b"))
    for first, second in zip(one, other, strict=True):
        assert first.read_bytes() == second.read_bytes()


@pytest.fixture(scope="module")
def ran(model_folder, tmp_path_factory):
    """Arguments of a study of 140 scenes, its run folder, and the export."""
    folder = tmp_path_factory.mktemp("tuned")
    scenes = write_noise(tmp_path_factory.mktemp("scenes"), 140)
    arguments = [
        *("--model", str(model_folder), "--data", f"clevr:{scenes}", "--lens-attributes", "size"),
        *("--min-scenes-per-text", "5", "--n-resamples", "800", "--run", str(folder / "run")),
        *(
            "--seeds",
            "2",
            "--tokens-per-item",
            "2",
            "--recipe.steps",
            "6",
            "--recipe.evaluate-every",
            "2",
        ),
    ]
    run(*arguments, "--export", str(folder / "export"))
    return arguments, folder


def run(*arguments):
    main(parse_options(TunedLensStudy, command=COMMAND, arguments=arguments))


def test_the_command_leaves_a_lens_its_quality_and_a_figure(ran, vlm):
    _, folder = ran
    files = files_of(folder / "run")
    for name in ("tuned_lens.json", "translators.safetensors"):
        assert f"readouts/tuned_lens/{name}" in files
    assert {"tuned_lens.pdf", "tuned_lens.png"} <= set(files)
    assert not [name for name in files if "checkpoints/" in name]
    content = results_of(folder / "run")["studies"]["tuned_lens"]
    study = read_back(JudgedLens, content, "results.json")
    assert json.dumps(written(study)) == json.dumps(content)
    assert list(study.positions) == ["answer", "text", "image"]
    for position, found in study.positions.items():
        assert len(found.layers) == vlm.n_layers + 1
        assert study.n_scenes_by_side["test"] == found.n_scenes >= 10
        assert found.n_rows == found.n_scenes * (1 if position == "answer" else 2)
    lens = TunedLens.load(folder / "run" / "readouts" / "tuned_lens", vlm)
    foreign = TunedLens.from_tuned_lens_format(folder / "export", vlm)
    residual = torch.ones(3, vlm.d_model)
    torch.testing.assert_close(lens(residual, 0), foreign(residual, 0))


def test_nothing_is_trained_twice_and_the_same_seed_gives_the_same_bytes(ran, capsys, monkeypatch):
    arguments, folder = ran
    place = folder / "run" / "readouts" / "tuned_lens"
    before = load_file(place / "translators.safetensors")
    table = results_of(folder / "run")
    with monkeypatch.context() as patched:
        patched.setattr("analysis.tuned_lens.__main__._study", None)
        run(*arguments)
    assert "tuned lens, answer position:" in capsys.readouterr().out
    (folder / "run" / "results.json").unlink()
    run(*arguments)
    assert results_of(folder / "run") == table
    after = load_file(place / "translators.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "seeds must be at least 1"),
        (["--tokens-per-item", "0"], "--tokens-per-item must be at least 1"),
        (["--recipe.rank", "0"], "rank must be at least 1"),
        (["--positions"], "at least one of"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_options(TunedLensStudy, command=COMMAND, arguments=arguments)
    assert "\n" not in str(caught.value)
