"""A certificate says what was checked and what was found, and the command ends accordingly."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from data_prep.files.sealed import read_sealed_json
from probes import VLM
from probes.gate import check_gate
from probes.gate.__main__ import GateOptions, main
from probes.gate.certificate import read_all
from probes.gate.checks import checks_of
from probes.gate.said import checked_answers
from probes.unembedding import GateError


@pytest.fixture
def blind(model_folder, tmp_path):
    """A checkpoint whose image does not reach the answer."""
    folder = shutil.copytree(model_folder, tmp_path / "blind")
    weights = load_file(folder / "model.safetensors")
    for name in weights:
        if "projector.linear_2" in name:
            weights[name] = torch.zeros_like(weights[name])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def code_of(*arguments: object) -> int | str | None:
    """The exit code of the command, in this process."""
    with pytest.raises(SystemExit) as ended:
        run([str(each) for each in arguments])
    return ended.value.code


def run(words: list[str]) -> None:
    with one_line_errors():
        options = from_command_line(GateOptions, command="python -m probes.gate", arguments=words)
        raise SystemExit(main(options))


def test_a_faithful_model_is_certified(model_folder, tmp_path, capsys):
    out = tmp_path / "certificate.json"
    assert code_of(model_folder, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "20 of 20" not in shown, "this head is not tied, and so there is one check less"
    assert "19 of 19 checks passed" in shown
    found = read_sealed_json(out)
    assert found["passed"]
    assert found["loaded"]["revision"].startswith("sha256:")
    assert {"onset", "torch", "transformers"} == set(found["versions"])
    assert found["prompt"].endswith("ASSISTANT:")
    by_name = {each["name"]: each for each in found["checks"]}
    lens = by_name["logits of the last layer"]
    assert 0 <= lens["difference"] < lens["allowed"] == 1e-4
    assert by_name["residuals of a padded batch"]["layer"] in range(4)
    assert [each["agrees"] for each in found["answers"]] == [True] * 6


def test_a_fault_is_a_finding_and_all_else_is_checked_too(blind, tmp_path, capsys):
    out = tmp_path / "certificate.json"
    assert code_of(blind, "--out", out) == 1
    shown = capsys.readouterr()
    assert "FAILED: two different images give the same residuals" in shown.out
    assert "18 of 19 checks passed: not to be trusted" in shown.out
    assert shown.err == ""
    failed = [each for each in read_sealed_json(out)["checks"] if not each["passed"]]
    assert [each["name"] for each in failed] == [
        "the image reaches the answer position (must differ)"
    ]


def test_the_quick_gate_says_what_it_left_out(blind, capsys):
    assert code_of(blind, "--gate", "quick") == 0
    assert "not checked: padding, whether the image arrives" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["./no/such/folder"],
        ["bundled", "--out", "no/such/folder/file.json"],
        ["bundled", "--device", "cpu", "--quantize", "8"],
        ["bundled", "--device", "cpu", "--residuals", "no/such/file.safetensors"],
        ["bundled", "--gate", "none"],
        [],
    ],
)
def test_what_cannot_be_used_is_one_line(arguments, capsys):
    assert code_of(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_a_model_without_a_known_norm_is_a_finding(model_folder, tmp_path, capsys, monkeypatch):
    def refused(*args, **kwargs):
        raise GateError("the final norm Sigmoid is none of rms")

    monkeypatch.setattr("probes.vlm.detach_unembedding", refused)
    out = tmp_path / "certificate.json"
    assert code_of(model_folder, "--out", out) == 1
    assert "FAILED: the final norm Sigmoid" in capsys.readouterr().out
    assert json.loads(out.read_text())["passed"] is False


@pytest.fixture
def view(build_model, build_processor) -> VLM:
    return VLM(model=build_model(), processor=build_processor(), name="random", revision="none")


def test_the_error_and_the_certificate_are_of_the_same_check(view):
    view.blocks = list(view.blocks)[::-1]
    with pytest.raises(GateError) as refused:
        check_gate(view)
    last = read_all(checks_of(view))[-1]
    assert (last.passed, last.fault) == (False, str(refused.value))


def test_settings_of_generation_that_change_what_is_said(view):
    """The control: without them what is said is what is read."""
    checks, answers = checked_answers(view)
    assert [check.passed for check in checks] == [True, True]
    first = answers[0].first
    banned = [[view.tokenizer.convert_tokens_to_ids(view.tokenizer.tokenize(first))[0]]]
    view.model.generation_config.bad_words_ids = banned
    numbers, said = checked_answers(view)[0]
    assert numbers.passed, "the logits are the same"
    assert not said.passed
    assert "generation_config.json has bad_words_ids=" in said.fault
