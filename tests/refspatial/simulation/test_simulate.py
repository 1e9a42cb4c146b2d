"""Scenes: what the scene graph says is what the pictures show, and the same seed gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import pixel_centers, project, unproject
from roborefer.geometry.transforms import invert_pose, transform_points
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.simulation.layout import sample_layout
from roborefer.refspatial.simulation.opengl import OpenGLRenderer
from roborefer.refspatial.simulation.room import SETTINGS
from roborefer.refspatial.simulation.scene_items import scene_items
from roborefer.refspatial.simulation.simulate import scene_objects, simulate_scene, transparent_ids
from roborefer.refspatial.simulation.viewpoints import can_stand, hidden_share, sample_cameras
from roborefer.refspatial.surface_views import viewer_axes

SIZE = (192, 144)
SEEDS = tuple(range(8))


@pytest.fixture(scope="module")
def renderer() -> Iterator[OpenGLRenderer]:
    with OpenGLRenderer(*SIZE) as made:
        yield made


@lru_cache
def scenes_of(renderer: OpenGLRenderer, seed: int) -> tuple[Scene, ...]:
    setting = SETTINGS[seed % len(SETTINGS)]
    return tuple(simulate_scene(seed, renderer, views=2, image_size=SIZE, setting=setting, depth_sensor="stereo"))


@pytest.fixture(params=SEEDS)
def scenes(renderer: OpenGLRenderer, request: pytest.FixtureRequest) -> tuple[Scene, ...]:
    return scenes_of(renderer, request.param)


def world_points(scene: Scene) -> NDArray[np.float64]:
    """(H, W, 3): where each pixel's centre looks, from depth."""
    in_camera = unproject(pixel_centers(scene.image_size), scene.depth_m, scene.camera.intrinsics)
    return transform_points(scene.camera.world_from_camera, in_camera)


def test_arrays_have_the_contract_s_shapes_and_types(scenes: tuple[Scene, ...]) -> None:
    width, height = SIZE
    for scene in scenes:
        assert scene.image is not None
        assert scene.normals is not None
        assert scene.sensor_depth_m is not None
        assert (scene.image.shape, scene.image.dtype) == ((height, width, 3), np.uint8)
        assert (scene.ids.shape, scene.ids.dtype) == ((height, width), np.uint16)
        assert (scene.depth_m.shape, scene.depth_m.dtype) == ((height, width), np.float32)
        assert (scene.surface_ids.shape, scene.surface_ids.dtype) == ((height, width), np.uint8)
        assert (scene.normals.shape, scene.normals.dtype) == ((height, width, 3), np.float32)
        assert (scene.sensor_depth_m.shape, scene.sensor_depth_m.dtype) == ((height, width), np.float32)
        assert (scene.depth_m > 0).all()  # the room is closed
        assert (scene.sensor_depth_m == 0).any()
        assert scene.camera.intrinsics.width == width


def test_objects_are_numbered_from_one_and_say_what_they_rest_on(scenes: tuple[Scene, ...]) -> None:
    first = scenes[0]
    ids = [item.id for item in first.objects]
    assert ids == list(range(1, len(ids) + 1))
    assert 3 <= len(ids) <= 12
    names = {surface.name for surface in first.surfaces}
    for item in first.objects:
        assert item.supported_by in names or item.supported_by in ids
        assert item.supported_by != item.id
        assert item.inside is None or item.inside in ids
        assert 0 <= item.visible_fraction <= 1
        for direction in item.directions.values():
            assert np.linalg.norm(direction) == pytest.approx(1)
    for surface in first.surfaces:
        assert surface.owner is None or surface.owner in ids


def test_views_share_everything_but_the_camera(scenes: tuple[Scene, ...]) -> None:
    first, second = scenes
    assert (first.name[-3:], second.name[-3:]) == ("_v0", "_v1")
    assert first.name.startswith("sim_00000")
    assert first.seed == second.seed
    assert not np.allclose(first.camera.world_from_camera, second.camera.world_from_camera)
    for one, other in zip(first.objects, second.objects, strict=True):
        assert (one.id, one.category, one.color) == (other.id, other.category, other.color)
        np.testing.assert_array_equal(one.box.center, other.box.center)


