"""The command that renders collections: their layout on disk, and that a kill loses nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_prep import views
from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.render import Render, render
from data_prep.sampler import sample_layout
from data_prep.sources import open_data
from data_prep.views import MIN_VISIBLE_SHARE
from tests.data_prep.drawing import renderer_or_skip

ROOT = Path(views.__file__).parents[1]
SCENES, SEED, SIZE = 12, 5, 48
OPTIONS: dict[str, Any] = {
    "split": "val",
    "scenes": SCENES,
    "seed": SEED,
    "size": SIZE,
    "samples": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    renderer_or_skip(size=SIZE, samples=2)
    out = tmp_path_factory.mktemp("rendered")
    render(Render(out=out, owners=True, **OPTIONS))
    return out


@pytest.fixture(scope="module")
def records(folder):
    return json.loads((folder / "scenes" / "CLEVR_val_scenes.json").read_text())["scenes"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "data_prep.render", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True)


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_it_is_read_as_the_official_layout(folder):
    scenes = read_clevr(folder, "val")
    assert [each.scene_id for each in scenes] == [f"CLEVR_val_{k:06d}" for k in range(SCENES)]
    for index, scene in enumerate(scenes):
        layouts = (sample_layout(SEED, index, attempt=attempt) for attempt in range(1000))
        kinds = [(o.shape, o.color, o.material, o.size) for o in scene.objects]
        view = next(each for each in layouts if each.objects[0].x == scene.objects[0].coords[0])
        assert kinds == [(o.shape, o.color, o.material, o.size) for o in view.objects]
        for thing in scene.objects:
            assert all(0 < place < SIZE for place in thing.position_px)
    image = open_data(f"clevr:{folder}").open_image("CLEVR_val_000000.png")
    assert (image.mode, image.size) == ("RGB", (SIZE, SIZE))


def test_relationships_are_those_of_the_projected_ground(records):
    """CLEVR's rule by its own words: to the right and towards the viewer, by more than 0.2."""
    for record in records:
        things, related, named = record["objects"], record["relationships"], record["directions"]
        assert set(related) == {"left", "right", "front", "behind"}
        for direction, lists in related.items():
            vector = np.array(named[direction])
            assert np.linalg.norm(vector) == pytest.approx(1)
            assert vector[2] == 0
            for one, listed in enumerate(lists):
                shifts = [np.subtract(other["3d_coords"], things[one]["3d_coords"])
                          for other in things]  # fmt: skip
                assert listed == [k for k, shift in enumerate(shifts) if shift @ vector > 0.2]
        for one, listed in enumerate(related["right"]):
            for other in listed:
                assert one in related["left"][other]
        for one, listed in enumerate(related["front"]):
            for other in listed:
                assert one in related["behind"][other]
                # In front is nearer to the camera.
                assert things[other]["pixel_coords"][2] < things[one]["pixel_coords"][2]


def test_right_in_the_scene_is_right_in_the_picture(records):
    shifts = [
        record["objects"][other]["pixel_coords"][0] - thing["pixel_coords"][0]
        for record in records
        for one, thing in enumerate(record["objects"])
        for other in record["relationships"]["right"][one]
    ]
    assert len(shifts) > 30
    # Perspective may turn a pair around that is far apart in depth, hardly more.
    assert np.mean(np.array(shifts) > 0) > 0.95


def test_owners_show_every_object_as_much_as_promised(folder, records):
    for record in records:
        owners = np.asarray(Image.open(folder / "owners" / "val" / record["image_filename"]))
        assert owners.shape == (SIZE, SIZE)
        assert set(np.unique(owners)) == set(range(len(record["objects"]) + 1))
        for number, thing in enumerate(record["objects"], start=1):
            radius = {"large": 0.7, "small": 0.35}[thing["size"]]
            half_width = thing["pixel_coords"][2] * np.tan(np.deg2rad(15))
            disc = np.pi * (radius / half_width * SIZE / 2) ** 2
            assert (owners == number).sum() >= MIN_VISIBLE_SHARE * disc


def test_the_visibility_rule_refuses_views():
    """A control: without the rule some objects would be hidden."""
    renderer = renderer_or_skip(size=SIZE, samples=2)
    first_views = [sample_layout(SEED, 6 * pack + k) for pack in range(8) for k in range(6)]
    seen = [
        np.bincount(renderer.owners(layout).ravel() + 1, minlength=7)[1 : len(layout.objects) + 1]
        for layout in first_views
    ]
    assert min(int(each.min()) for each in seen) <= 5


