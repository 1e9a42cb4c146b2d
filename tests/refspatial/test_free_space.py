"""Free space: what is free is free, the point is in it, and everything is as the viewer says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.refspatial.free_space import (
    AllOf,
    AtCorner,
    AtEdge,
    Beside,
    Between,
    FreeRegion,
    Inside,
    Near,
    NoRegion,
    Offset,
    OnTop,
    Placement,
    Under,
    free_region,
    innermost_pixel,
    is_occupied,
    lies_in,
    minimum_area,
)
from roborefer.refspatial.scene_graph import Scene, Surface
from roborefer.refspatial.thresholds import THRESHOLDS

from .handmade import (
    TABLE_HEIGHT,
    WALL,
    Block,
    box_scene,
    cast,
    inside_polygon,
    look_at,
    mirrored,
    pixel_rays,
    rectangle,
    table,
)
from .test_relations import blocks

DIRECTIONS = ("left", "right", "front", "behind")
AWAY = {"left": (-1, 0), "right": (1, 0), "front": (0, -1), "behind": (0, 1)}


def placements(count: int) -> list[Placement]:
    """Every kind of place on the table, around objects 1 and 2 of ``count``."""
    result: list[Placement] = [Beside(1, direction) for direction in DIRECTIONS]
    result += [Between(1, 2), Near(2), Offset(1, "right", 0.2), Offset(2, "behind", 0.15)]
    result += [AtCorner(x, y) for x in ("left", "right") for y in ("near", "far")]
    result += [AtEdge(side) for side in ("left", "right", "near", "far")]
    result.append(AllOf((Beside(1, "right"), Near(count))))
    return result


def region(scene: Scene, where: Placement, surface: str = "table") -> FreeRegion:
    found = free_region(scene, surface, where)
    assert isinstance(found, FreeRegion), found
    return found


def slow_lies_in(scene: Scene, where: Placement, x: float, y: float, turn: float = 0.0) -> bool:
    """One point, by the words of the paper; the table lies around the origin.

    The viewer stands at lower y, or has walked around the table by ``turn`` (radians, counter-clockwise from above).
    """
    if not (abs(x) <= 0.6 and abs(y) <= 0.4):
        return False
    match where:
        case AllOf(parts):
            return all(slow_lies_in(scene, part, x, y, turn) for part in parts)
        case Beside(anchor, direction):
            dx, dy = x - scene.object(anchor).box.center[0], y - scene.object(anchor).box.center[1]
            ax, ay = turned(AWAY[direction], turn)
            ahead, aside = dx * ax + dy * ay, abs(dx * ay - dy * ax)
            return ahead >= aside and math.hypot(dx, dy) <= slow_radius(scene, anchor)
        case Near(anchor):
            return math.dist((x, y), scene.object(anchor).box.center[:2]) <= slow_radius(scene, anchor)
        case Offset(anchor, direction, metres):
            center = scene.object(anchor).box.center[:2] + metres * np.array(turned(AWAY[direction], turn))
            return math.dist((x, y), center) <= 0.02 + 0.1 * metres
        case Between(first, second):
            # In the hull of some corners: in a triangle of three of them.
            corners = [
                tuple(corner) for item in (first, second) for corner in scene.object(item).box.corners()[::2, :2]
            ]
            return any(in_triangle((x, y), triangle) for triangle in combinations(corners, 3))
        case AtCorner(side_x, side_y):
            return (x > 0.3 if side_x == "right" else x < -0.3) and (y > 0.2 if side_y == "far" else y < -0.2)
        case AtEdge(side):
            u, v, half, other = (x, y, 0.6, 0.4) if side in ("left", "right") else (y, x, 0.4, 0.6)
            out = u if side in ("right", "far") else -u
            return out > 0.6 * half and abs(v) < 0.5 * other
        case _:
            raise AssertionError(where)


def turned(vector: tuple[float, float], radians: float) -> tuple[float, float]:
    x, y = vector
    return x * math.cos(radians) - y * math.sin(radians), x * math.sin(radians) + y * math.cos(radians)


def in_triangle(point: tuple[float, float], triangle: tuple[tuple[float, float], ...]) -> bool:
    turns = []
    for (x0, y0), (x1, y1) in zip(triangle, triangle[1:] + triangle[:1], strict=True):
        turns.append((x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0))
    return min(turns) >= 0 or max(turns) <= 0


def slow_radius(scene: Scene, anchor: int) -> float:
    width, depth, _ = scene.object(anchor).box.size
    return max(math.hypot(width, depth), 0.2)


@settings(max_examples=25, deadline=None)
@given(blocks(), st.integers(0, 2**32 - 1))
def test_regions_against_the_words_of_the_paper(objects: list[Block], seed: int) -> None:
    scene = box_scene(objects, size=(8, 6))
    points = np.random.default_rng(seed).uniform((-0.65, -0.45), (0.65, 0.45), (100, 2))
    for where in placements(len(objects)):
        fast = lies_in(scene, "table", where, points)
        slow = [slow_lies_in(scene, where, x, y) for x, y in points.tolist()]
        assert fast.tolist() == slow, where


@settings(max_examples=25, deadline=None)
@given(blocks(), st.integers(0, 2**32 - 1))
def test_occupancy_against_footprints(objects: list[Block], seed: int) -> None:
    """Footprints grown by 1 cm: sides exactly, and never less than 1 cm at corners."""
    scene = box_scene(objects, size=(8, 6))
    points = np.random.default_rng(seed).uniform((-0.6, -0.4), (0.6, 0.4), (300, 2))
    occupied = is_occupied(scene, "table", points)
    for point, taken in zip(points, occupied.tolist(), strict=True):
        outside = []
        for block in objects:
            turn = math.radians(block.yaw)
            dx, dy = point - block.at
            local = (dx * math.cos(turn) + dy * math.sin(turn), dy * math.cos(turn) - dx * math.sin(turn))
            outside.append([abs(local[axis]) - block.size[axis] / 2 for axis in (0, 1)])
        assert taken == any(max(pair) <= 0.01 for pair in outside)
        if not taken:
            assert min(math.hypot(*(max(0.0, value) for value in pair)) for pair in outside) > 0.01


def check_by_ray(scene: Scene, objects: Sequence[Block], found: FreeRegion) -> np.ndarray:
    """Casts every pixel of the mask again: it must meet the surface and no footprint. World points (N, 2) of them."""
    origin, rays = pixel_rays(scene.camera)
    solids = [(item.id, item.box) for item in scene.objects]
    depth, ids, _ = cast(origin, rays[found.mask], solids, scene.surfaces[:1])
    points = origin + rays[found.mask] * depth[:, None]
    assert (ids == 0).all()
    np.testing.assert_allclose(points[:, 2], scene.surface(found.surface).height, atol=1e-9)
    for block in objects:
        footprint = rectangle(block.size[0], block.size[1], block.at, block.yaw)
        assert not inside_polygon(points[:, :2], footprint).any()
    return points[:, :2]


@settings(max_examples=25, deadline=None)
@given(blocks())
def test_free_points_cast_back_land_on_the_surface_in_the_region(objects: list[Block]) -> None:
    scene = box_scene(objects)
    width, height = scene.image_size
    for where in placements(len(objects)):
        found = free_region(scene, "table", where)
        if isinstance(found, NoRegion):
            continue
        points = check_by_ray(scene, objects, found)
        assert all(slow_lies_in(scene, where, x, y) for x, y in points[::7].tolist())
        x, y = found.point.pixel((width, height))
        assert found.mask[int(y), int(x)]
        # Written with three decimals it is still a right answer.
        assert found.mask[int(round(found.point.y, 3) * height), int(round(found.point.x, 3) * width)]
        k, pose = scene.camera.intrinsics, scene.camera.world_from_camera
        u, v, z = pose[:3, :3].T @ (found.world_point - pose[:3, 3])
        np.testing.assert_allclose((u / z * k.fx + k.cx, v / z * k.fy + k.cy), (x, y), atol=1e-6)
        assert found.mask.sum() >= THRESHOLDS.region_share * found.mask.size
        assert minimum_area(scene.surfaces[0], where) <= found.area_m2
        assert 0 < found.visible_fraction <= 1


@settings(max_examples=15, deadline=None)
@given(blocks())
def test_the_mask_is_every_free_pixel_of_the_region(objects: list[Block]) -> None:
    scene = box_scene(objects, size=(64, 48))
    origin, rays = pixel_rays(scene.camera)
    seen = scene.surface_ids == 1
    points = (origin + rays * scene.depth_m[..., None].astype(float))[..., :2]
    for where in placements(len(objects)):
        found = free_region(scene, "table", where)
        if isinstance(found, FreeRegion):
            expected = np.zeros_like(seen)
            expected[seen] = lies_in(scene, "table", where, points[seen]) & ~is_occupied(scene, "table", points[seen])
            # float32 depth moves points by less than a micrometre: only a pixel on a border may differ.
            assert (expected != found.mask).sum() <= 2


@settings(max_examples=20, deadline=None)
@given(blocks())
def test_a_mirror_exchanges_left_and_right(objects: list[Block]) -> None:
    scene, mirror = (box_scene(items) for items in (objects, [mirrored(block) for block in objects]))
    other = {"left": "right", "right": "left", "front": "front", "behind": "behind"}
    for direction in DIRECTIONS:
        first = free_region(scene, "table", Beside(1, direction))
        second = free_region(mirror, "table", Beside(1, other[direction]))
        if isinstance(first, FreeRegion) and isinstance(second, FreeRegion):
            assert (first.mask != second.mask[:, ::-1]).sum() <= 8  # pixels on the border
            assert first.area_m2 == pytest.approx(second.area_m2, rel=0.05)  # cells on the border


def test_the_same_scene_gives_the_same_region() -> None:
    objects = [Block(at=(-0.2, 0)), Block(at=(0.2, 0))]
    first, second = (region(box_scene(objects), Between(1, 2)) for _ in range(2))
    assert first.mask.tobytes() == second.mask.tobytes()
    assert first.point == second.point


def test_area_is_that_of_the_region_less_footprints() -> None:
    scene = box_scene([Block(at=(-0.25, 0), size=(0.1, 0.1, 0.05)), Block(at=(0.25, 0), size=(0.1, 0.1, 0.05))])
    found = region(scene, Between(1, 2))
    assert found.area_m2 == pytest.approx(0.1 * (0.4 - 0.02), rel=0.05)
    assert found.visible_fraction == 1
    assert abs(found.world_point[0]) < 0.2
    disc = region(scene, Offset(1, "right", 0.25))
    assert disc.area_m2 == pytest.approx(math.pi * 0.045**2, rel=0.05)
    np.testing.assert_allclose(disc.world_point, (0.0, 0.0, TABLE_HEIGHT), atol=0.015)
    sector = region(scene, Beside(1, "left"))
    assert sector.area_m2 == pytest.approx(math.pi / 4 * 0.2**2 - 0.06**2, rel=0.05)


def test_everything_that_stands_there_is_in_the_way() -> None:
    anchor = Block(at=(0, 0))
    blocked = box_scene([anchor, Block(at=(-0.2, 0), size=(0.25, 0.4, 0.02))])
    assert free_region(blocked, "table", Beside(1, "left")) == NoRegion("occupied")
    assert isinstance(free_region(blocked, "table", Beside(1, "right")), FreeRegion)


def test_what_hangs_low_or_stands_on_something_is_in_the_way() -> None:
    point = np.array([[0.2, 0.0]])
    stacked = [
        Block(at=(0, 0), size=(0.3, 0.1, 0.1)),
        Block(at=(0.1, 0), size=(0.3, 0.1, 0.05), base=0.85, supported_by=1),
    ]
    assert is_occupied(box_scene(stacked, size=(8, 6)), "table", point)[0], "an overhanging stack"
    for base, taken in ((0.78, True), (0.85, False)):
        hanging = Block(at=(0.2, 0), base=base, supported_by="hook")
        assert is_occupied(box_scene([hanging], size=(8, 6)), "table", point)[0] == taken
    flat = Block(at=(0.2, 0), size=(0.2, 0.2, 0.001))
    assert not is_occupied(box_scene([flat], size=(8, 6)), "table", point)[0], "a sheet of paper"


def test_hidden_places_are_not_asked() -> None:
    wall = [Block(at=(0, 0), size=(0.5, 0.05, 0.6)), Block(at=(0, 0.12), size=(0.05, 0.05, 0.1))]
    scene = box_scene(wall, camera=look_at((0, -1.1, 1.2)))
    assert free_region(scene, "table", Beside(2, "behind")) == NoRegion("hidden")


def test_places_off_the_surface_are_too_small() -> None:
    scene = box_scene([Block(at=(-0.55, 0)), Block(at=(0.2, 0))])
    assert free_region(scene, "table", Offset(1, "left", 0.2)) == NoRegion("too small")
    assert free_region(scene, "table", Beside(1, "left")) == NoRegion("too small")
    assert free_region(scene, "table", Offset(1, "left", 0.9)) == NoRegion("too small")


def test_anchors_must_stand_on_the_surface() -> None:
    shelf = Surface("shelf 1", "shelf", rectangle(0.8, 0.2, (0, 0.3)), 1.1)
    objects = [Block(), Block(at=(0.1, 0.3), base=1.1, supported_by="shelf 1")]
    scene = box_scene(objects, surfaces=[table(), shelf])
    assert free_region(scene, "table", Beside(2, "left")) == NoRegion("anchor elsewhere")
    assert free_region(scene, "table", Between(1, 2)) == NoRegion("anchor elsewhere")
    assert free_region(scene, "shelf 1", OnTop(2)) == NoRegion("anchor elsewhere")
    assert region(scene, Beside(2, "left"), "shelf 1").world_point[2] == 1.1
    assert free_region(scene, "table", AllOf((Beside(1, "left"), Near(2)))) == NoRegion("anchor elsewhere")
    with pytest.raises(KeyError, match="floor"):
        free_region(scene, "floor", Beside(1, "left"))


def test_on_top_and_inside() -> None:
    objects = [
        Block("book", at=(-0.25, 0), size=(0.3, 0.2, 0.03), flat_top=True),
        Block("tray", at=(0.25, 0), size=(0.3, 0.2, 0.05), hollow=True),
        Block("apple", at=(0.32, 0), size=(0.05, 0.05, 0.05), base=TABLE_HEIGHT + WALL, supported_by=2, inside=2),
    ]
    scene = box_scene(objects)
    top = region(scene, OnTop(1), "book 1")
    assert top.area_m2 == pytest.approx(0.64 * 0.3 * 0.2, rel=0.05)
    assert (scene.ids[top.mask] == 1).all()
    np.testing.assert_allclose(top.world_point, (-0.25, 0, TABLE_HEIGHT + 0.03), atol=0.02)
    floor = region(scene, Inside(2), "tray 2")
    assert (scene.ids[floor.mask] == 2).all()
    assert (scene.surface_ids[floor.mask] == 1 + [item.name for item in scene.surfaces].index("tray 2")).all()
    assert floor.world_point[0] < 0.29, "the apple is at the right"
    assert region(scene, Beside(3, "left"), "tray 2").world_point[0] < 0.29
    # A book has no inside, nobody says "on top of" an open box, and an apple in it is not beside anything on the table.
    for where, name in ((Inside(1), "book 1"), (OnTop(2), "tray 2"), (OnTop(2), "book 1")):
        assert free_region(scene, name, where) == NoRegion("anchor elsewhere")
    piled = [*objects, Block("die", at=(-0.2, 0), base=TABLE_HEIGHT + 0.03, size=(0.02, 0.02, 0.02), supported_by=1)]
    high = [objects[0], Block(at=(-0.25, 0), base=0.78), Block("die", at=(-0.25, 0), base=0.88, supported_by=2)]
    assert isinstance(free_region(box_scene(piled), "table", Near(4)), FreeRegion)
    assert free_region(box_scene(high), "table", Near(3)) == NoRegion("anchor elsewhere")
    # From the table the tray and what is in it are in the way, and a full tray has no room.
    assert is_occupied(scene, "table", np.array([[0.32, 0.0], [0.2, 0.0], [0.0, 0.0]])).tolist() == [True, True, False]
    full = [*objects[:2], replace(objects[2], at=(0.25, 0), size=(0.24, 0.15, 0.05))]
    assert free_region(box_scene(full), "tray 2", Inside(2)) == NoRegion("occupied")


def test_under() -> None:
    """Below a lamp's shade, whose box reaches the table: seen below it, but not under a solid box."""
    shade = Block("lamp", at=(0, 0), size=(0.3, 0.3, 0.05), base=TABLE_HEIGHT + 0.35, supported_by="table")
    on_it = Block("bird", at=(0, 0), size=(0.1, 0.1, 0.05), base=TABLE_HEIGHT + 0.4, supported_by=1)
    scene = box_scene([shade, on_it], camera=look_at((0, -1.4, 1.1)))
    found = region(scene, Under(1))
    assert found.area_m2 == pytest.approx(0.24**2)
    assert np.abs(found.world_point[:2]).max() < 0.12
    solid = box_scene([Block(at=(0, 0), size=(0.3, 0.3, 0.3))])
    assert free_region(solid, "table", Under(1)) == NoRegion("hidden")