def test_masks_lie_in_their_boxes(scenes: tuple[Scene, ...]) -> None:
    for scene in scenes:
        points = world_points(scene)
        for item in scene.objects:
            seen = points[scene.mask(item.id)]
            if len(seen):
                local = (seen - item.box.center) @ item.box.rotation
                assert (np.abs(local) <= item.box.size / 2 + 2e-3).all(), item.category


def test_boxes_fit_their_meshes() -> None:
    layout = sample_layout(np.random.default_rng(11))
    for item, body in zip(scene_objects(layout), layout.bodies, strict=True):
        local = (body.vertices - item.box.center) @ item.box.rotation
        np.testing.assert_allclose(local.max(axis=0), item.box.size / 2, atol=1e-6)
        np.testing.assert_allclose(local.min(axis=0), -item.box.size / 2, atol=1e-6)
        assert np.linalg.det(item.box.rotation) == pytest.approx(1)


def test_heights_are_those_of_the_mesh_even_of_what_leans() -> None:
    beyond = []
    for seed in range(204, 211):
        layout = sample_layout(np.random.default_rng(seed))
        for item, body in zip(scene_objects(layout), layout.bodies, strict=True):
            np.testing.assert_allclose(item.heights, (body.vertices[:, 2].min(), body.vertices[:, 2].max()), atol=1e-6)
            beyond.append(item.box.corners()[:, 2].max() - item.heights[1])
    assert max(beyond) > 0.01  # a cushion that leans does not reach its box's corners


def test_widths_are_those_of_the_mesh_as_the_camera_sees_it(scenes: tuple[Scene, ...]) -> None:
    """Of a whole thing the pixels reach as far to both sides, but for tips that are thinner than a pixel."""
    narrower = []
    for scene in scenes:
        points = world_points(scene)
        right = viewer_axes(scene.camera).right
        for item in scene.objects:
            mask = scene.mask(item.id)
            box_width = float(np.ptp(item.box.corners()[:, :2] @ right))
            assert item.width_m is not None
            assert item.width_m <= box_width + 1e-6
            if mask.any():
                reach = float(np.ptp(points[mask][:, :2] @ right))
                assert reach <= item.width_m + 2e-3, item.category
                if item.visible_fraction > 0.999 and not touches_the_border(mask):
                    pixel = float(scene.depth_m[mask].max()) / scene.camera.intrinsics.fx
                    assert reach >= 0.9 * item.width_m - 4 * pixel, item.category
                    narrower.append(box_width / item.width_m)
    assert max(narrower) > 1.05  # what is round does not reach the corners of its box


def touches_the_border(mask: np.ndarray) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def test_surface_pixels_lie_on_their_surfaces(scenes: tuple[Scene, ...]) -> None:
    found = 0
    for scene in scenes:
        points = world_points(scene)
        for index, surface in enumerate(scene.surfaces, 1):
            pixels = scene.surface_ids == index
            found += int(pixels.any())
            if not pixels.any():
                continue
            np.testing.assert_allclose(points[pixels][:, 2], surface.height, atol=2.5e-3)
            outline = shapely.Polygon(surface.polygon).buffer(0.02)
            assert shapely.contains_xy(outline, points[pixels][:, :2]).all()
            owners = set(np.unique(scene.ids[pixels]).tolist())
            assert owners == {surface.owner or 0}
    assert found


def test_fronts_look_at_the_camera_where_furniture_has_none(scenes: tuple[Scene, ...]) -> None:
    for scene in scenes:
        for surface in scene.surfaces:
            assert surface.front is not None
            assert np.linalg.norm(surface.front) == pytest.approx(1)
            if surface.kind in ("desk", "shelf", "counter"):
                assert surface.front == (0.0, -1.0)
            else:
                towards = scene.camera.world_from_camera[:2, 3] - surface.polygon.mean(axis=0)
                assert np.dot(surface.front, towards) > 0


