"""Training from end to end in miniature: it ends in a model folder, and a kill costs nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from data_prep.errors import UserError
from probes import load_vlm
from probes.bundled import tower
from probes.bundled import train as module
from probes.bundled.language import LanguagePlan
from probes.bundled.model_folder import load_trained
from probes.bundled.schedule import Progress
from probes.bundled.train import Train, train
from probes.loading.identity import folder_identity
from tests.probes.bundled.some_scenes import write_scenes

ROOT = Path(module.__file__).parents[2]
PLAN: dict[str, Any] = {
    "steps": 5, "batch": 2, "referring": 2, "plain": 1, "descriptions": 1, "captions": 1,
    "caption_every": 3,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def in_miniature():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tower, "BATCH", 4)
        patched.setattr(module, "_CHECKPOINT_EVERY", 2)
        threads = torch.get_num_threads()
        yield
        torch.set_num_threads(threads)


def config(drawn: Path, out: Path, **changed: Any) -> Train:
    settings: dict[str, Any] = {
        "tower_steps": 2,
        "alignment_steps": 2,
        "language": LanguagePlan(**PLAN),
    }
    return Train(data=drawn, out=out, **(settings | changed))


@pytest.fixture(scope="module")
def trained(drawn, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    train(config(drawn, out))
    return out


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def interrupting(stage: str, step: int) -> Callable[..., None]:
    def report(self: Progress, at: int, steps: int, **values: float) -> None:
        if (self._stage, at) == (stage, step):
            raise KeyboardInterrupt

    return report


def test_it_ends_in_a_folder_that_loads_like_any_other(trained):
    assert sum(path.stat().st_size for path in (trained / "model").iterdir()) < 16e6
    vlm = load_vlm(trained / "model")
    image = Image.new("RGB", (128, 128), (90, 20, 20))
    assert (vlm.n_layers, vlm.d_model) == (10, 192)
    residual = vlm.capture([image], ["Color of the main object:"])
    logits = vlm.answer_logits([image], ["Color of the main object:"])
    torch.testing.assert_close(vlm.unembed(residual)[:, -1], logits, rtol=1e-3, atol=1e-3)
    # The way of packing belongs to the training, not to the model.
    assert "packed" not in (trained / "model" / "config.json").read_text()


def test_only_what_a_stage_trains_changes(trained, drawn, tmp_path):
    """The tower is the first stage's to the end."""
    state = torch.load(trained / "language.pt", weights_only=True)
    first = module.load_file(trained / "tower.safetensors")
    for name, tensor in first.items():
        assert (state["model"][f"model.vision_tower.{name}"] == tensor).all()
    assert state["step"] == PLAN["steps"]


@pytest.mark.parametrize(("stage", "step"), [("tower", 1), ("language", 0), ("language", 3)])
def test_an_interrupted_training_ends_with_the_same_weights(
    trained, drawn, tmp_path, monkeypatch, stage, step
):
    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "report", interrupting(stage, step))
        with pytest.raises(KeyboardInterrupt):
            train(config(drawn, out))
    assert not (out / "model").exists()
    if (stage, step) == ("language", 3):
        assert torch.load(out / "language.pt", weights_only=True)["step"] == 2
    train(config(drawn, out))
    assert hashes(out / "model") == hashes(trained / "model")


def test_a_finished_training_trains_no_more(trained, drawn, monkeypatch):
    before = hashes(trained / "model")
    monkeypatch.setattr(Progress, "report", lambda *_, **__: pytest.fail("a step was made"))
    train(config(drawn, trained))
    assert hashes(trained / "model") == before


def test_another_seed_gives_another_model(trained, drawn, tmp_path):
    train(config(drawn, tmp_path / "run", seed=1))
    ours, theirs = hashes(tmp_path / "run" / "model"), hashes(trained / "model")
    assert ours["model.safetensors"] != theirs["model.safetensors"]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"seed": 1}, "seed"),
        ({"tower_steps": 3}, "tower_steps"),
        ({"language": LanguagePlan(**PLAN | {"batch": 3})}, "language"),
    ],
)
def test_another_training_in_the_same_folder_is_refused(trained, drawn, changed, name):
    before = hashes(trained / "model")
    with pytest.raises(UserError, match=f"a training with another {name}: .*: use another folder"):
        train(config(drawn, trained, **changed))
    assert hashes(trained / "model") == before