def test_corners_and_edges_need_a_plain_view() -> None:
    def shown(camera_at: tuple[float, float, float], target: tuple[float, float, float] = (0, 0, 0.75)) -> Scene:
        return box_scene([], camera=look_at(camera_at, target))

    front = shown((0, -1.3, 1.9))
    for x, side_x in ((-1, "left"), (1, "right")):
        for y, side_y in ((-1, "near"), (1, "far")):
            place = region(front, AtCorner(side_x, side_y)).world_point
            assert x * place[0] > 0.3
            assert y * place[1] > 0.2
    assert region(shown((0, 1.3, 1.9)), AtCorner("left", "far")).world_point[0] > 0.3
    assert region(shown((0, 1.3, 1.9)), AtEdge("near")).world_point[1] > 0.24
    assert region(shown((1.6, 0, 1.9)), AtEdge("near")).world_point[0] > 0.36
    assert free_region(shown((-1.2, -1.2, 1.9)), "table", AtEdge("near")) == NoRegion("side not plain")
    close_up = shown((0.2, -0.4, 1.3), (0.2, 0, 0.75))
    assert free_region(close_up, "table", AtCorner("left", "far")) == NoRegion("hidden")
    angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    circle = 0.4 * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    round_table = box_scene([], surfaces=[replace(table(), polygon=circle)], camera=look_at((0, -1.3, 1.9)))
    assert free_region(round_table, "table", AtCorner("left", "far")) == NoRegion("side not plain")


