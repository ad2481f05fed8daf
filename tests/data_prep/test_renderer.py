"""Pictures: the same from the same seed, with the right object at the right place and colour."""

import colorsys
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep import renderer as module
from data_prep.errors import UserError
from data_prep.sampler import COLORS_SRGB, SHAPES, Layout, project, sample_layout
from tests.data_prep.drawing import SPOTS, layout_of, renderer_or_skip

SIZE, SAMPLES = 64, 16
SIX = layout_of([f"large {color} rubber sphere" for color in list(COLORS_SRGB)[:6]])
NOTHING = layout_of([])


@pytest.fixture(scope="module")
def renderer():
    return renderer_or_skip(size=SIZE, samples=SAMPLES)


def centres_of(layout: Layout) -> np.ndarray:
    return project(np.array([[o.x, o.y, o.radius] for o in layout.objects]), layout.camera)


def test_the_same_seed_gives_the_same_pixels_whatever_was_rendered_before(renderer):
    first = renderer.render(sample_layout(1, 0), seed=7)
    renderer.render(SIX, seed=3)
    assert (renderer.render(sample_layout(1, 0), seed=7) == first).all()
    again = renderer_or_skip(size=SIZE, samples=SAMPLES)
    assert (again.render(sample_layout(1, 0), seed=7) == first).all()


def test_the_seed_is_the_noise_alone(renderer):
    one, other = (renderer.render(SIX, seed=seed).astype(int) for seed in (1, 2))
    assert (one != other).any()
    assert np.abs(one - other).mean() < 5


@pytest.mark.parametrize("index", range(12))
def test_owners_agree_with_the_projection_of_centres(renderer, index):
    layout = sample_layout(5, index)
    owners, seen = renderer.owners(layout), centres_of(layout)
    for number, (x, y, depth) in enumerate(seen):
        there = owners[int(y * SIZE), int(x * SIZE)]
        # A nearer object may hide the centre, nothing else may.
        assert there == number or (there >= 0 and seen[there, 2] < depth)
    nearest = seen[:, 2].argmin()
    rows, columns = np.nonzero(owners == nearest)
    middle = (np.array([columns.mean(), rows.mean()]) + 0.5) / SIZE
    np.testing.assert_allclose(middle, seen[nearest, :2], atol=0.04)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_object_is_as_large_as_its_projection(renderer, shape):
    owners = renderer.owners(layout_of([f"large gray rubber {shape}"]))
    layout = layout_of([f"large gray rubber {shape}"])
    points = np.array([[0, 0, 1]]) * layout.objects[0].radius + (*SPOTS[0], 0)
    depth = project(points, layout.camera)[0, 2]
    pixels_per_unit = SIZE / 2 / (np.tan(np.deg2rad(15)) * depth)
    disc = np.pi * (0.7 * pixels_per_unit) ** 2
    # Disc: a ball. A cylinder is higher, a cube of the same width across smaller or about as large.
    least, most = {"sphere": (0.95, 1.1), "cylinder": (1.1, 1.6), "cube": (0.6, 1.1)}[shape]
    assert least < (owners == 0).sum() / disc < most


def test_what_is_not_in_the_layout_never_shows(renderer, monkeypatch):
    renderer.render(SIX, seed=0)
    assert (renderer.owners(NOTHING) == -1).all()
    empty = renderer.render(NOTHING, seed=0)
    # Ground alone: gray, without edges.
    assert np.ptp(empty.astype(int), axis=2).max() <= 2
    assert np.abs(np.diff(empty.astype(int).mean(axis=2))).mean() < 6
    for index in range(6):
        layout = sample_layout(6, index)
        assert set(np.unique(renderer.owners(layout))) <= set(range(-1, len(layout.objects)))
    # Where the unused are parked makes no difference to the light either.
    one = layout_of(["large red metal cube"])
    near = renderer.render(one, seed=1)
    monkeypatch.setattr(module, "_PARKED_DEPTH", -200.0)
    far = renderer_or_skip(size=SIZE, samples=SAMPLES).render(one, seed=1)
    assert (near == far).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_metal_and_rubber_look_different(renderer, shape):
    looks = []
    for material in ("metal", "rubber"):
        layout = layout_of([f"large red {material} {shape}"])
        on_it = renderer.owners(layout) == 0
        looks.append(renderer.render(layout, seed=1)[on_it].astype(int))
    assert np.abs(looks[0] - looks[1]).mean() > 8
    # Metal mirrors sky and ground: it varies more over the surface.
    assert looks[0].std(axis=0).sum() != pytest.approx(looks[1].std(axis=0).sum(), rel=0.02)


