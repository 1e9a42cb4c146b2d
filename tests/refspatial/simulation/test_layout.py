"""Layouts: what is handed out is sound under independent checks, and what is wrong is found."""

from __future__ import annotations

import collections
import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import shapely
import trimesh

from roborefer.errors import InputError
from roborefer.refspatial.simulation.layout import Layout, check_layout, sample_layout
from roborefer.refspatial.simulation.mesh import Cavity, Placement, SimulatedObject
from roborefer.refspatial.simulation.room import SETTINGS, sample_room

from .brute_force import depth_inside, fall_height, thing, world_mesh

KINDS = {"stack", "inside", "under", "lean", "touch", "row"}


def block(size: tuple[float, float, float] = (0.1, 0.1, 0.1)) -> SimulatedObject:
    half = np.array(size[:2]) / 2
    top = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    return thing(trimesh.creation.box(size), stackable_top=top)


def crate() -> SimulatedObject:
    """An open box, 20 cm wide and 10 cm high, with walls of 1 cm."""
    walls = [
        trimesh.creation.box(bounds=bounds)
        for bounds in (
            [[-0.1, -0.1, 0], [0.1, 0.1, 0.01]],
            [[-0.1, -0.1, 0], [-0.09, 0.1, 0.1]],
            [[0.09, -0.1, 0], [0.1, 0.1, 0.1]],
            [[-0.1, -0.1, 0], [0.1, -0.09, 0.1]],
            [[-0.1, 0.09, 0], [0.1, 0.1, 0.1]],
        )
    ]
    floor = np.array([[-0.09, -0.09], [0.09, -0.09], [0.09, 0.09], [-0.09, 0.09]])
    return thing(trimesh.util.concatenate(walls), "crate", cavity=Cavity(0.01, floor, 0.09))


def at(item: SimulatedObject, place: tuple[float, float, float], support: str | int, **facts: int) -> Placement:
    return Placement(item, trimesh.transformations.translation_matrix(place), support, **facts)


def tabletop(*placements: Placement) -> Layout:
    room = sample_room(np.random.default_rng(1), "tabletop")
    assert room.surfaces[0].name == "table"
    return Layout("tabletop", room, room.surfaces, placements)


HEIGHT = tabletop().room.surfaces[0].height


def brute_force_violations(layout: Layout) -> list[str]:
    """What points, rays and winding numbers find wrong; tolerances leave room for sampling."""
    found = []
    meshes = [world_mesh(item) for item in layout.placements]
    surfaces = {surface.name: surface for surface in layout.room.surfaces}
    solids = [
        trimesh.creation.box(bounds=np.stack((low + 1e-4, high - 1e-4)))
        for low, high in layout.room.obstacles
        if (high - low > 2e-4).all()
    ]
    for index, (item, mesh) in enumerate(zip(layout.placements, meshes, strict=True)):
        name = f"{item.object.category} {index + 1}"
        if (mesh.bounds[0] < layout.room.low - 1e-3).any() or (mesh.bounds[1] > layout.room.high + 1e-3).any():
            found.append(f"{name} leaves the room")
        for other in range(index):
            deep = max(depth_inside(mesh, meshes[other], 120), depth_inside(meshes[other], mesh, 120))
            if deep > 1.1e-3:
                found.append(f"{name} is {deep} in {other + 1}")
        for solid in solids:
            met = (solid.bounds[0] < mesh.bounds[1]).all() and (solid.bounds[1] > mesh.bounds[0]).all()
            if met and depth_inside(mesh, solid, 120) > 1.1e-3:
                found.append(f"{name} is in furniture")
        if isinstance(item.supported_by, str):
            surface = surfaces[item.supported_by]
            if abs(mesh.bounds[0][2] - surface.height) > 1e-3:
                found.append(f"{name} floats over {surface.name}")
            low = mesh.vertices[mesh.vertices[:, 2] < mesh.bounds[0][2] + 2e-3][:, :2]
            if not shapely.Polygon(surface.polygon).buffer(1e-3).contains(shapely.MultiPoint(low)):
                found.append(f"{name} stands beside {surface.name}")
        elif abs(fall_height(mesh, meshes[item.supported_by])) > 2e-3:
            found.append(f"{name} floats over {item.supported_by + 1}")
        if item.inside is not None:
            holder = meshes[item.inside].bounds
            middle = mesh.bounds.mean(axis=0)
            if not ((middle[:2] > holder[0][:2]) & (middle[:2] < holder[1][:2])).all():
                found.append(f"{name} is not inside")
            if not holder[0][2] < mesh.bounds[0][2] < holder[1][2]:
                found.append(f"{name} is not inside")
    return found