@settings(max_examples=25, deadline=None)
@given(st.floats(-180, 180), st.floats(-180, 180), st.sampled_from(("left", "right", "near", "far")))
def test_edges_of_a_round_table_are_the_viewers(heading: float, yaw: float, side: str) -> None:
    angles = np.linspace(0, 2 * math.pi, 40, endpoint=False) + math.radians(yaw)
    circle = 0.4 * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    turn = math.radians(heading)
    camera = look_at((*turned((0, -1.3), turn), 1.9))
    found = region(box_scene([], surfaces=[replace(table(), polygon=circle)], camera=camera), AtEdge(side))
    x, y = turned(tuple(found.world_point[:2]), -turn)
    out, along = {"left": (-x, y), "right": (x, y), "near": (-y, x), "far": (y, x)}[side]
    assert 0.6 * 0.39 < out < 0.4
    assert abs(along) < 0.5 * 0.4


def test_least_areas_follow_the_surface() -> None:
    room = Surface("floor", "floor", rectangle(4, 4), 0.0)
    bowl = Surface("bowl 1", "bowl", rectangle(0.1, 0.1), 0.8, owner=1)
    between, beside = Between(1, 2), Beside(1, "left")
    assert minimum_area(room, between) == 0.036
    assert minimum_area(room, beside) == 0.004
    assert minimum_area(table(), between) == pytest.approx(0.0048)
    assert minimum_area(bowl, Inside(1)) == 0.0012
    assert minimum_area(room, Offset(1, "left", 0.3)) == pytest.approx(0.6 * math.pi * 0.05**2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 0.98))