def test_most_objects_are_seen_from_free_air() -> None:
    seen, total = 0, 0
    for seed in range(15):
        layout = sample_layout(np.random.default_rng([2, seed]))
        for camera in sample_cameras(np.random.default_rng(seed), layout, 2, SIZE):
            eye = camera.world_from_camera[:3, 3]
            assert can_stand(layout, eye)
            centers = np.array([item.box.center for item in scene_objects(layout)])
            assert hidden_share(layout.room.obstacles, eye, centers) <= 0.3
            in_camera = transform_points(invert_pose(camera.world_from_camera), centers)
            pixels = project(in_camera, camera.intrinsics)
            inside = (in_camera[:, 2] > 0) & (pixels > 0).all(axis=1) & (pixels < SIZE).all(axis=1)
            seen, total = seen + int(inside.sum()), total + len(inside)
    assert seen > 0.97 * total


def test_the_same_seed_gives_the_same_bytes(renderer: OpenGLRenderer) -> None:
    again = simulate_scene(3, renderer, views=2, image_size=SIZE, setting=SETTINGS[3], depth_sensor="stereo")
    for one, other in zip(scenes_of(renderer, 3), again, strict=True):
        assert one.image is not None
        assert other.image is not None
        assert one.sensor_depth_m is not None
        assert other.sensor_depth_m is not None
        assert one.image.tobytes() == other.image.tobytes()
        assert one.depth_m.tobytes() == other.depth_m.tobytes()
        assert one.ids.tobytes() == other.ids.tobytes()
        assert one.surface_ids.tobytes() == other.surface_ids.tobytes()
        assert one.sensor_depth_m.tobytes() == other.sensor_depth_m.tobytes()
        assert one.camera.world_from_camera.tobytes() == other.camera.world_from_camera.tobytes()
        assert [item.visible_fraction for item in one.objects] == [item.visible_fraction for item in other.objects]


def test_photography_changes_the_picture_alone(renderer: OpenGLRenderer) -> None:
    options = {"views": 1, "image_size": SIZE, "setting": "desk"}
    (plain,) = simulate_scene(5, renderer, photography=False, **options)  # type: ignore[arg-type]
    (taken,) = simulate_scene(5, renderer, **options)  # type: ignore[arg-type]
    assert plain.image is not None
    assert taken.image is not None
    assert plain.image.tobytes() != taken.image.tobytes()
    assert plain.ids.tobytes() == taken.ids.tobytes()
    assert plain.depth_m.tobytes() == taken.depth_m.tobytes()
    assert plain.sensor_depth_m is None


def test_a_generator_flows_on(renderer: OpenGLRenderer) -> None:
    generator = np.random.default_rng(0)
    first, second = (simulate_scene(generator, renderer, image_size=SIZE)[0] for _ in range(2))
    assert first.name != second.name


def test_items_are_numbered_and_split_by_surface() -> None:
    layout = sample_layout(np.random.default_rng(2), setting="counter")
    items = scene_items(layout)
    assert {item.instance for item in items} == set(range(len(layout.placements) + 1))
    for number, placement in enumerate(layout.placements, 1):
        mine = [item for item in items if item.instance == number]
        assert sum(len(item.part.faces) for item in mine) == sum(len(part.faces) for part in placement.object.parts)
    drawn = {item.surface for item in items}
    owned = {index for index, surface in enumerate(layout.surfaces, 1) if surface.owner is None}
    assert owned | {0} <= drawn <= set(range(len(layout.surfaces) + 1))


def test_glass_is_named() -> None:
    for seed in range(40):
        layout = sample_layout(np.random.default_rng([9, seed]), setting="counter")
        glass = transparent_ids(layout)
        for number, item in enumerate(layout.placements, 1):
            is_clear = all(part.material.transparent for part in item.object.parts)
            assert (number in glass) == is_clear
        if glass:
            return
    pytest.fail("no glass in 40 counters")


def test_hidden_share_of_known_boxes() -> None:
    wall = np.array([[[1.0, -1.0, 0.0], [1.1, 1.0, 1.0]]])
    points = [[2.0, 0.0, 0.5], [2.0, 0.0, 3.0], [0.5, 0.0, 0.5], [2.0, 5.0, 0.5]]
    assert hidden_share(wall, (0.0, 0.0, 0.5), points) == 0.25
    assert hidden_share(wall, (0.0, 0.0, 0.5), points[:1]) == 1.0


def test_bad_arguments_are_named(renderer: OpenGLRenderer) -> None:
    with pytest.raises(InputError) as caught:
        simulate_scene(0, renderer, views=5)
    assert str(caught.value) == "expected 1 to 4 views, got 5"
