"""Numbers that a question may ask for: depth, distance, angle, size, turns; and gaps between boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.relations import RELATIONS, Finding, camera_rotation, is_seen_well
from roborefer.refspatial.relations.gaps import box_gap, level_gap, seen_gap
from roborefer.refspatial.relations.measures import measures
from roborefer.refspatial.relations.quantities import angle, depth_at, distance, free_gap, size
from roborefer.refspatial.relations.rotations import direction_angle, face
from roborefer.refspatial.scene_graph import Scene
from roborefer.structures import Point

from .handmade import TABLE_HEIGHT, Block, box_scene, look_at
from .test_relations import blocks

seeds = st.integers(0, 2**32 - 1)


def random_box(generator: np.random.Generator, spread: float = 1.0) -> OrientedBox:
    q, r = np.linalg.qr(generator.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    rotation = q if np.linalg.det(q) > 0 else -q
    return OrientedBox(generator.uniform(-spread, spread, 3), rotation, generator.uniform(0.05, 0.8, 3))


def slow_gap(a: OrientedBox, b: OrientedBox, flat: bool) -> float:
    """Alternating projections between two convex sets: slow, obvious, and a bound from above."""
    point = a.center.copy()
    if flat:
        corners = [box.corners()[:, :2] for box in (a, b)]
        grids = [_hull_points(item) for item in corners]
        return float(min(np.linalg.norm(grids[0] - point, axis=1).min() for point in grids[1]))
    for _ in range(3000):
        other = _nearest(point, b)
        point = _nearest(other, a)
    return float(np.linalg.norm(point - other))


def _nearest(point: np.ndarray, box: OrientedBox) -> np.ndarray:
    local = np.clip((point - box.center) @ box.rotation, -box.size / 2, box.size / 2)
    return box.center + box.rotation @ local


def _hull_points(corners: np.ndarray) -> np.ndarray:
    """Points on all segments between corners: the outline of the hull is among them, and its inside."""
    steps = np.linspace(0, 1, 24)[:, None]
    return np.concatenate([first + steps * (second - first) for first in corners for second in corners])


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_box_gap_against_alternating_projections(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = random_box(generator), random_box(generator)
    gap = box_gap(a, b)
    assert gap == pytest.approx(slow_gap(a, b, flat=False), abs=2e-3)
    assert gap == pytest.approx(box_gap(b, a), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_level_gap_against_many_points(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = random_box(generator), random_box(generator)
    gap = level_gap(a, b)
    assert gap == pytest.approx(level_gap(b, a), abs=1e-9)
    slow = slow_gap(a, b, flat=True)
    assert gap <= slow + 1e-9
    assert slow <= gap + 0.08  # the points are some centimetres apart
    assert gap <= box_gap(a, b) + 1e-9


def test_gaps_of_upright_boxes() -> None:
    scene = box_scene([Block(at=(-0.2, 0)), Block(at=(0.2, 0)), Block(at=(0.2, 0), base=1.0)], size=(8, 6))
    first, second, third = (item.box for item in scene.objects)
    assert box_gap(first, second) == pytest.approx(0.32)
    assert box_gap(second, third) == pytest.approx(0.15)
    assert level_gap(second, third) == 0
    assert level_gap(first, third) == pytest.approx(0.32)
    assert box_gap(first, third) == pytest.approx(math.hypot(0.32, 0.15))
    assert box_gap(first, first) == 0


def test_seen_gap() -> None:
    scene = box_scene([Block(at=(-0.041, 0)), Block(at=(0.041, 0)), Block(at=(0.4, 0)), Block(at=(0, 0.3))])
    assert seen_gap(scene, 1, 2) == pytest.approx(0.0, abs=0.003)
    assert seen_gap(scene, 1, 3) == math.inf


def test_depth_is_the_median_of_what_is_seen() -> None:
    scene = box_scene([Block()])
    finding = RELATIONS["depth"].function(scene, 1)
    assert finding.value == float(np.median(scene.depth_m[scene.ids == 1]))
    assert finding.margin == pytest.approx(0.01 + 0.02 * finding.value)
    assert finding.holds
    assert finding.clear
    long = box_scene([Block(size=(0.1, 0.8, 0.02))])
    assert not RELATIONS["depth"].function(long, 1).clear, "one depth says little about something this long"


def test_depth_at_a_point() -> None:
    scene = box_scene([Block(size=(0.3, 0.3, 0.05))])
    middle = depth_at(scene, Point(0.5, 0.5))
    assert middle.clear
    assert middle.value == pytest.approx(float(scene.depth_m[60, 80]))
    rows, columns = np.nonzero(scene.ids == 1)
    border = depth_at(scene, Point((columns.min() + 0.5) / 160, (rows[columns.argmin()] + 0.5) / 120))
    assert border.holds
    assert not border.clear
    nothing = depth_at(scene, Point(1.0, 0.0))
    assert math.isnan(nothing.value)
    assert (nothing.holds, nothing.clear) == (False, False)


def seen_center(scene: Scene, object_id: int) -> np.ndarray:
    """The middle of the world bounds of an object's pixels, from depth and ids alone."""
    k, pose = scene.camera.intrinsics, scene.camera.world_from_camera
    rows, columns = np.nonzero(scene.ids == object_id)
    z = scene.depth_m[rows, columns].astype(float)
    points = np.stack(((columns + 0.5 - k.cx) / k.fx * z, (rows + 0.5 - k.cy) / k.fy * z, z), axis=1)
    world = points @ pose[:3, :3].T + pose[:3, 3]
    return (world.min(axis=0) + world.max(axis=0)) / 2


