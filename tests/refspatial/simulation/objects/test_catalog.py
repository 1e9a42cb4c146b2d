"""Every category and shape of the catalog, as the rest of the simulator relies on it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import get_args

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.ray.ray_pyembree import RayMeshIntersector

from roborefer.errors import InputError
from roborefer.refspatial.scene_graph import SurfaceKind
from roborefer.refspatial.simulation.mesh import SimulatedObject
from roborefer.refspatial.simulation.objects.catalog import CATEGORIES, make_object, shape_variants
from roborefer.refspatial.simulation.objects.colors import COLORS
from roborefer.refspatial.simulation.objects.outlines import signed_area

from .object_views import seen_colors, whole_mesh

NAMES = sorted(CATEGORIES)
NEUTRAL = {"black", "white", "gray", "silver"}


@lru_cache(maxsize=512)
def examples(name: str) -> tuple[SimulatedObject, ...]:
    """At least one of every shape of a category, and a few more."""
    found: dict[str, SimulatedObject] = {}
    wanted = {f"{name}/{shape}" for held in (False, True) for shape in shape_variants(name, held_out=held)}
    for seed in range(200):
        item = make_object(name, np.random.default_rng(seed), held_out=seed % 2 == 1)
        found.setdefault(item.shape_key if seed > 3 else f"{item.shape_key} {seed}", item)
        if wanted <= {item.shape_key for item in found.values()}:
            break
    assert wanted == {item.shape_key for item in found.values()}
    return tuple(found.values())


def digest(item: SimulatedObject) -> str:
    """Of every byte and word of an object."""
    total = hashlib.sha256()
    for part in item.parts:
        for array in (part.vertices, part.faces, part.normals, part.uv):
            total.update(array.tobytes())
        material = part.material
        total.update(repr((material.color, material.roughness, material.metallic, material.transparent)).encode())
        total.update(b"" if material.texture is None else material.texture.tobytes())
    facts = (item.category, item.color, item.material, item.attributes, dict(item.directions), item.rolls)
    total.update(repr((facts, item.shape_key)).encode())
    total.update(b"no top" if item.stackable_top is None else item.stackable_top.tobytes())
    if item.cavity is not None:
        total.update(repr((item.cavity.floor, item.cavity.depth)).encode())
        total.update(item.cavity.polygon.tobytes())
    return total.hexdigest()


def rays_down(mesh: trimesh.Trimesh, places: np.ndarray, start: float) -> np.ndarray:
    """Height of what lies under each (x, y), seen from ``start``; minus infinity where there is nothing."""
    origins = np.column_stack([places, np.full(len(places), start)])
    directions = np.tile((0.0, 0.0, -1.0), (len(places), 1))
    hits, rays, _ = RayMeshIntersector(mesh).intersects_location(origins, directions, multiple_hits=False)
    heights = np.full(len(places), -np.inf)
    heights[rays] = hits[:, 2]
    return heights


def points_in(polygon: np.ndarray, count: int = 60) -> np.ndarray:
    """Points well spread over a convex polygon, its corners drawn in by a hundredth."""
    weights = np.random.default_rng(0).dirichlet(np.full(len(polygon), 0.3), count)
    inner = weights @ polygon
    middle = polygon.mean(axis=0)
    return np.concatenate([inner, middle + 0.99 * (polygon - middle)])


def test_there_is_enough_of_everything() -> None:
    assert len(CATEGORIES) >= 48
    assert {category.family for category in CATEGORIES.values()} >= {
        "tableware", "fruit", "food", "containers", "stationery", "toys", "tools", "electronics", "boxes", "lamps",
        "plants", "furniture",
    }  # fmt: skip
    kinds = set(get_args(SurfaceKind))
    for place in ("table", "desk", "shelf", "counter", "floor"):
        assert sum(place in category.places for category in CATEGORIES.values()) >= 10
    for name, category in CATEGORIES.items():
        assert category.name == name
        assert set(category.places) <= kinds
        assert set(category.colors) <= set(COLORS)
        assert len(set(category.colors)) == len(category.colors)
        assert set(category.confusable) <= set(CATEGORIES) - {name}
        assert 0.01 < category.size[0] < category.size[1] < 2
        assert not set(category.variants) & set(category.held_out)


def test_most_categories_have_several_shapes_and_one_that_training_never_sees() -> None:
    several = [name for name in NAMES if len(shape_variants(name)) >= 2]
    kept = [name for name in NAMES if shape_variants(name, held_out=True)]
    assert len(several) > 0.9 * len(NAMES)
    assert kept == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_mesh_is_sound(name: str) -> None:
    for item in examples(name):
        assert item.category == name
        assert sum(len(part.faces) for part in item.parts) <= 4500
        for part in item.parts:
            count = len(part.vertices)
            assert (part.vertices.dtype, part.normals.dtype, part.uv.dtype) == (np.float32,) * 3
            assert part.faces.dtype == np.int32
            assert part.normals.shape == (count, 3)
            assert part.uv.shape == (count, 2)
            assert 0 <= part.faces.min() <= part.faces.max() < count
            assert np.isfinite(part.vertices).all()
            assert np.isfinite(part.uv).all()
            np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-5)
            assert all(0 <= value <= 1 for value in (part.material.roughness, part.material.metallic))
            if part.material.texture is not None:
                assert part.material.texture.dtype == np.uint8
                assert part.material.texture.ndim == 3


@pytest.mark.parametrize("name", NAMES)
def test_it_stands_on_its_base_around_the_origin_in_its_size(name: str) -> None:
    for item in examples(name):
        low, high = item.bounds
        assert abs(low[2]) < 1e-6
        np.testing.assert_allclose((low + high)[:2], 0, atol=1e-6)
        assert CATEGORIES[name].size[0] <= (high - low).max() <= CATEGORIES[name].size[1]


@pytest.mark.parametrize("name", NAMES)
def test_faces_look_outwards(name: str) -> None:
    for item in examples(name):
        for part in item.parts:
            corners = part.vertices[part.faces].astype(np.float64)
            facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            shading = part.normals[part.faces].sum(axis=1)
            against = (facing * shading).sum(axis=1) < -0.2 * np.linalg.norm(facing, axis=1)
            assert against.mean() < 0.02
            mesh = trimesh.Trimesh(part.vertices, part.faces, process=False)
            mesh.merge_vertices(merge_tex=True, merge_norm=True, digits_vertex=7)
            for body in mesh.split(only_watertight=True):
                assert body.volume > -1e-12


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_well_formed(name: str) -> None:
    for item in examples(name):
        assert item.color is None or item.color in CATEGORIES[name].colors
        for word, vector in item.directions.items():
            assert word == word.strip().lower()
            assert np.linalg.norm(vector) == pytest.approx(1)
        if "front" in item.directions:
            assert item.directions["front"] == (0.0, -1.0, 0.0)
        assert not (item.rolls and item.stackable_top is not None)


@pytest.mark.parametrize("name", NAMES)
def test_cavities_are_empty_down_to_their_floor(name: str) -> None:
    for item in examples(name):
        room = item.cavity
        if room is None:
            continue
        low, high = item.bounds
        assert signed_area(room.polygon) > 0
        assert (room.polygon >= low[:2]).all()
        assert (room.polygon <= high[:2]).all()
        assert 0 < room.floor < room.floor + room.depth <= high[2] + 1e-6
        mesh, _, _ = whole_mesh(item)
        found = rays_down(mesh, points_in(room.polygon), room.floor + room.depth)
        np.testing.assert_allclose(found, room.floor, atol=2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_tops_are_flat_and_highest(name: str) -> None:
    for item in examples(name):
        if item.stackable_top is None:
            continue
        high = item.bounds[1]
        assert signed_area(item.stackable_top) > 0
        mesh, _, _ = whole_mesh(item)
        found = rays_down(mesh, points_in(item.stackable_top), high[2] + 1)
        # A can's end lies a little below its rim, by less than what passes for touching.
        assert (found > high[2] - 0.001).all()
        assert (found <= high[2] + 1e-6).all()


@pytest.mark.parametrize("name", [name for name in NAMES if CATEGORIES[name].colors])
def test_a_viewer_would_name_the_color(name: str) -> None:
    ordered = [
        (color, make_object(name, np.random.default_rng(index), color=color, held_out=index % 3 == 2))
        for index, color in enumerate(CATEGORIES[name].colors)
    ]
    for color, item in [*ordered, *((item.color, item) for item in examples(name) if item.color is not None)]:
        assert item.color == color
        seen = seen_colors(item, rays=18)
        # Bare steel, screens and soles may cover more of a red thing than red does, but no other colour may.
        rivals = {
            word: share
            for word, share in seen.items()
            if word != color and (word not in NEUTRAL or (color in NEUTRAL and "silver" not in (word, color)))
        }
        assert seen.get(color, 0) > 0.22, (item.shape_key, color, seen)
        assert seen[color] > max(rivals.values(), default=0), (item.shape_key, color, seen)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    first, again = (make_object(name, np.random.default_rng(7)) for _ in range(2))
    assert digest(first) == digest(again)
    assert digest(first) != digest(make_object(name, np.random.default_rng(8)))


def test_nothing_depends_on_what_was_made_before() -> None:
    fresh = digest(make_object("mug", np.random.default_rng(3)))
    for name in NAMES:
        make_object(name, np.random.default_rng(1))
    assert digest(make_object("mug", np.random.default_rng(3))) == fresh


def test_known_directions() -> None:
    generator = np.random.default_rng(0)
    assert make_object("mug", generator).directions == {"handle": (1.0, 0.0, 0.0)}
    assert make_object("teapot", generator).directions == {"spout": (1.0, 0.0, 0.0), "handle": (-1.0, 0.0, 0.0)}
    assert {"front", "face"} == set(make_object("alarm clock", generator).directions)
    for name in ("monitor", "laptop", "teddy bear", "rubber duck", "toy car", "camera", "chair"):
        assert "front" in make_object(name, generator).directions
    for name in ("pen", "pencil", "carrot", "knife", "scissors", "screwdriver"):
        assert make_object(name, generator).directions["tip"] == (0.0, -1.0, 0.0)


@pytest.mark.parametrize(("name", "word"), [("mug", "handle"), ("teapot", "spout"), ("jug", "handle")])
def test_handles_are_where_they_are_said_to_be(name: str, word: str) -> None:
    """What sticks out farthest along the direction lies in a narrow band across it."""
    for item in examples(name):
        vertices = np.concatenate([part.vertices for part in item.parts]).astype(np.float64)
        along = vertices @ np.array(item.directions[word])
        tip = vertices[along > 0.9 * along.max()]
        width = np.ptp(np.concatenate([part.vertices for part in item.parts])[:, 1])
        assert np.ptp(tip[:, 1]) < 0.45 * width


@pytest.mark.parametrize(
    ("name", "word"),
    [("umbrella", "tip"), ("umbrella", "handle"), ("pencil", "tip"), ("carrot", "tip"), ("screwdriver", "tip")],
)
def test_ends_are_where_they_are_said_to_be(name: str, word: str) -> None:
    """What lies farthest along the direction is thin next to the whole."""
    for item in examples(name):
        if word not in item.directions:
            continue
        vertices = np.concatenate([part.vertices for part in item.parts]).astype(np.float64)
        vertices -= (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        along = vertices @ np.array(item.directions[word])
        end = vertices[along > 0.97 * along.max()]
        aside = end - np.outer(end @ np.array(item.directions[word]), item.directions[word])
        assert np.linalg.norm(np.ptp(aside, axis=0)) < 0.2 * np.ptp(along), item.shape_key


def test_glass_is_see_through() -> None:
    for name in ("glass", "wine glass"):
        item = make_object(name, np.random.default_rng(0))
        assert item.material == "glass"
        assert all(part.material.transparent for part in item.parts)


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^expected a category of the simulator, got 'unicorn': choose one of mug, cup"
    ):
        make_object("unicorn", np.random.default_rng(0))


def test_a_color_that_it_does_not_come_in_is_refused() -> None:
    with pytest.raises(InputError, match=r"^expected one of red, green, yellow for 'apple', got 'blue'$"):
        make_object("apple", np.random.default_rng(0), color="blue")
    with pytest.raises(InputError, match=r"^expected no colour for 'hamburger', got 'red'$"):
        make_object("hamburger", np.random.default_rng(0), color="red")


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32 - 1), st.booleans())
def test_any_seed_makes_a_sound_object(name: str, seed: int, held_out: bool) -> None:
    item = make_object(name, np.random.default_rng(seed), held_out=held_out)
    low, high = item.bounds
    assert abs(low[2]) < 1e-6
    assert CATEGORIES[name].size[0] <= (high - low).max() <= CATEGORIES[name].size[1]
    if item.cavity is not None:
        mesh, _, _ = whole_mesh(item)
        found = rays_down(mesh, points_in(item.cavity.polygon), item.cavity.floor + item.cavity.depth)
        np.testing.assert_allclose(found, item.cavity.floor, atol=2e-4)
