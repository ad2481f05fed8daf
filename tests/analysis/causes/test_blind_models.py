"""A model that hardly uses the image: said so, and no error."""

import shutil
from typing import Any

import torch

from probes import load_vlm
from tests.analysis.causes.conftest import asked
from tests.analysis.conftest import results_of


def test_a_model_that_hardly_looks_is_said_to_follow_nothing(
    causes, plain_model, pictures, tmp_path
):
    model = plain_model("llava")
    loaded: Any = load_vlm(model).model
    for each in loaded.get_decoder().layers:
        with torch.no_grad():
            each.self_attn.o_proj.weight.mul_(1e-4)
    shutil.copytree(model, tmp_path / "blind")
    loaded.save_pretrained(tmp_path / "blind")
    run = tmp_path / "run"
    ended = causes(*asked(tmp_path / "blind", pictures, run), "--quick")
    assert (ended.code, ended.err) == (0, "")
    assert "nothing is said about causes" in ended.out
    found = results_of(run)["studies"]["causes"]["label"]["every"]
    assert not found["follows"]["shown"]
    assert (found["out"], found["into"], found["window"]) == (None, None, None)