def test_innermost_pixel_against_all_squares(seed: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((17, 23)) < density
    mask[5:9, 3:10] = True
    row, column, distance = innermost_pixel(mask)

    def half_side(r: int, c: int) -> int:
        half = -1
        while True:
            top, left, side = r - half - 1, c - half - 1, 2 * half + 3
            inside = top >= 0 and left >= 0 and top + side <= 17 and left + side <= 23
            if not (inside and mask[top : top + side, left : left + side].all()):
                return half
            half += 1

    halves = {(r, c): half_side(r, c) for r in range(17) for c in range(23)}
    assert halves[row, column] == max(halves.values()) == distance - 0.5


def test_innermost_pixel_of_simple_shapes() -> None:
    mask = np.zeros((20, 30), bool)
    mask[4, 7] = True
    assert innermost_pixel(mask) == (4, 7, 0.5)
    mask[5:14, 10:29] = True
    assert innermost_pixel(mask) == (9, 19, 4.5)
    assert innermost_pixel(np.ones((5, 5), bool)) == (2, 2, 2.5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_leaning_thing_covers_its_whole_shadow(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scene = box_scene([Block(size=(0.1, 0.2, 0.3))], size=(8, 6))
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    item = scene.objects[0]
    leaning = replace(item, box=replace(item.box, rotation=turn))
    points = generator.uniform(-0.3, 0.3, (200, 2))
    corners = [tuple(corner) for corner in leaning.box.corners()[:, :2]]
    shadow = [any(in_triangle(point, triangle) for triangle in combinations(corners, 3)) for point in points.tolist()]
    tree = replace(scene, objects=(leaning,))
    occupied = is_occupied(tree, "table", points)
    assert occupied[np.array(shadow)].all()
    # Beyond it lies only a rim, well within the shadow of a box that is larger by 5 cm to every side.
    grown = replace(leaning, box=replace(leaning.box, size=leaning.box.size + 0.1))
    corners = [tuple(corner) for corner in grown.box.corners()[:, :2]]
    for point in points[occupied & ~np.array(shadow)].tolist():
        assert any(in_triangle(point, triangle) for triangle in combinations(corners, 3))


@pytest.mark.slow
def test_a_thousand_scenes_have_no_false_answer() -> None:
    """Every placement answer of 1,000 crowded tables, cast back as a ray."""
    generator = np.random.default_rng(7)
    counted: dict[str, int] = {}
    for _ in range(1000):
        cells = generator.permutation(12)[: generator.integers(2, 9)]
        objects = [
            Block(
                at=(-0.375 + 0.25 * (cell % 4) + generator.uniform(-0.04, 0.04), -0.25 + 0.25 * (cell // 4)),
                size=tuple(generator.uniform((0.03, 0.03, 0.03), (0.14, 0.12, 0.2))),
                yaw=generator.uniform(-90, 90),
            )
            for cell in cells.tolist()
        ]
        angle = generator.uniform(-0.4, 0.4)
        away = generator.uniform(0.7, 1.2)
        camera = look_at((away * math.sin(angle), -away * math.cos(angle), generator.uniform(1.1, 1.6)))
        scene = box_scene(objects, camera=camera)
        for where in placements(len(objects)):
            found = free_region(scene, "table", where)
            key = type(where).__name__ if isinstance(found, FreeRegion) else found.reason
            counted[key] = counted.get(key, 0) + 1
            if isinstance(found, FreeRegion):
                points = check_by_ray(scene, objects, found)
                assert all(slow_lies_in(scene, where, x, y, angle) for x, y in points[::29].tolist())
    assert min(counted[kind.__name__] for kind in (Beside, Between, Near, Offset, AtCorner, AtEdge, AllOf)) > 50
