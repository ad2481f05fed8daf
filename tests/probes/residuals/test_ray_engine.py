"""Shards from a cluster of two nodes: the same to the byte, a worker killed on the way."""

import importlib.util
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from data_prep.errors import UserError
from data_prep.sources import open_data
from probes import load_vlm
from probes.positions import AnswerPosition, ObjectPatches, Square
from probes.residuals import ray_engine
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.passes import row_ids_of
from probes.residuals.ray_engine import RayEngine
from probes.residuals.store import ResidualStore
from tests.data_prep.clevr_folder import write_clevr

# Ray's own defaults set what Ray itself calls deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\.data\.context")
N_PASSES = 22


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each, on loopback."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
    patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    made = Cluster(initialize_head=True, head_node_args=node)
    made.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    patch.setenv("RAY_ADDRESS", str(made.address))
    yield made
    made.shutdown()
    patch.undo()


@pytest.fixture
def data(tmp_path):
    return open_data(f"clevr:{write_clevr(tmp_path / 'clevr')}")


@pytest.fixture
def passes(data, questions):
    images = [scene.image for scene in data.scenes]
    return [(f"item-{i}", images[i % 2], questions[i % 7]) for i in range(N_PASSES)]


@pytest.fixture
def capture(vlm, model_folder, passes, tmp_path):
    def to_store(name, open_image, *, engine=None, position=None):
        at = position or AnswerPosition()
        spec = store_spec(vlm, passes, study_hash="s", position=at, shard_size=3, batch_size=2)
        store = ResidualStore.open_or_create(tmp_path / name, spec, row_ids_of(passes, at))
        done = []
        how = {} if engine is None else {"engine": engine}
        capture_to_store(vlm, passes, open_image, store, position=at, progress=done.append, **how)
        assert sum(done) == N_PASSES
        return {path.name: path.read_bytes() for path in store.folder.iterdir()}

    return to_store


def opened_by_a_mortal(key, *, open_image, marker):
    """The first worker that comes to this image is killed by the system."""
    if key.endswith("1.png") and not marker.exists():
        marker.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return open_image(key)


def test_a_cluster_gives_the_bytes_of_one_machine(cluster, capture, data, passes, model_folder):
    square = Square(x_px=3.0, y_px=3.0, half_width_px=2.0, image_size=(8, 6))
    position = ObjectPatches(squares={pass_id: square for pass_id, _, _ in passes})
    marker = model_folder.parent / f"{os.getpid()}-killed"
    mortal = partial(opened_by_a_mortal, open_image=data.open_image, marker=marker)
    engine = RayEngine(load=partial(load_vlm, model_folder))
    by_ray = capture("ray", mortal, engine=engine, position=position)
    assert int(marker.read_text()) != os.getpid(), "a worker was killed, and not this process"
    assert len(by_ray) == 2 + -(-N_PASSES // 3)
    assert by_ray == capture("local", data.open_image, position=position)


def test_a_refusal_of_a_worker_is_one_line(cluster, capture, data, model_folder, tmp_path):
    engine = RayEngine(load=partial(load_vlm, tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"no model folder .*nowhere") as caught:
        capture("ray", data.open_image, engine=engine)
    assert "\n" not in str(caught.value)


def test_a_worker_with_another_model_is_refused(
    cluster, capture, data, build_model, build_processor, tmp_path
):
    other = tmp_path / "other"
    build_model(seed=1).save_pretrained(other)
    build_processor().save_pretrained(other)
    engine = RayEngine(load=partial(load_vlm, other))
    with pytest.raises(UserError, match="a Ray worker has another model as"):
        capture("ray", data.open_image, engine=engine)


def test_without_gpus_or_without_ray(cluster, capture, data, monkeypatch):
    engine = RayEngine(load=partial(load_vlm, "bundled"), device="cuda")
    with pytest.raises(UserError, match="the Ray cluster has no GPU"):
        capture("ray", data.open_image, engine=engine)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'onset\[ray\]'"):
        capture("ray", data.open_image, engine=engine)


def test_without_an_address_no_cluster_is_looked_for(monkeypatch):
    """Ray itself would try for minutes to reach one whose file a dead one has left behind."""
    ray = pytest.importorskip("ray")
    asked = {}
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: asked.update(options))
    monkeypatch.setattr(ray, "shutdown", lambda: asked.update(ended=True))
    with ray_engine._connected():
        pass
    assert (asked["address"], asked["ended"]) == ("local", True)