def test_other_data_are_refused_and_moved_folders_are_not(trained, drawn, tmp_path):
    other = write_scenes(tmp_path / "other", 2)
    with pytest.raises(UserError, match=r"another data: .* there, other here"):
        train(config(other, trained))
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / drawn.name
    moved.symlink_to(drawn)
    train(config(moved, trained))


def test_the_refusal_is_one_line_and_exit_code_2(trained, drawn, tmp_path):
    command = [sys.executable, "-m", "probes.bundled.train", "--data", str(drawn)]
    ended = subprocess.run(
        [*command, "--out", str(trained)], cwd=ROOT, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {str(trained)!r} holds a training with another")
    assert len(ended.stderr.splitlines()) == 1


def test_bad_data_leave_no_folder_behind(drawn, tmp_path):
    with pytest.raises(UserError, match="no folder"):
        train(config(tmp_path / "nowhere", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_damaged_declaration_is_named(drawn, tmp_path):
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(UserError, match=r"training\.json' cannot be read .*: use another folder"):
        train(config(drawn, tmp_path))


def test_the_declaration_names_what_decides_the_weights(trained, drawn):
    declared = json.loads((trained / "training.json").read_text())
    assert declared == {
        "data": drawn.name,
        "split": "train",
        "seed": 0,
        "tower_steps": 2,
        "alignment_steps": 2,
        "language": {"peak_rate": LanguagePlan(steps=1).peak_rate, **PLAN},
        "scenes": 8,
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": -1}, "--seed must be at least 0, got -1"),
        ({"tower_steps": 0}, "--tower-steps must be at least 1, got 0"),
        ({"threads": 0}, "--threads must be at least 1, got 0"),
        (
            {"language": LanguagePlan(**PLAN | {"caption_every": 0})},
            "--language.caption-every must be at least 1, got 0",
        ),
    ],
)
def test_what_is_wrong_with_an_argument(drawn, tmp_path, changed, said):
    with pytest.raises(UserError, match=said):
        train(config(drawn, tmp_path / "run", **changed))
    assert not (tmp_path / "run").exists()


def test_training_on_keeps_tower_and_words_and_learns_the_rest(trained, drawn, tmp_path):
    out = tmp_path / "run"
    train(config(drawn, out, start=trained / "model", seed=1))
    before = module.load_file(trained / "model" / "model.safetensors")
    after = module.load_file(out / "model" / "model.safetensors")
    assert before.keys() == after.keys()
    same = {name for name, tensor in before.items() if (tensor == after[name]).all()}
    towers = {name for name in before if "vision_tower" in name}
    assert towers
    assert towers <= same
    assert any("language_model" in name for name in before.keys() - same)
    assert any("projector" in name for name in before.keys() - same)
    ours, theirs = hashes(out / "model"), hashes(trained / "model")
    assert {name for name in ours if ours[name] != theirs[name]} == {"model.safetensors"}
    declared = json.loads((out / "training.json").read_text())
    assert declared["trained_on_from"] == folder_identity(trained / "model")
    assert declared["scenes"] == 8
    assert "tower_steps" not in declared


def test_an_interrupted_training_on_ends_with_the_same_weights(
    trained, drawn, tmp_path, monkeypatch
):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(config(drawn, whole, start=trained / "model"))
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "report", interrupting("language", 3))
        with pytest.raises(KeyboardInterrupt):
            train(config(drawn, cut, start=trained / "model"))
    train(config(drawn, cut, start=trained / "model"))
    assert hashes(whole / "model") == hashes(cut / "model")
    with pytest.raises(UserError, match="a training with another trained_on_from"):
        train(config(drawn, cut, start=whole / "model"))


@pytest.mark.parametrize("kind", ["absent", "empty", "another kind", "without a weight"])
def test_a_start_that_is_none(trained, drawn, tmp_path, kind):
    start = tmp_path / "start"
    if kind == "without a weight":
        shutil.copytree(trained / "model", start)
        weights = module.load_file(start / "model.safetensors")
        del weights[next(name for name in weights if "linear_1.weight" in name)]
        module.save_file(weights, start / "model.safetensors", metadata={"format": "pt"})
    elif kind != "absent":
        start.mkdir()
    if kind == "another kind":
        (start / "config.json").write_text('{"model_type": "gpt2"}')
    said = "--start must be a model folder" if kind == "absent" else "is no model folder of"
    with pytest.raises(UserError, match=said) as refused:
        train(config(drawn, tmp_path / "run", start=start))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_a_start_is_loaded_without_touching_the_state_of_torch(trained):
    before = torch.get_rng_state()
    load_trained(trained / "model")
    assert torch.equal(torch.get_rng_state(), before)