@settings(max_examples=40, deadline=None)
@given(blocks(least=3))
def test_numbers_recompute_from_depth_and_ids(objects: list[Block]) -> None:
    scene = box_scene(objects)
    eye = scene.camera.world_from_camera[:3, 3]
    well = [item.id for item in scene.objects if item.visible_fraction > 0.95 and is_seen_well(scene, item.id)]
    for a in well:
        assert np.linalg.norm(seen_center(scene, a) - measures(scene)[a].center) <= measures(scene)[a].center_tolerance
    for a, b in ((a, b) for a in well for b in well if a != b):
        first, second = seen_center(scene, a), seen_center(scene, b)
        finding = distance(scene, a, b)
        assert abs(np.linalg.norm(first - second) - finding.value) <= finding.margin
        turn = RELATIONS["rotation-horizontal"].function(scene, a, b)
        headings = [math.degrees(math.atan2(*(place - eye)[:2])) for place in (first, second)]
        assert abs(headings[1] - headings[0] - turn.value) <= turn.margin
        if turn.clear:
            assert turn.holds == (headings[1] > headings[0])
    if len(well) >= 3:
        finding = angle(scene, *well[:3])
        sides = [seen_center(scene, item) - seen_center(scene, well[1]) for item in (well[0], well[2])]
        cosine = sides[0] @ sides[1] / np.linalg.norm(sides[0]) / np.linalg.norm(sides[1])
        assert abs(math.degrees(math.acos(cosine)) - finding.value) <= finding.margin


def test_distance_and_gap() -> None:
    scene = box_scene([Block(at=(-0.3, 0)), Block(at=(0.3, 0)), Block(at=(-0.18, 0))])
    assert distance(scene, 1, 2).value == pytest.approx(0.6)
    assert distance(scene, 1, 2).clear
    assert not distance(scene, 1, 3).clear, "12 cm, give or take 6"
    assert free_gap(scene, 1, 2).value == pytest.approx(0.52)
    assert free_gap(scene, 1, 2).clear


def test_angle_at_an_anchor() -> None:
    scene = box_scene([Block(at=at, size=(0.04, 0.04, 0.04)) for at in ((0.37, -0.2), (0, -0.2), (0, 0.17))])
    finding = angle(scene, 1, 2, 3)
    assert finding.value == pytest.approx(90)
    assert finding == angle(scene, 3, 2, 1)
    assert finding.clear
    assert angle(scene, 2, 1, 3).value == pytest.approx(45)
    same = box_scene([Block(), Block(), Block(at=(0.2, 0))])
    assert not angle(same, 1, 2, 3).holds


def test_size() -> None:
    scene = box_scene([Block(size=(0.1, 0.2, 0.15), yaw=90)])
    values = [size(scene, 1, which).value for which in ("height", "width", "longest")]
    assert values == pytest.approx([0.15, 0.2, 0.2])
    assert size(scene, 1).margin == pytest.approx(0.15 * 0.2)


@pytest.mark.parametrize(
    ("yaw", "facing", "angle_to_viewer"),
    [
        (0, (True, True), 0),
        (20, (True, True), 20),
        (40, (True, False), 40),
        (90, (False, True), 90),
        (180, (False, True), 180),
    ],
)
def test_face_and_back_to_the_viewer(yaw: float, facing: tuple[bool, bool], angle_to_viewer: float) -> None:
    scene = box_scene([Block(yaw=yaw)])
    finding, back = face(scene, 1), RELATIONS["back"].function(scene, 1, None)
    assert (finding.holds, finding.clear) == facing
    assert finding.value == pytest.approx(angle_to_viewer)
    assert back.value == finding.value
    assert back.holds == (yaw == 180)
    assert back.clear


def test_face_another_object() -> None:
    towards_left = {"front": (-1.0, 0.0, 0.0)}
    scene = box_scene([Block(at=(0.3, 0), directions=towards_left), Block(at=(-0.3, 0.05)), Block(at=(0.5, 0.0))])
    assert RELATIONS["face"].function(scene, 1, 2).clear
    assert RELATIONS["face"].function(scene, 1, 2).holds
    assert RELATIONS["back"].function(scene, 1, 3).holds
    assert not RELATIONS["face"].function(scene, 1, 3).holds


