"""The command from end to end: what it writes, what it does not do twice, what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.capture.residuals import capture_residuals
from analysis.commands.options import open_run
from analysis.emergence.estimates import estimate
from analysis.probes.__main__ import Probes, main
from analysis.probes.comparisons import comparisons
from analysis.probes.found import Probed
from analysis.probes.report import probe_table
from analysis.readouts.readings import take_readings
from analysis.typed import read_back, written
from data_prep.command_line import from_command_line
from data_prep.errors import UserError
from tests.analysis.conftest import files_of, results_of

BASELINES = {
    "control task", "shuffled images", "blank images", "random weights", "majority", "words",
    "pixels and words",
    "vision encoder and words", "projector and words",
}  # fmt: skip


def configured(*arguments) -> Probes:
    return from_command_line(Probes, command="probes", arguments=[str(each) for each in arguments])


@pytest.fixture(scope="module")
def config(clevr, model_folder, tmp_path_factory) -> Probes:
    """Of a study that takes some seconds, already run."""
    config = configured(
        *("--model", model_folder, "--data", f"clevr:{clevr}", "--attr", "size"),
        *("--min-scenes-per-text", 5, "--n-resamples", 800),
        *("--run", tmp_path_factory.mktemp("runs") / "run"),
    )
    main(config)
    return config


@pytest.fixture(scope="module")
def content(config) -> dict:
    return results_of(config.run)["studies"]["probes"]["answer"]["size"]


@pytest.fixture(scope="module")
def found(content) -> Probed:
    return read_back(Probed, content, "results.json")


def test_writes_its_files(config):
    names = set(files_of(config.run))
    assert names >= {
        "results.json",
        "probe_scores.parquet/size-answer.parquet",
        "probes-size.pdf",
        "probes-size.png",
        "readouts/linear_probe/size.safetensors",
        "readouts/linear_probe/size/fold-0/probe.safetensors",
        "readouts/linear_probe/size/fold-4/probe.json",
    }


def test_says_what_these_scenes_do_not_allow(found):
    (reason,) = found.left_out
    assert reason.startswith("seen pairs and unseen pairs: choosing the penalty needs scenes")
    assert f"left out: {reason}" in " ".join(probe_table("size", found, "answer").split())


def test_finds_nothing_in_noise(found):
    assert set(found.compared) == BASELINES
    assert [row.layer for row in found.layers] == [0, 1, 2, 3]
    for row in found.layers:
        assert row.accuracy_low <= row.accuracy <= row.accuracy_high
        assert 0.25 < row.accuracy < 0.75
        assert row.compression < 1.1
    assert min(row.p_information for row in found.layers) > 0.01


def test_selectivity_and_code_hold_the_error_of_their_draws(found):
    assert found.n_control_draws >= 10
    assert found.n_partitions >= 3
    assert found.n_orders >= 5
    for row in found.layers:
        for one in (row.selectivity_interval, row.code_interval, row.compression_interval):
            assert one.low <= one.estimate <= one.high
        assert row.selectivity_bits_low <= row.selectivity_bits <= row.selectivity_bits_high
        assert 0 < row.p_selectivity <= 1
    # Of labels of types, which a probe of noise cannot read, all draws are at chance.
    assert all(0 <= row.selectivity_draw_deviation < 0.2 for row in found.layers)
    table = " ".join(probe_table("size", found, "answer").split())
    assert "mean over 10 draws of its labels and 3 partitions" in table
    assert "over scenes and 5 orders" in table


def test_results_are_read_back_as_they_were_written(found, content):
    assert json.dumps(written(found)) == json.dumps(content)


def test_results_of_a_single_draw_are_of_another_version(content):
    old = {name: value for name, value in content.items() if name != "n_control_draws"}
    with pytest.raises(UserError, match=r"results\.json is damaged or of another version"):
        read_back(Probed, old, "results.json")


def test_what_is_lost_in_unseen_pairs_is_told_where_it_was_measured(found):
    assert found.last.composition_interval is None
    assert "unseen pairs at layer" not in probe_table("size", found, "answer")
    last = replace(
        found.last, composition_gap=0.1, composition_gap_low=0.05, composition_gap_high=0.15,
        p_composition_gap=0.002,
    )  # fmt: skip
    table = probe_table("size", replace(found, layers=(*found.layers[:-1], last)), "answer")
    assert "unseen pairs at layer 3: +0.100 (95% CI +0.050 to +0.150, p = .002)" in table


def test_keeps_every_item_of_every_source(config, found):
    rows = pd.read_parquet(config.run / "probe_scores.parquet")
    assert set(rows["source"]) == BASELINES | {"probe"}
    own = rows.query("source == 'probe'")
    assert len(own) == 4 * found.n_items
    # One item a scene: the mean over scenes is that over items.
    accuracy = np.asarray(own["correct"]).reshape(-1, 4).mean(axis=0)
    np.testing.assert_allclose(accuracy, [row.accuracy for row in found.layers], atol=1e-6)
    assert rows.loc[rows["source"] == "words", "layer"].isna().all()


def test_layer_0_knows_no_more_than_the_words(config):
    # What enters block 1 at the answer position is the last token of the prompt, always the same.
    rows = pd.read_parquet(config.run / "probe_scores.parquet").set_index("source")
    first = rows.loc["probe"].query("layer == 0")["bits"].to_numpy()
    np.testing.assert_allclose(first, rows.loc["majority"]["bits"], atol=1e-4)


def test_a_second_run_only_prints(config, capsys, monkeypatch):
    before = files_of(config.run)
    monkeypatch.setattr("probes.load_vlm", None)
    main(config)
    assert "size, answer: linear probes" in capsys.readouterr().out
    assert files_of(config.run) == before


def test_readings_go_through_the_same_estimates_as_the_lens(config):
    opened = open_run(config)
    readings = take_readings(opened, "size", "linear_probe")
    assert estimate(readings, opened.run.study, key=0).results.outcome == "not_emerged"


def test_says_which_file_is_damaged(config, tmp_path):
    file = config.run / "results.json"
    content = file.read_bytes()
    file.write_text("{")
    try:
        with pytest.raises(UserError, match=r"results\.json is damaged"):
            main(config)
    finally:
        file.write_bytes(content)


def test_says_where_the_control_task_is_the_task(config):
    opened = open_run(config)
    readings = take_readings(opened, "count", "linear_probe")
    residuals = capture_residuals(opened, readings.items)
    left_out = []
    list(comparisons(opened, readings, residuals, "answer", left_out=left_out))
    assert left_out[0].startswith("a control task that tells anything: one text serves all items")
    assert left_out[1].endswith("count is no property of a single object")


def test_refuses_an_unknown_attribute(config):
    with pytest.raises(UserError, match="unknown attribute 'taste'"):
        main(configured("--attr", "taste"))


def test_the_table_fits_a_terminal(found):
    assert max(map(len, probe_table("size", found, "answer").splitlines())) <= 100