@pytest.mark.parametrize("material", ["rubber", "metal"])
def test_objects_have_the_hue_of_their_colour(renderer, material):
    names = list(COLORS_SRGB)
    for six in (names[:6], names[2:]):
        layout = layout_of([f"large {color} {material} sphere" for color in six])
        owners, picture = renderer.owners(layout), renderer.render(layout, seed=2)
        for number, color in enumerate(six):
            shown = np.median(picture[owners == number], axis=0) / 255
            hue, saturation, _ = colorsys.rgb_to_hsv(*shown)
            wanted = colorsys.rgb_to_hsv(*(np.array(COLORS_SRGB[color]) / 255))[0]
            if color == "gray":
                assert saturation < 0.1
            else:
                assert saturation > 0.2
                assert min(abs(hue - wanted), 1 - abs(hue - wanted)) < 0.04, color


def test_the_newest_llvm_from_17_on_is_taken(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()

    def find() -> Path | None:
        return module._newest_llvm((one, tmp_path / "nowhere", other))

    for name in ("libLLVM-14.so", "libLLVM-15.so.1", "libLLVM-16.0.6.so.1", "libLLVM.so",
                 "libLLVMCore.so.21", "libLLVM-20.so.txt"):  # fmt: skip
        (other / name).touch()
    (one / "libLLVM-21.so").symlink_to(one / "gone")
    assert find() is None
    for name in ("libLLVM-17.so.1", "libLLVM.so.18.1", "libLLVM-19.so"):
        (other / name).touch()
        assert find() == other / name
    (one / "libLLVM-19.so.1").touch()
    assert find() == one / "libLLVM-19.so.1"


def test_without_a_new_llvm_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(module, "_LLVM_FOLDERS", (tmp_path,))
    (tmp_path / "libLLVM-15.so").touch()
    with pytest.raises(UserError, match="LLVM 17 or newer, and none was found: install libllvm19"):
        module._choose_llvm()
    assert "DRJIT_LIBLLVM_PATH" not in os.environ

    library = tmp_path / "libLLVM-18.so"
    library.touch()
    module._choose_llvm()
    assert os.environ["DRJIT_LIBLLVM_PATH"] == str(library)


def test_a_choice_of_the_user_and_other_systems_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LLVM_FOLDERS", (tmp_path,))
    for mine in ("libLLVM.so.15", str(tmp_path / "libLLVM-15.so")):
        (tmp_path / "libLLVM-15.so").touch()
        monkeypatch.setenv("DRJIT_LIBLLVM_PATH", mine)
        module._choose_llvm()
        assert os.environ["DRJIT_LIBLLVM_PATH"] == mine
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH")
    monkeypatch.setattr(sys, "platform", "darwin")
    module._choose_llvm()
    assert "DRJIT_LIBLLVM_PATH" not in os.environ


def test_without_mitsuba_the_remedy_is_named(monkeypatch):
    module._mitsuba.cache_clear()
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(UserError, match=r"Mitsuba, which is not installed: run pip install -e"):
        module.Renderer(size=SIZE)


def test_a_library_that_is_not_there_is_one_line_and_exit_code_2(tmp_path):
    pytest.importorskip("mitsuba", reason="Mitsuba is not installed")
    command = [sys.executable, "-m", "data_prep.render", "--out", str(tmp_path / "out")]
    ended = subprocess.run(
        command,
        env=os.environ | {"DRJIT_LIBLLVM_PATH": str(tmp_path / "libLLVM-19.so")},
        cwd=Path(module.__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: DRJIT_LIBLLVM_PATH must name the LLVM library, got")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