def test_a_sound_layout_has_no_violations() -> None:
    layout = tabletop(
        at(block(), (0.2, 0, HEIGHT), "table"),
        at(block((0.06, 0.06, 0.06)), (0.2, 0, HEIGHT + 0.1), 0),
        at(crate(), (-0.2, 0, HEIGHT), "table"),
        at(block((0.05, 0.05, 0.05)), (-0.2, 0, HEIGHT + 0.01), 2, inside=2),
    )
    assert check_layout(layout) == ()
    assert brute_force_violations(layout) == []


@pytest.mark.parametrize(
    ("placements", "violations"),
    [
        ((at(block(), (0, 0, HEIGHT + 0.005), "table"),), ("block 1 is 5.0 mm above what it rests on",)),
        (
            (at(block(), (0, 0, HEIGHT - 0.004), "table"),),
            ("block 1 reaches 4.0 mm into furniture", "block 1 is -4.0 mm above what it rests on"),
        ),
        (
            (at(block(), (0, 0, HEIGHT), "table"), at(block(), (0.097, 0, HEIGHT), "table")),
            ("block 1 is 3.0 mm in block 2",),
        ),
        (
            (at(block(), (0, 0, HEIGHT), "table"), at(block(), (0.06, 0, HEIGHT + 0.1), 0)),
            ("block 2 would fall off block 1",),
        ),
        (
            (at(crate(), (0, 0, HEIGHT), "table"), at(block((0.05, 0.05, 0.05)), (0, 0, HEIGHT + 0.2), 0, inside=0)),
            ("block 2 is 190.0 mm above what it rests on", "block 2 is not inside crate 1"),
        ),
        (
            (at(block(), (0, 0, HEIGHT), "table"), at(block((0.05,) * 3), (0, 0, HEIGHT + 0.1), 0, inside=0)),
            ("block 2 would fall off block 1", "block 2 is not inside block 1, which has no room for it")[1:],
        ),
    ],
)
def test_each_violation_is_named(placements: tuple[Placement, ...], violations: tuple[str, ...]) -> None:
    assert check_layout(tabletop(*placements)) == violations


def test_a_thing_through_a_wall_and_one_over_the_edge_are_found() -> None:
    layout = tabletop(at(block(), (0, 0, HEIGHT), "table"))
    edge = float(layout.room.surfaces[0].polygon[:, 0].max())
    over = tabletop(at(block(), (edge - 0.03, 0, HEIGHT), "table"))
    assert check_layout(over) == ("block 1 stands over the edge of table",)
    wall = float(layout.room.high[0])
    through = tabletop(at(block(), (wall - 0.02, 0, HEIGHT), "table"))
    assert check_layout(through)[0] == "block 1 reaches 30.0 mm through a wall, floor or ceiling"


def test_layouts_are_sound_under_brute_force() -> None:
    for seed in range(10):
        layout = sample_layout(np.random.default_rng(seed), setting=SETTINGS[seed % 5])
        assert brute_force_violations(layout) == [], seed


@pytest.mark.slow
def test_five_hundred_layouts_are_sound_under_brute_force() -> None:
    for seed in range(500):
        layout = sample_layout(np.random.default_rng([7, seed]), held_out=seed % 5 == 0)
        assert brute_force_violations(layout) == [], seed


def test_every_setting_arrangement_and_support_appears() -> None:
    kinds: collections.Counter[str] = collections.Counter()
    settings = set()
    repeated, total = 0, 60
    for seed in range(total):
        layout = sample_layout(np.random.default_rng([3, seed]))
        settings.add(layout.setting)
        kinds.update(item.kind for item in layout.arrangements)
        assert check_layout(layout) == ()
        assert 3 <= len(layout.placements) <= 12
        most = collections.Counter(item.object.category for item in layout.placements).most_common(1)[0][1]
        repeated += most >= 2
    assert settings == set(SETTINGS)
    assert set(kinds) == KINDS
    assert repeated > 0.6 * total