def test_a_killed_run_goes_on_to_the_same_bytes(folder, tmp_path):
    out = tmp_path / "killed"
    arguments = [f"--{name}={value}" for name, value in OPTIONS.items()] + ["--owners"]
    process = subprocess.Popen(command("--out", str(out), *arguments), cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (out / "images" / "val" / "CLEVR_val_000001.png").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not (out / "scenes").exists()
    (out / "images" / "val" / "CLEVR_val_000004.part").write_bytes(b"half a pict")

    ended = run("--out", str(out), *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    (out / "images" / "val" / "CLEVR_val_000004.part").unlink(missing_ok=True)
    assert files(out) == files(folder)


def test_a_collection_can_be_continued_and_is_not_rendered_twice(folder, tmp_path, monkeypatch):
    few: dict[str, Any] = OPTIONS | {"scenes": 3}
    render(Render(out=tmp_path, **few))
    rendered = []
    save = views.save_picture
    monkeypatch.setattr(
        views,
        "save_picture",
        lambda pixels, path: (rendered.append(path.parts[-3]), save(pixels, path)),
    )
    render(Render(out=tmp_path, owners=True, **few))
    assert rendered == ["owners"] * 3
    rendered.clear()
    render(Render(out=tmp_path, owners=True, **OPTIONS))
    assert len(rendered) == 2 * (SCENES - 3)
    assert files(tmp_path) == files(folder)


@pytest.mark.parametrize("name", ["seed", "size", "samples"])
def test_other_pictures_are_not_mixed_in(folder, name):
    before = files(folder)
    other: dict[str, Any] = OPTIONS | {name: OPTIONS[name] + 1}
    with pytest.raises(UserError, match=rf"holds a rendering with --{name} \d+, got \d+: choose"):
        render(Render(out=folder, **other))
    assert files(folder) == before


def test_a_foreign_collection_is_not_overwritten(folder, tmp_path):
    renderer_or_skip(size=SIZE, samples=2)
    for kind in ("images/val", "scenes"):
        (tmp_path / kind).mkdir(parents=True)
    (tmp_path / "scenes" / "CLEVR_val_scenes.json").write_text("official")
    with pytest.raises(UserError, match="not rendered by this command: choose another --out"):
        render(Render(out=tmp_path, **OPTIONS))
    assert files(tmp_path) == {"scenes/CLEVR_val_scenes.json": b"official"}
    # Another split beside it is welcome.
    beside: dict[str, Any] = OPTIONS | {"split": "mine", "scenes": 1}
    render(Render(out=tmp_path, **beside))
    assert len(read_clevr(tmp_path, "mine")) == 1


def test_a_damaged_declaration_is_named(folder, tmp_path):
    (tmp_path / "render_val.json").write_text("{")
    with pytest.raises(UserError, match=r"render_val\.json' cannot be read .*choose another"):
        render(Render(out=tmp_path, **OPTIONS))


def test_a_full_disk_is_named_and_nothing_is_lost(folder, tmp_path, monkeypatch):
    def full(self: Path, content: bytes) -> int:
        if self.name.startswith("CLEVR_val_000002"):
            raise OSError(28, os.strerror(28))
        with self.open("wb") as file:
            return file.write(content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(UserError, match=r"No space left on device.*: free space or choose"):
            render(Render(out=tmp_path, owners=True, **OPTIONS))
    render(Render(out=tmp_path, owners=True, **OPTIONS))
    assert files(tmp_path) == files(folder)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("scenes", 0, "--scenes must be at least 1, got 0"),
        ("seed", -1, "--seed must be at least 0, got -1"),
        ("size", 31, "--size must be at least 32, got 31"),
        ("samples", 0, "--samples must be at least 1, got 0"),
        ("split", "../val", r"--split must be letters and digits, got '\.\./val'"),
        ("split", "é", "--split must be letters and digits"),
        ("split", "", "--split must be letters and digits"),
    ],
)
def test_what_is_wrong_with_an_argument(tmp_path, name, value, said):
    with pytest.raises(UserError, match=said):
        render(Render(out=tmp_path, **{name: value}))
    assert not files(tmp_path)


def test_bad_arguments_end_the_command_with_one_line_and_exit_code_2(folder, tmp_path):
    file = tmp_path / "file"
    file.touch()
    ended = run("--out", str(tmp_path / "out"), "--scenes", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: --scenes must be at least 1, got 0\n"
    ended = run("--out", str(file), "--scenes", "1")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("error: cannot write")
    assert not (tmp_path / "out").exists()