@pytest.mark.parametrize("directions", [None, {"handle": (1.0, 0.0, 0.0)}, {"front": (0.0, 0.0, 1.0)}])
def test_without_a_front_nothing_is_faced(directions: dict[str, tuple[float, float, float]] | None) -> None:
    scene = box_scene([Block(directions=directions), Block(at=(0.2, 0))])
    for name in ("face", "back"):
        finding: Finding = RELATIONS[name].function(scene, 1, 2)
        assert (finding.holds, finding.clear, finding.margin) == (False, False, 0)
        assert math.isnan(finding.value)


def test_angle_between_directions() -> None:
    scene = box_scene([Block(at=(-0.2, 0)), Block(at=(0.2, 0), yaw=-70), Block(at=(0, 0.2), directions=None)])
    assert direction_angle(scene, 1, 2).value == pytest.approx(70)
    assert direction_angle(scene, 1, 2).clear
    assert not direction_angle(scene, 1, 3).holds


def test_turning_from_one_object_to_another() -> None:
    """Two blocks 1.5 m in front of the camera, 30 degrees apart seen from above."""
    aside = 1.5 * math.tan(math.radians(15))
    camera = look_at((0, -1.5, 1.5), size=(160, 120))
    scene = box_scene([Block(at=(-aside, 0)), Block(at=(aside, 0)), Block(at=(-aside, 0), base=1.2)], camera=camera)
    right = RELATIONS["rotation-horizontal"].function(scene, 1, 2)
    assert right.value == pytest.approx(30)
    assert right.holds
    assert right.clear
    left = RELATIONS["rotation-horizontal"].function(scene, 2, 1)
    assert left.value == pytest.approx(-30)
    assert (left.holds, left.clear) == (False, True)
    up = RELATIONS["rotation-vertical"].function(scene, 1, 3)
    level = math.hypot(1.5, aside)
    heights = [math.degrees(math.atan2(z - 1.5, level)) for z in (TABLE_HEIGHT + 0.05, 1.25)]
    assert up.value == pytest.approx(heights[1] - heights[0])
    assert up.holds
    assert up.clear
    assert RELATIONS["rotation-horizontal"].function(scene, 1, 3).value == pytest.approx(0)
    assert not RELATIONS["rotation-horizontal"].function(scene, 1, 3).clear


def test_a_turn_behind_the_back_is_the_short_way_round() -> None:
    camera = look_at((0, -0.2, 1.5), (0, 0.5, 0.75))
    scene = box_scene([Block(at=(-0.05, -0.4)), Block(at=(0.05, -0.4))], camera=camera)
    assert abs(RELATIONS["rotation-horizontal"].function(scene, 1, 2).value) < 90


@pytest.mark.parametrize(
    ("target", "dominant", "horizontal", "vertical"),
    [
        ((0.4, 0.0, 0.75), "horizontal", True, None),
        ((-0.4, 0.0, 0.75), "horizontal", False, None),
        ((0.0, 0.0, 1.3), "vertical", None, True),
        ((0.0, -0.8, 0.75), "vertical", None, False),
        ((0.01, 0.0, 0.75), None, None, None),
        ((0.4, 0.0, 1.2), None, None, None),
    ],
)
def test_camera_rotation(
    target: tuple[float, float, float], dominant: str | None, horizontal: bool | None, vertical: bool | None
) -> None:
    turn = camera_rotation(look_at(), look_at(target=target))
    assert turn.dominant == dominant
    assert turn.horizontal.clear == (dominant == "horizontal")
    assert turn.vertical.clear == (dominant == "vertical")
    if horizontal is not None:
        assert turn.horizontal.holds == horizontal
    if vertical is not None:
        assert turn.vertical.holds == vertical
    back = camera_rotation(look_at(target=target), look_at())
    assert back.horizontal.value == pytest.approx(-turn.horizontal.value)
    assert back.vertical.value == pytest.approx(-turn.vertical.value)


def test_camera_rotation_in_degrees() -> None:
    first = look_at((0, 0, 1), (0, 1, 1))
    for degrees in (-120.0, -30.0, 10.0, 90.0):
        turned = look_at((0.5, 0, 1), (0.5 + math.sin(math.radians(degrees)), math.cos(math.radians(degrees)), 1))
        assert camera_rotation(first, turned).horizontal.value == pytest.approx(degrees)
    down = look_at((0, 0, 1), (0, math.cos(math.radians(50)), 1 - math.sin(math.radians(50))))
    assert camera_rotation(first, down).vertical.value == pytest.approx(-50)