def test_arrangements_are_what_they_say() -> None:
    seen: collections.Counter[str] = collections.Counter()
    for seed in range(30):
        layout = sample_layout(np.random.default_rng([4, seed]))
        bodies = layout.bodies
        surfaces = {surface.name: surface for surface in layout.room.surfaces}
        for fact in layout.arrangements:
            seen[fact.kind] += 1
            items = [layout.placements[index] for index in fact.members]
            if fact.kind == "stack":
                assert items[1].supported_by == fact.members[0]
            elif fact.kind == "inside":
                assert all(item.inside == fact.anchor for item in items)
            elif fact.kind == "under":
                above = surfaces[str(fact.anchor)]
                body = bodies[fact.members[0]]
                assert body.prism.top < above.height
                assert shapely.Polygon(above.polygon).contains(shapely.Point(body.prism.center))
            elif fact.kind == "touch":
                first, second = (world_mesh(item) for item in items)
                near = trimesh.proximity.closest_point_naive(first, second.vertices)[1].min()
                back = trimesh.proximity.closest_point_naive(second, first.vertices)[1].min()
                assert min(near, back) < 4e-3  # edges may meet between their vertices
            elif fact.kind == "row":
                centers = np.array([item.world_from_object[:2, 3] for item in items])
                steps = np.diff(centers, axis=0)
                assert len(items) >= 3
                np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-9)
            else:
                assert abs(items[0].world_from_object[2, :3] @ items[0].world_from_object[2, :3] - 1) < 1e-9
                lean = np.abs(items[0].world_from_object[2, :3]).max()
                assert np.cos(0.33) < lean < np.cos(0.13)  # tilted by 8 to 19 degrees from an axis
    assert set(seen) == KINDS


def test_free_space_remains() -> None:
    for seed in range(15):
        layout = sample_layout(np.random.default_rng([5, seed]))
        free = []
        for surface in layout.room.surfaces:
            outline = shapely.Polygon(surface.polygon)
            things = [
                shapely.Polygon(body.prism.polygon).convex_hull
                for body, item in zip(layout.bodies, layout.placements, strict=True)
                if item.supported_by == surface.name
            ]
            free.append(outline.difference(shapely.union_all(things)).buffer(-0.06).area)
        assert max(free) > 0, seed


def test_object_surfaces_are_where_things_could_stand() -> None:
    layout = sample_layout(np.random.default_rng(2), setting="counter")
    for surface in layout.surfaces[len(layout.room.surfaces) :]:
        assert surface.owner is not None
        item = layout.placements[surface.owner - 1]
        assert surface.name == f"{item.object.category} {surface.owner}"
        low, high = world_mesh(item).bounds
        assert low[2] < surface.height < high[2] + 1e-6
        assert (surface.polygon >= low[:2] - 1e-6).all()
        assert (surface.polygon <= high[:2] + 1e-6).all()
        assert shapely.Polygon(surface.polygon).exterior.is_ccw
    assert len({surface.name for surface in layout.surfaces}) == len(layout.surfaces)


_FINGERPRINT = """
import hashlib, numpy as np
from roborefer.refspatial.simulation.layout import sample_layout
digest = hashlib.sha256()
for seed in range(4):
    for item in sample_layout(np.random.default_rng(seed)).placements:
        digest.update(item.object.category.encode() + item.world_from_object.tobytes())
        for part in item.object.parts:
            digest.update(part.vertices.tobytes())
print(digest.hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    digest = hashlib.sha256()
    for seed in (3, 0, 1, 2):  # in another order first, so that nothing remembered matters
        sample_layout(np.random.default_rng(seed))
    for seed in range(4):
        for item in sample_layout(np.random.default_rng(seed)).placements:
            digest.update(item.object.category.encode() + item.world_from_object.tobytes())
            for part in item.object.parts:
                digest.update(part.vertices.tobytes())
    done = subprocess.run(
        [sys.executable, "-c", _FINGERPRINT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "17"},
    )
    assert done.stdout.strip() == digest.hexdigest()


def test_ranges_and_settings_are_checked() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InputError) as caught:
        sample_layout(generator, objects=(5, 3))
    assert str(caught.value) == "expected objects as (fewest, most) with 1 <= fewest <= most, got (5, 3)"
    with pytest.raises(InputError) as caught:
        sample_layout(generator, setting="garage")  # type: ignore[arg-type]
    assert str(caught.value) == "expected a setting of tabletop, desk, shelf, counter, floor, got 'garage'"
    with pytest.raises(InputError) as caught:
        sample_layout(generator, setting="shelf", objects=(60, 60))
    assert str(caught.value) == (
        "expected room for 60 to 60 objects in the setting shelf, found none in 8 tries: ask for fewer objects"
    )


def test_how_many_is_kept_to() -> None:
    for seed in range(6):
        layout = sample_layout(np.random.default_rng(seed), objects=(4, 5))
        assert 4 <= len(layout.placements) <= 5
        assert replace(layout, rejected=0).rejected == 0 <= layout.rejected
