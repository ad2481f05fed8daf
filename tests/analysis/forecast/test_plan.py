"""What --plan foretells is what is then done, nothing is written for it, and what cannot fit is
refused before anything is captured."""

import re
from collections import namedtuple

import pytest

import probes.loading.load
from analysis.forecast import before_capture, disk
from analysis.forecast import memory as memory_module
from probes.residuals.store import ResidualStore
from probes.residuals.trial_batches import halving_order

Usage = namedtuple("Usage", "total used free")
Memory = namedtuple("Memory", "available")


@pytest.fixture
def asked(small, tmp_path):
    return [*small, "--attr", "size", "count", "--run", tmp_path / "run"]


def little_disk(monkeypatch, n_bytes: int) -> None:
    usage = Usage(n_bytes, 0, n_bytes)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda place: usage)


def test_the_plan_is_what_is_then_done(emergence, asked, tmp_path):
    run = tmp_path / "run"
    planned = emergence([*asked, "--plan"])
    assert (planned.code, planned.err) == (0, "")
    assert not run.exists()
    rows = {
        line.split()[0]: line.split()
        for line in planned.out.splitlines()
        if line.startswith((" size", " count"))
    }
    assert emergence(asked).code == 0
    total, taken = 0, 0
    for name in ("size", "count"):
        store = ResidualStore.open(run / "residuals" / name / "answer")
        ids = [each.partition("#")[0] for each in store.row_ids]
        passes = list(dict.fromkeys(ids))
        kinds = [
            sum(each.startswith(kind) for each in passes) for kind in ("real", "blank", "swap")
        ]
        _, at, items, _, *told = rows[name]
        assert at == "answer"
        assert [int(each.replace(",", "")) for each in (items, *told[:5])] == [
            kinds[0], *kinds, len(passes), 0,
        ]  # fmt: skip
        total += len(passes)
        taken += sum(each.stat().st_size for each in store.folder.glob("*") if each.is_file())
    assert f"passes to run: {total:,}, " in planned.out
    residuals = re.search(r"residuals ([\d.]+) (K|M)iB", planned.out)
    assert residuals is not None
    told = float(residuals[1]) * {"K": 2**10, "M": 2**20}[residuals[2]]
    assert told == pytest.approx(taken, rel=0.1)
    before = sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*"))
    again = emergence([*asked, "--plan"])
    assert again.code == 0
    assert "passes to run: 0\n" in again.out
    assert "everything is captured" in again.out
    assert sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*")) == before


def test_a_lens_needs_the_attributes_that_it_is_trained_on(emergence, small, tmp_path):
    line = [*small, "--attr", "size", "--run", tmp_path / "run", "--plan"]
    with_lens = emergence([*line, "--readout", "all", "--lens-attributes", "count"]).out
    without = emergence(line).out
    assert re.search(r"^ count +answer", with_lens, re.MULTILINE)
    assert not re.search(r"^ count +answer", without, re.MULTILINE)


def test_what_cannot_be_asked_is_said_before_the_model_is_loaded(refused, small, monkeypatch):
    monkeypatch.setattr(probes.loading.load, "load_vlm", None)
    message = refused([*small, "--scenes", "12", "--min-scenes-per-text", "20", "--plan"])
    assert message.endswith("give more scenes or a min_scenes_per_text below 20")


@pytest.mark.parametrize("plan", [["--plan"], []], ids=["plan", "capture"])
def test_what_does_not_fit_on_the_disk_is_refused(refused, asked, tmp_path, monkeypatch, plan):
    little_disk(monkeypatch, 20_000)
    message = refused([*asked, *plan])
    found = re.search(r"takes ([\d.]+) KiB of disk, .* has 19.5 KiB free: --scenes (\d+) ", message)
    assert found is not None, message
    # What is said to fit does.
    share = int(found[2]) / 60
    assert 0 < share * float(found[1]) * 1024 <= 0.9 * 20_000
    assert "--dtype bfloat16 takes half" in message
    assert not list(tmp_path.rglob("shard-*"))


def test_what_does_not_fit_into_memory_is_refused(refused, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_module.psutil, "virtual_memory", lambda: Memory(1000))
    # Loading a model asks the same question, of which this is no test.
    monkeypatch.setattr("probes.loading.memory.free_bytes", lambda device: 1e12)
    message = refused([*asked, "--plan"])
    assert "of memory at its peak" in message
    assert "take a smaller --batch-size" in message


def test_a_long_capture_says_in_one_line_what_it_takes(emergence, small, tmp_path, monkeypatch):
    line = [*small, "--attr", "size"]
    calm = emergence([*line, "--run", tmp_path / "a-run"])
    monkeypatch.setattr(before_capture, "_TRIED_FROM_S", 0.0)
    monkeypatch.setattr(before_capture, "SAID_FROM_S", 0.0)
    told = emergence([*line, "--run", tmp_path / "b-run"])
    (said,) = (each for each in told.err.splitlines() if each.startswith("plan: "))
    assert re.fullmatch(
        r"plan: capturing size takes \d+ forward passes, about [\w ]+ \(32 at once\), "
        r"[\d.]+ KiB of disk, [\d.]+ [MG]iB of memory",
        said,
    ), said
    assert "plan: " not in calm.err
    assert "plan: " not in emergence([*line, "--run", tmp_path / "c-run", "--quiet"]).err
    assert told.out.replace("b-run", "a-run") == calm.out


def test_batches_that_are_tried_are_spread_over_all():
    for n in (1, 2, 5, 64):
        order = halving_order(n)
        assert sorted(order) == list(range(n))
    first = sorted(halving_order(64)[:7])
    assert max(b - a for a, b in zip([0, *first], [*first, 63], strict=True)) <= 9
