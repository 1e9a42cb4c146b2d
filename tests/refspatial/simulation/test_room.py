"""Rooms are closed, their furniture is where it says, and their prints are sound."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from roborefer.refspatial.simulation.fixtures import SIDES, boxes, circle, column, joined, quad, rectangle, round_top
from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.room import SETTINGS, Room, Setting, sample_room
from roborefer.refspatial.simulation.room_textures import KINDS, SIDE, VARIANTS, room_print
from roborefer.refspatial.simulation.walls import room_walls

SEEDS = range(6)
GREY = Material()


def rooms() -> list[tuple[Setting, int]]:
    return [(setting, seed) for setting in SETTINGS for seed in SEEDS]


def whole_mesh(room: Room) -> trimesh.Trimesh:
    return trimesh.util.concatenate(
        [trimesh.Trimesh(item.part.vertices, item.part.faces, process=False) for item in room.fixtures]
    )


@pytest.mark.parametrize(("setting", "seed"), rooms())
def test_there_is_no_way_out(setting: Setting, seed: int) -> None:
    room = sample_room(np.random.default_rng(seed), setting)
    mesh = whole_mesh(room)
    generator = np.random.default_rng(0)
    starts = generator.uniform(room.low + 0.05, room.high - 0.05, (300, 3))
    starts = starts[[room.is_free(point) for point in starts]]
    assert len(starts) > 100
    ways = generator.normal(0, 1, starts.shape)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    hits, rays, faces = mesh.ray.intersects_location(starts, ways, multiple_hits=False)
    assert len(np.unique(rays)) == len(starts)
    # What is seen from the air faces the viewer.
    facing = np.einsum("ij,ij->i", mesh.face_normals[faces], ways[rays])
    assert (facing < 1e-6).all()
    assert (hits > room.low - 1e-5).all()
    assert (hits < room.high + 1e-5).all()


@pytest.mark.parametrize(("setting", "seed"), rooms())
def test_surfaces_lie_on_their_fixtures(setting: Setting, seed: int) -> None:
    room = sample_room(np.random.default_rng(seed), setting)
    named = {item.surface: item.part for item in room.fixtures if item.surface is not None}
    assert set(named) == {surface.name for surface in room.surfaces}
    assert len(room.areas) == len(room.surfaces)
    for surface, area in zip(room.surfaces, room.areas, strict=True):
        part = named[surface.name]
        np.testing.assert_allclose(part.vertices[:, 2], surface.height, atol=1e-6)
        assert (part.normals == (0, 0, 1)).all()
        low, high = part.vertices[:, :2].min(axis=0), part.vertices[:, :2].max(axis=0)
        np.testing.assert_allclose(surface.polygon.min(axis=0), low, atol=1e-6)
        np.testing.assert_allclose(surface.polygon.max(axis=0), high, atol=1e-6)
        assert (area >= low - 1e-6).all()
        assert (area <= high + 1e-6).all()


@pytest.mark.parametrize(("setting", "seed"), rooms())
def test_obstacles_hold_everything_but_the_shell(setting: Setting, seed: int) -> None:
    room = sample_room(np.random.default_rng(seed), setting)
    points = np.concatenate([item.part.vertices for item in room.fixtures]).astype(np.float64)
    on_shell = ((points <= room.low + 0.007) | (points >= room.high - 1e-5)).any(axis=1)
    held = ((points[:, None] >= room.obstacles[:, 0] - 1e-5) & (points[:, None] <= room.obstacles[:, 1] + 1e-5)).all(2)
    assert (held.any(axis=1) | on_shell).all()
    assert (room.obstacles[:, 0] <= room.obstacles[:, 1]).all()
    assert (room.obstacles[:, 0] >= room.low - 1e-9).all()
    assert (room.obstacles[:, 1] <= room.high + 1e-9).all()


def test_fixtures_have_sound_meshes() -> None:
    for setting in SETTINGS:
        for item in sample_room(np.random.default_rng(9), setting).fixtures:
            part = item.part
            assert part.vertices.dtype == part.normals.dtype == part.uv.dtype == np.float32
            assert part.faces.dtype == np.int32
            np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-5)
            corners = part.vertices[part.faces].astype(np.float64)
            across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            # Counter-clockwise seen from outside: the winding agrees with the normals.
            assert (np.einsum("ij,ij->i", across, part.normals[part.faces[:, 0]]) > 0).all()
            assert max(part.material.color) <= 1


def test_the_same_seed_gives_the_same_room() -> None:
    for setting in SETTINGS:
        first, second = (sample_room(np.random.default_rng(3), setting) for _ in range(2))
        for one, other in zip(first.fixtures, second.fixtures, strict=True):
            np.testing.assert_array_equal(one.part.vertices, other.part.vertices)
            assert one.part.material.texture is other.part.material.texture


def test_there_are_windows_in_most_rooms() -> None:
    counts = [len(sample_room(np.random.default_rng(seed), SETTINGS[seed % 5]).windows) for seed in range(25)]
    assert np.mean(np.array(counts) > 0) > 0.7


def test_furniture_of_a_setting() -> None:
    names = {
        setting: {s.name for seed in range(12) for s in sample_room(np.random.default_rng(seed), setting).surfaces}
        for setting in SETTINGS
    }
    assert names == {
        "tabletop": {"table"},
        "desk": {"desk", "desk shelf"},
        "shelf": {"shelf 1", "shelf 2", "shelf 3", "shelf 4"},
        "counter": {"counter"},
        "floor": {"floor", "side table", "coffee table"},
    }
    for setting in ("desk", "shelf", "counter"):
        room = sample_room(np.random.default_rng(0), setting)
        assert all(surface.front == (0.0, -1.0) for surface in room.surfaces)


def test_a_point_is_free_only_in_the_air() -> None:
    room = sample_room(np.random.default_rng(0), "tabletop")
    table = room.surfaces[0]
    assert room.is_free((0, 0, table.height + 0.3))
    assert not room.is_free((0, 0, table.height + 0.03))
    assert not room.is_free((0, 0, table.height - 0.01))
    assert not room.is_free((room.high[0] - 0.03, 0, 1.5))
    assert not room.is_free((50, 0, 1.5))


@pytest.mark.parametrize("number", range(4))
def test_a_wall_s_rectangle_faces_the_room_and_reads_from_left_to_right(number: int) -> None:
    low, high = np.array((-2.0, -3.0, 0.0)), np.array((2.5, 3.5, 2.6))
    wall = room_walls(low, high)[number]
    part = quad(wall.corners((wall.start, wall.end), 0.0, (0.0, 2.6)), GREY)
    inwards = (low + high) / 2 - part.vertices.mean(axis=0)
    assert part.normals[0] @ inwards > 0
    right = part.vertices[1] - part.vertices[0]
    np.testing.assert_allclose(np.cross((0, 0, 1), right) @ part.normals[0], -np.linalg.norm(right), atol=1e-5)


def test_boxes_are_closed_and_keep_the_scale_of_their_print() -> None:
    part = boxes([[[0, 0, 0], [1, 2, 3]], [[4, 4, 4], [5, 5, 5]]], GREY, tile=0.5)
    mesh = trimesh.Trimesh(part.vertices, part.faces)  # merges the corners
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(7)
    front = boxes([[0, 0, 0], [1, 2, 3]], GREY, tile=0.5, sides=("front",))
    np.testing.assert_allclose(np.ptp(front.uv, axis=0), (2, 6))
    along_x = boxes([[0, 0, 0], [1, 2, 3]], GREY, grain="x", sides=("top",))
    np.testing.assert_allclose(np.ptp(along_x.uv, axis=0), (2, 1))
    assert len(boxes([[0, 0, 0], [1, 2, 3]], GREY, sides=SIDES[:5]).faces) == 10


def test_a_round_table_is_closed() -> None:
    outline = circle((0, 0), 0.5, 24)
    top = round_top(outline, 1.0, GREY)
    bottom = round_top(outline[::-1], 0.0, GREY)
    mesh = joined((top, bottom, column((0, 0), (0.5, 0.5), (0.0, 1.0), GREY, sides=24)))
    closed = trimesh.Trimesh(np.round(mesh.vertices, 5), mesh.faces)
    assert closed.is_watertight
    assert closed.volume == pytest.approx(np.pi / 4, rel=0.02)


def test_a_rectangle_is_counter_clockwise() -> None:
    assert rectangle((0, 1), (2, 3)).tolist() == [[0, 1], [2, 1], [2, 3], [0, 3]]


@pytest.mark.parametrize("kind", KINDS)
def test_prints_are_painted_once_and_repeat_without_a_seam(kind: str) -> None:
    print_ = room_print(kind, VARIANTS - 1)
    assert print_.shape == (SIDE, SIDE, 3)
    assert print_.dtype == np.uint8
    assert room_print(kind, VARIANTS - 1) is print_
    assert not print_.flags.writeable
    if kind in ("wood", "stone", "granite", "plaster", "carpet", "cloth"):
        values = print_.astype(np.float64)
        inside = np.abs(np.diff(values, axis=0)).mean()
        assert np.abs(values[0] - values[-1]).mean() < 2.5 * inside + 2
