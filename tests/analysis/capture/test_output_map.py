"""The output map of a run: written once, and read onto the device that was asked for."""

from types import SimpleNamespace

import pytest
import torch

from analysis.capture import output_map as kept
from analysis.capture.output_map import keep_output_map, output_map
from analysis.run.opened import OpenRun
from data_prep.errors import UserError
from probes import devices, load_vlm
from probes.logit_lens import lens_summaries
from probes.unembedding import Unembedding
from tests.probes.far_device import FAR, far_device


@pytest.fixture(scope="module")
def vlm():
    return load_vlm("bundled", device="cpu")


def opened(folder, *, engine="local", **arguments):
    """An open run of which only the folder and the options of the model are there."""
    found = object.__new__(OpenRun)
    run = SimpleNamespace(output_map=folder / "output_map")
    for name, value in (("run", run), ("engine", engine), ("model_arguments", arguments)):
        object.__setattr__(found, name, value)
    return found


def test_it_lies_on_the_device_that_was_asked_for(vlm, tmp_path, monkeypatch):
    keep_output_map(opened(tmp_path), vlm)
    asked = []

    def working(name):
        asked.append(name)
        return FAR if name == "cuda:1" else torch.device("cpu")

    monkeypatch.setattr(devices, "working_device", working)
    residuals = torch.randn(2, 3, vlm.d_model)
    wanted = lens_summaries(residuals, output_map(opened(tmp_path, device="cpu")))
    with far_device() as here:
        found = output_map(opened(tmp_path, device="cuda:1"))
        assert found.device == FAR
        summaries = lens_summaries(residuals, found)
        assert here.far_products
        assert not here.near_products
    assert (summaries.token_ids == wanted.token_ids).all()
    output_map(opened(tmp_path))
    # Ray's workers need the accelerators whole.
    assert output_map(opened(tmp_path, engine="ray", device="cuda:1")).device.type == "cpu"
    assert asked == ["cpu", "cuda:1", "cpu", "cpu"]


def test_a_device_that_does_not_work_is_refused(vlm, tmp_path):
    keep_output_map(opened(tmp_path), vlm)
    with pytest.raises(UserError, match="device 'meta' cannot be used here"):
        output_map(opened(tmp_path, device="meta"))


def test_it_is_written_and_compared_once(vlm, tmp_path, monkeypatch):
    run = opened(tmp_path)
    keep_output_map(run, vlm)
    files = {path: path.stat().st_mtime_ns for path in run.run.output_map.iterdir()}
    saved = []
    monkeypatch.setattr(Unembedding, "save", lambda *given: saved.append(given))
    keep_output_map(run, vlm)
    assert not saved
    assert {path: path.stat().st_mtime_ns for path in run.run.output_map.iterdir()} == files
    # The control: what was changed since is noticed.
    weights = run.run.output_map / "unembedding.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    keep_output_map(run, vlm)
    assert len(saved) == 1
    # And another process, which has compared nothing yet, looks.
    kept._KEPT.clear()
    keep_output_map(run, vlm)
    assert len(saved) == 2


def test_the_same_content_is_not_packed_again(vlm, tmp_path, monkeypatch):
    vlm.unembedding.save(tmp_path)
    packed = []
    whole = Unembedding.packed

    def counted(unembedding):
        packed.append(1)
        return whole(unembedding)

    monkeypatch.setattr(Unembedding, "packed", counted)
    vlm.unembedding.save(tmp_path)
    assert not packed
    weights = tmp_path / "unembedding.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    vlm.unembedding.save(tmp_path)
    assert packed
    assert weights.read_bytes() == before
