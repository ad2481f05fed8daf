"""Training of the arms in miniature: it ends in model folders, and a kill costs nothing."""

import json
import subprocess
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.render import Render, render
from data_prep.sampler import sample_layout
from probes.bundled import model_folder
from probes.bundled.language import LanguagePlan
from probes.bundled.remedies import run as module
from probes.bundled.remedies import training
from probes.bundled.remedies.quick_check import bundled_questions
from probes.bundled.remedies.removed import Remove, drawn_target, remove, removed_object, without
from probes.bundled.remedies.run import Remedies, run
from probes.bundled.schedule import Progress
from probes.loading.identity import BUNDLED_FOLDER
from tests.data_prep.drawing import renderer_or_skip
from tests.probes.bundled.some_scenes import write_scenes
from tests.probes.bundled.test_remedies import write_copies

ROOT = Path(module.__file__).parents[3]
PLAN: dict[str, Any] = {
    "steps": 5, "batch": 4, "peak_rate": 3.6e-4, "referring": 2, "plain": 1, "descriptions": 1,
    "captions": 1, "caption_every": 3,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def in_miniature():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "CHECKPOINT_EVERY", 2)
        patched.setattr(module, "bundled_questions", partial(bundled_questions, n_scenes=6))
        threads = torch.get_num_threads()
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remedies")
    drawn = write_scenes(folder / "scenes", 8)
    write_copies(drawn, folder / "scenes-removed")
    return drawn


def config(data: Path, out: Path, **changed: Any) -> Remedies:
    settings: dict[str, Any] = {
        "scenes": 8,
        "arms": ("contrast", "none20"),
        "seeds": (0,),
        "language": LanguagePlan(**PLAN),
    }
    return Remedies(data=data, out=out, **(settings | changed))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    run(config(data, out))
    return out


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_it_ends_in_folders_that_hold_what_the_bundled_model_holds(trained):
    ours = {path.name for path in (trained / "contrast-0" / "model").iterdir()}
    theirs = {path.name for path in BUNDLED_FOLDER.iterdir()}
    assert theirs - ours == {"README.md"}
    assert ours <= theirs
    assert "packed" not in (trained / "contrast-0" / "model" / "config.json").read_text()
    found = json.loads((trained / "contrast-0" / "check.json").read_text())
    assert {*found} == {"right", "none_if_there", "none_if_absent"}
    assert all(0 <= share <= 1 for share in found.values())
    assert not [*trained.rglob("*.part"), *trained.rglob("checkpoint*")]


def test_arms_end_apart(trained):
    weights = [
        hashes(trained / f"{arm}-0" / "model")["model.safetensors"]
        for arm in ("contrast", "none20")
    ]
    assert len({*weights, hashes(BUNDLED_FOLDER)["model.safetensors"]}) == 3


def test_an_interrupted_training_ends_with_the_same_bytes(trained, data, tmp_path, monkeypatch):
    def report(self: Progress, at: int, steps: int, **values: float) -> None:
        if at == 3:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "report", report)
        with pytest.raises(KeyboardInterrupt):
            run(config(data, out, arms=("contrast",)))
    assert not (out / "contrast-0" / "model").exists()
    assert (out / "contrast-0" / "checkpoint.safetensors").exists()
    run(config(data, out, arms=("contrast",)))
    assert hashes(out / "contrast-0" / "model") == hashes(trained / "contrast-0" / "model")


def test_a_killed_writing_of_the_model_is_made_good(trained, data, tmp_path, monkeypatch):
    """The same weights come from an arm that is trained alone, and from its last checkpoint."""
    out = tmp_path / "run"

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(model_folder, "new_processor", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config(data, out, arms=("none20",)))
    assert (out / "none20-0" / "model.part").exists()
    monkeypatch.setattr(Progress, "report", lambda *_, **__: pytest.fail("a step was made"))
    run(config(data, out, arms=("none20",)))
    assert hashes(out / "none20-0" / "model") == hashes(trained / "none20-0" / "model")


def test_a_finished_training_reads_nothing_and_trains_no_more(trained, data, monkeypatch):
    monkeypatch.setattr(module, "read_material", lambda *_, **__: pytest.fail("data were read"))
    run(config(data, trained))


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"scenes": 7}, "scenes"), ({"language": LanguagePlan(**PLAN | {"steps": 6})}, "language")],
)
def test_another_training_in_the_same_folder_is_refused(trained, data, changed, name):
    with pytest.raises(UserError, match=f"a training with another {name}: .*: use another folder"):
        run(config(data, trained, **changed))


def test_fewer_scenes_than_asked_for_are_refused(data, tmp_path):
    with pytest.raises(UserError, match=r"--scenes asks for 9 scenes, got 8"):
        run(config(data, tmp_path / "run", scenes=9))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": (0, -1)}, "--seeds must be at least 0, got 0 -1"),
        ({"threads": 0}, "--threads must be at least 1, got 0"),
        (
            {"language": LanguagePlan(**PLAN | {"captions": 0})},
            "--language.captions must be at least 1, got 0",
        ),
    ],
)
def test_what_is_wrong_with_an_argument(data, tmp_path, changed, said):
    with pytest.raises(UserError, match=said):
        run(config(data, tmp_path / "run", **changed))


def test_the_refusal_is_one_line_and_exit_code_2(trained, data):
    command = [sys.executable, "-m", "probes.bundled.remedies", "--data", str(data)]
    ended = subprocess.run(
        [*command, "--out", str(trained)], cwd=ROOT, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {str(trained)!r} holds a training with another")
    assert len(ended.stderr.splitlines()) == 1


def test_an_object_that_can_be_asked_about_is_removed():
    for index in range(24):
        layout = sample_layout(5, index)
        target = drawn_target(layout, 5, index)
        assert target == drawn_target(layout, 5, index)
        assert (target is None) <= (len(layout.objects) < 3)
        if target is not None:
            gone = without(layout, target)
            assert {*layout.objects} - {*gone.objects} == {layout.objects[target]}
            assert (gone.camera, gone.lamps) == (layout.camera, layout.lamps)


def test_copies_are_made_of_rendered_scenes_only(tmp_path):
    with pytest.raises(UserError, match=r"render_train\.json' cannot be read"):
        remove(Remove(data=tmp_path, out=tmp_path / "copies"))
    assert not (tmp_path / "copies").exists()


def test_copies_fit_their_scenes(tmp_path):
    renderer_or_skip(size=48, samples=2)
    render(Render(out=tmp_path / "s", split="train", scenes=6, seed=5, size=48, samples=2))
    remove(Remove(data=tmp_path / "s", out=tmp_path / "c", scenes=6))
    scenes = {s.scene_id[-6:]: s for s in read_clevr(tmp_path / "s", "train")}
    copies = read_clevr(tmp_path / "c", "trainremoved")
    assert len(copies) == 5  # one of six scenes has a single object
    for copy in copies:
        removed_object(scenes[copy.scene_id[-6:]], copy)
