"""Layouts: balanced, each on its own, apart and in frame; and the camera's geometry."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_prep.sampler import (
    AXIS_MARGIN,
    CAMERA,
    CAMERA_JITTER,
    FIELD_OF_VIEW_DEG,
    FRAME_MARGIN,
    HALF_WIDTH,
    KINDS,
    LAMP_JITTER,
    LAMPS,
    MAX_OBJECTS,
    MIN_GAP,
    RADII,
    TARGET,
    Layout,
    project,
    sample_layout,
)

seeds = st.integers(0, 2**40)
indices = st.integers(0, 10**7)
places = arrays(float, (3,), elements=st.floats(-3, 3))


def kinds(layout: Layout) -> list[tuple[str, str, str, str]]:
    return [(each.shape, each.color, each.material, each.size) for each in layout.objects]


@given(seeds, st.integers(0, 10**6))
def test_six_consecutive_layouts_have_one_to_six_objects(seed, pack):
    layouts = [sample_layout(seed, MAX_OBJECTS * pack + k) for k in range(MAX_OBJECTS)]
    assert sorted(len(each.objects) for each in layouts) == list(range(1, MAX_OBJECTS + 1))


@pytest.mark.parametrize(("seed", "pack"), [(0, 0), (1, 0), (2, 7)])
def test_kinds_are_exact_in_96_first_objects_and_differ_among_the_later_ones(seed, pack):
    n_kinds = len(KINDS)
    assert n_kinds == 96
    layouts = [sample_layout(seed, n_kinds * pack + k) for k in range(n_kinds)]
    assert Counter(kinds(each)[0] for each in layouts) == dict.fromkeys(KINDS, 1)
    for slot in range(1, MAX_OBJECTS):
        drawn = Counter(kinds(each)[slot] for each in layouts if len(each.objects) > slot)
        assert set(drawn.values()) == {1}
        assert len(drawn) == n_kinds * (MAX_OBJECTS - slot) // MAX_OBJECTS


def test_slots_and_packs_are_shuffled_apart():
    layouts = [sample_layout(3, index) for index in range(2 * len(KINDS))]
    first, second = layouts[: len(KINDS)], layouts[len(KINDS) :]
    assert [kinds(each)[0] for each in first] != [kinds(each)[0] for each in second]
    several = [kinds(each) for each in layouts if len(each.objects) > 1]
    assert sum(each[0] == each[1] for each in several) < len(several) / 10


@given(seeds, indices, indices)
def test_a_layout_does_not_depend_on_what_was_drawn_before(seed, index, other):
    alone = sample_layout(seed, index)
    sample_layout(seed, other)
    assert sample_layout(seed, index) == alone


def test_seeds_share_no_layout():
    views = [{sample_layout(seed, index).camera for index in range(60)} for seed in (0, 1, 2)]
    assert len(set().union(*views)) == 180


@given(seeds, indices, st.integers(1, 1000))
def test_another_attempt_moves_everything_and_keeps_the_kinds(seed, index, attempt):
    first, again = (sample_layout(seed, index, attempt=k) for k in (0, attempt))
    assert kinds(first) == kinds(again)
    assert first.camera != again.camera
    assert first.lamps != again.lamps
    assert {(each.x, each.y) for each in first.objects}.isdisjoint(
        (each.x, each.y) for each in again.objects
    )


@given(seeds, indices, st.integers(0, 3))
def test_objects_stand_apart_on_the_ground(seed, index, attempt):
    layout = sample_layout(seed, index, attempt=attempt)
    for each in layout.objects:
        assert max(abs(each.x), abs(each.y)) <= HALF_WIDTH
        assert 0 <= each.rotation_deg < 360
        across = RADII[each.size]
        # The widest part: a cube is as wide across as a ball is.
        wide = each.radius * (np.sqrt(2) if each.shape == "cube" else 1)
        assert wide == pytest.approx(across)
    for one, other in combinations(layout.objects, 2):
        dx, dy = abs(one.x - other.x), abs(one.y - other.y)
        assert (dx**2 + dy**2) ** 0.5 - RADII[one.size] - RADII[other.size] >= MIN_GAP
        assert max(dx, dy) >= AXIS_MARGIN


@given(seeds, indices, st.integers(0, 3))
def test_every_object_lies_in_the_frame_with_a_margin(seed, index, attempt):
    layout = sample_layout(seed, index, attempt=attempt)
    turns = np.linspace(0, 2 * np.pi, 60)
    for each in layout.objects:
        # The cylinder around the object: wider than any of the three shapes.
        ring = RADII[each.size] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        for height in (0, 2 * each.radius):
            points = np.column_stack([ring + (each.x, each.y), np.full(len(ring), height)])
            seen = project(points, layout.camera)
            assert (abs(seen[:, :2] - 0.5) < 0.5 - FRAME_MARGIN).all()
            assert (seen[:, 2] > 1).all()


@given(seeds, indices)
def test_camera_and_lamps_stay_near_their_places(seed, index):
    layout = sample_layout(seed, index)
    assert np.abs(np.subtract(layout.camera, CAMERA)).max() <= CAMERA_JITTER
    assert np.abs(np.subtract(layout.lamps, LAMPS)).max() <= LAMP_JITTER


def look_at(camera: np.ndarray) -> np.ndarray:
    """World to view by a 4 x 4 matrix, as OpenGL's gluLookAt: x right, y up, z to the viewer."""
    back = camera - TARGET
    back = back / np.linalg.norm(back)
    # Right from the azimuth alone: the ground direction at a right angle to the view.
    right = np.array([-back[1], back[0], 0.0]) / np.hypot(back[0], back[1])
    matrix = np.eye(4)
    matrix[:3, :3] = right, np.cross(back, right), back
    matrix[:3, 3] = -matrix[:3, :3] @ camera
    return matrix


@given(arrays(float, (5, 3), elements=st.floats(-2, 2)), places)
def test_projection_is_that_of_a_look_at_matrix_and_a_frustum(points, shift):
    camera = np.array(CAMERA) + shift / 3
    x, y, z, _ = look_at(camera) @ np.column_stack([points, np.ones(5)]).T
    focal = 1 / np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2)
    want = np.column_stack([(1 + focal * x / -z) / 2, (1 - focal * y / -z) / 2, -z])
    np.testing.assert_allclose(project(points, tuple(camera.tolist())), want, atol=1e-9)


def test_the_projection_by_hand():
    camera = (0.0, -10.0, 0.25)  # level with the target, ten units before it
    edge = 10 * np.tan(np.deg2rad(FIELD_OF_VIEW_DEG / 2))
    points = np.array([TARGET, (edge, 0, 0.25), (0, 0, 0.25 + edge), (0, 10, 0.25)])
    want = [(0.5, 0.5, 10), (1, 0.5, 10), (0.5, 0, 10), (0.5, 0.5, 20)]
    np.testing.assert_allclose(project(points, camera), want, atol=1e-12)


@given(places, places, st.floats(0, 1))
def test_straight_lines_stay_straight(one, other, share):
    ends = np.stack([one, other, one + share * (other - one)])
    seen = project(ends, CAMERA)[:, :2]
    (ax, ay), (bx, by) = seen[1] - seen[0], seen[2] - seen[0]
    assert abs(ax * by - ay * bx) < 1e-9
