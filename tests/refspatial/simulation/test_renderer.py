"""Rendering: the OpenGL renderer against an independent ray cast and against geometry worked out by hand."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import pixel_centers, project, unproject
from roborefer.geometry.transforms import invert_pose, transform_points
from roborefer.refspatial.scene_graph import Camera
from roborefer.refspatial.simulation import opengl
from roborefer.refspatial.simulation.camera import look_at
from roborefer.refspatial.simulation.mesh import Material, Part
from roborefer.refspatial.simulation.opengl import OpenGLRenderer
from roborefer.refspatial.simulation.raycast import RaycastRenderer
from roborefer.refspatial.simulation.renderer import Light, RenderItem, View
from roborefer.structures import Intrinsics

LIGHT = Light(np.array([-0.3, -0.5, 0.8]))
INTRINSICS = Intrinsics(190.0, 200.0, 84.3, 57.9, 160, 120)
QUALITIES = ("fast", "fine")

# ---- meshes and cameras --------------------------------------------------------------------------------------------


def at(x: float, y: float, z: float, turn: float = 0.0) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pose[:3, 3] = (x, y, z)
    return pose


def quad(width: float, depth: float, material: Material | None = None) -> Part:
    """A level rectangle around the origin that faces up; u runs along x and v along y."""
    x, y = width / 2, depth / 2
    return Part(
        np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
        material or Material(),
    )


def box(size: tuple[float, float, float], material: Material | None = None) -> Part:
    """A box that stands on the origin."""
    vertices, normals, faces = [], [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            corners = [normal + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            first = len(vertices)
            vertices += corners if sign > 0 else corners[::-1]
            normals += [normal] * 4
            faces += [[first, first + 1, first + 2], [first, first + 2, first + 3]]
    scaled = np.array(vertices) * np.array(size) / 2 + (0, 0, size[2] / 2)
    return Part(
        scaled.astype(np.float32),
        np.array(faces, np.int32),
        np.array(normals, np.float32),
        np.zeros((24, 2), np.float32),
        material or Material(),
    )


def sphere(radius: float, material: Material | None = None, rings: int = 24) -> Part:
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1), indexing="ij")
    normals = np.stack((np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), -np.cos(theta)), axis=-1)
    normals = normals.reshape(-1, 3)
    row = 2 * rings + 1
    first = (np.arange(rings)[:, None] * row + np.arange(2 * rings)).ravel()
    faces = np.concatenate(
        (np.stack((first, first + 1, first + row + 1), 1), np.stack((first, first + row + 1, first + row), 1))
    )
    return Part(
        (normals * radius + (0, 0, radius)).astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        np.zeros((len(normals), 2), np.float32),
        material or Material(),
    )


def scene() -> list[RenderItem]:
    """A table top on a floor between walls; boxes and balls on it, some behind others."""
    items = [
        RenderItem(quad(6, 6, Material((0.5, 0.4, 0.3))), at(0, 0, -0.7)),
        RenderItem(box((6, 0.05, 3), Material((0.7, 0.7, 0.6))), at(0, 1.5, -0.7), casts_shadow=False),
        RenderItem(box((1.2, 0.8, 0.03), Material((0.6, 0.6, 0.6))), at(0, 0, -0.03), surface=1),
    ]
    generator = np.random.default_rng(4)
    for instance in range(1, 9):
        x, y = generator.uniform((-0.5, -0.3), (0.5, 0.3))
        color = Material(tuple(generator.uniform(0.1, 0.8, 3)), roughness=0.3)
        part = box((0.1, 0.06, 0.13), color) if instance % 2 else sphere(0.05, color)
        items.append(RenderItem(part, at(x, y, 0, generator.uniform(0, 3)), instance))
    return items


def cameras() -> list[Camera]:
    eyes = ((0.1, -0.9, 0.6), (-0.7, -0.5, 0.3), (0.5, -1.2, 1.1), (0.02, 0.01, 1.3))
    return [
        Camera(INTRINSICS, look_at(eye, (0, 0, 0.02), roll)) for eye, roll in zip(eyes, (0, 2, -3, 11), strict=True)
    ]


def straight_down(height: float, focal: float = 200.0, size: tuple[int, int] = (100, 80)) -> Camera:
    """Above the origin, image x along world x and image y against world y."""
    pose = at(0, 0, height)
    pose[:3, :3] = np.diag((1.0, -1.0, -1.0))
    return Camera(Intrinsics(focal, focal, size[0] / 2, size[1] / 2, *size), pose)


def one(
    renderer: OpenGLRenderer | RaycastRenderer, items: list[RenderItem], camera: Camera, light: Light = LIGHT
) -> View:
    return renderer.render(items, [camera], light)[0]


@pytest.fixture(scope="module", params=QUALITIES)
def renderer(request: pytest.FixtureRequest) -> Iterator[OpenGLRenderer]:
    with opened(request.param) as opengl_renderer:
        yield opengl_renderer


@pytest.fixture(scope="module")
def fast() -> Iterator[OpenGLRenderer]:
    with opened("fast") as opengl_renderer:
        yield opengl_renderer


def opened(quality: str) -> OpenGLRenderer:
    try:
        return OpenGLRenderer(160, 120, quality=quality)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def raycast() -> RaycastRenderer:
    pytest.importorskip("embreex", reason="the reference needs embreex")
    return RaycastRenderer()


def at_silhouette(ids: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels with a neighbour, of eight, of another id."""
    padded = np.pad(ids, 1, mode="edge")
    height, width = ids.shape
    shifted = [padded[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.asarray((np.stack(shifted) != ids).any(axis=0))


# ---- geometry against the ray cast -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_agrees_with_the_ray_cast(renderer: OpenGLRenderer, raycast: RaycastRenderer, number: int) -> None:
    camera, items = cameras()[number], scene()
    drawn, cast = one(renderer, items, camera), one(raycast, items, camera)
    assert set(np.unique(cast.ids)) >= {0, 1, 2, 3}
    same = drawn.ids == cast.ids
    assert same.mean() > 0.995
    assert at_silhouette(cast.ids)[~same].all()
    inside = same & (drawn.surface_ids == cast.surface_ids)
    assert inside.mean() > 0.995
    error = np.abs(drawn.depth_m - cast.depth_m)[inside]
    assert np.median(error) < 1e-6
    assert np.quantile(error, 0.99) < 1e-5
    aligned = (drawn.normals * cast.normals).sum(axis=-1)[inside & (cast.depth_m > 0)]
    assert np.quantile(aligned, 0.01) > 0.9999
    assert drawn.depth_m.dtype == np.float32
    assert drawn.ids.dtype == np.uint16
    assert drawn.surface_ids.dtype == np.uint8
    assert drawn.normals.dtype == np.float32
    assert all(array.flags.c_contiguous for array in (drawn.rgb, drawn.depth_m, drawn.ids, drawn.normals))


def test_solo_pixel_counts_agree_with_the_ray_cast(fast: OpenGLRenderer, raycast: RaycastRenderer) -> None:
    for camera in cameras():
        drawn, cast = fast.solo_pixel_counts(scene(), camera), raycast.solo_pixel_counts(scene(), camera)
        assert list(drawn) == list(range(1, 9)) == list(cast)
        assert all(abs(drawn[instance] - cast[instance]) <= 0.01 * cast[instance] + 2 for instance in cast)


def test_solo_pixel_counts_are_the_pixels_of_what_nothing_hides(fast: OpenGLRenderer) -> None:
    """An object of two parts that overlap each other counts each pixel once."""
    ball = sphere(0.05)
    hidden, front = RenderItem(box((0.3, 0.02, 0.3)), at(0, 0.15, 0), 7), RenderItem(ball, at(0, 0, 0), 2)
    items = [hidden, front, RenderItem(ball, at(0.03, 0.02, 0), 2), RenderItem(quad(2, 2), at(0, 0, 0))]
    camera = cameras()[0]
    ids = one(fast, items, camera).ids
    counts = fast.solo_pixel_counts(items, camera)
    assert counts[2] == (ids == 2).sum()
    assert counts[7] == (one(fast, [hidden], camera).ids == 7).sum() > (ids == 7).sum() > 0


def test_an_instance_out_of_view_has_no_pixels(fast: OpenGLRenderer) -> None:
    items = [RenderItem(quad(2, 2), at(0, 0, 0)), RenderItem(sphere(0.1), at(0, -5, 0), 3)]
    assert fast.solo_pixel_counts(items, cameras()[0]) == {3: 0}


# ---- geometry by hand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("edge", "first_column"), [(60.4, 60), (60.6, 61), (10.45, 10), (10.55, 11)])
def test_a_pixel_is_what_lies_at_its_centre(renderer: OpenGLRenderer, edge: float, first_column: int) -> None:
    """The left edge of a sheet is put at ``edge`` pixels: columns count whose centre, at .5, lies on the sheet."""
    camera = straight_down(1.0)
    left = (edge - 50) / 200.0
    ids = one(renderer, [RenderItem(quad(1, 1), at(left + 0.5, 0, 0), 5)], camera).ids
    assert (ids[:, first_column:] == 5).all()
    assert (ids[:, :first_column] == 0).all()


def test_the_first_row_is_the_upper_one(renderer: OpenGLRenderer) -> None:
    far_side = RenderItem(quad(1, 1), at(0, 0.5 + 0.0401, 0), 9)  # 8.02 pixels above the middle
    ids = one(renderer, [far_side], straight_down(1.0)).ids
    assert (ids[:32] == 9).all()
    assert (ids[32:] == 0).all()


def test_depth_is_accurate_to_a_tenth_of_a_millimetre(renderer: OpenGLRenderer) -> None:
    """A floor 40 m wide, seen at a slant: depth follows from the plane."""
    camera = Camera(INTRINSICS, look_at((0.3, -1.0, 0.7), (0, 0, 0), 5))
    depth = one(renderer, [RenderItem(quad(40, 40), at(0, 0, 0), 1)], camera).depth_m
    rays = unproject(pixel_centers((160, 120)), np.ones((120, 160)), INTRINSICS)
    down = camera.world_from_camera[2, :3]
    exact = -camera.world_from_camera[2, 3] / (rays @ down)
    near = (exact > 0) & (exact < 2)
    assert near.mean() > 0.5
    assert np.abs(depth - exact)[near].max() < 1e-4


def test_where_there_is_nothing(renderer: OpenGLRenderer) -> None:
    view = one(renderer, [RenderItem(quad(0.1, 0.1), at(0, 0, 0), 1, 4)], straight_down(1.0))
    nothing = view.ids == 0
    assert 0 < nothing.mean() < 1
    assert (view.depth_m[nothing] == 0).all()
    assert (view.normals[nothing] == 0).all()
    assert (view.surface_ids == np.where(nothing, 0, 4)).all()
    assert view.normals[~nothing] == pytest.approx(np.tile((0, 0, -1), ((~nothing).sum(), 1)), abs=1e-6)


def test_surfaces_seen_from_behind_have_normals_towards_the_camera(renderer: OpenGLRenderer) -> None:
    pose = at(0, 0, -1)  # looks up at the sheet
    view = one(renderer, [RenderItem(quad(0.2, 0.2), at(0, 0, 0), 1)], Camera(straight_down(1).intrinsics, pose))
    assert view.normals[40, 50] == pytest.approx((0, 0, -1), abs=1e-6)


def test_large_instance_numbers_survive(renderer: OpenGLRenderer) -> None:
    view = one(renderer, [RenderItem(quad(1, 1), at(0, 0, 0), 65535, 255)], straight_down(1.0))
    assert (view.ids == 65535).all()
    assert (view.surface_ids == 255).all()


# ---- several views, the same bytes -----------------------------------------------------------------------------------


def as_bytes(view: View) -> bytes:
    return b"".join(a.tobytes() for a in (view.rgb, view.depth_m, view.ids, view.surface_ids, view.normals))


def test_several_views_are_the_single_views(fast: OpenGLRenderer) -> None:
    together = fast.render(scene(), cameras(), LIGHT)
    with opened("fast") as another:
        alone = [one(another, scene(), camera) for camera in reversed(cameras())][::-1]
    assert [as_bytes(view) for view in together] == [as_bytes(view) for view in alone]


def test_what_was_drawn_before_leaves_no_trace(fast: OpenGLRenderer) -> None:
    before = as_bytes(one(fast, scene(), cameras()[0]))
    fast.solo_pixel_counts(scene(), cameras()[1])
    glass = replace(scene()[3], part=box((0.3, 0.3, 0.3), Material(transparent=True)))
    one(fast, [glass, *scene()], straight_down(2.0, size=(33, 57)))
    assert as_bytes(one(fast, scene(), cameras()[0])) == before


def test_a_scene_is_uploaded_once(fast: OpenGLRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = []
    pack = opengl.pack_scene
    monkeypatch.setattr(opengl, "pack_scene", lambda *arguments: packed.append(1) or pack(*arguments))
    items = scene()
    fast.render(items, cameras(), LIGHT)
    fast.solo_pixel_counts(items, cameras()[0])
    one(fast, list(items), cameras()[1], replace(LIGHT, color=(0.2, 0.2, 0.2)))
    assert len(packed) == 1
    one(fast, items[:-1], cameras()[1])
    assert len(packed) == 2


def test_many_sizes_of_image(fast: OpenGLRenderer) -> None:
    for width in (40, 41, 63, 64, 65, 40):
        view = one(fast, scene(), straight_down(1.5, size=(width, 31)))
        assert view.rgb.shape == (31, width, 3)
        assert view.ids.shape == (31, width)


def _view_in_a_worker(seed: int) -> bytes:
    with OpenGLRenderer(160, 120) as worker_renderer:
        return as_bytes(one(worker_renderer, scene(), cameras()[seed]))


def test_worker_processes_draw_the_same(fast: OpenGLRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[3])  # where a worker finds this module
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(_view_in_a_worker, 2).result() == as_bytes(one(fast, scene(), cameras()[2]))


# ---- the look --------------------------------------------------------------------------------------------------------


def test_a_box_casts_a_shadow_away_from_the_light(renderer: OpenGLRenderer) -> None:
    """The light stands at 45 degrees over -x, so a box 0.2 m high shades 0.2 m of floor on its +x side."""
    light = replace(LIGHT, direction=np.array([-1.0, 0, 1]))
    floor = RenderItem(quad(3, 3, Material((0.3, 0.3, 0.3))), at(0, 0, 0))
    items = [floor, RenderItem(box((0.1, 0.4, 0.2)), at(0, 0, 0), 1)]
    camera = straight_down(2.0)
    rgb = one(renderer, items, camera, light).rgb.astype(int).mean(axis=-1)

    def brightness(x: float) -> float:
        u, v = project(transform_points(invert_pose(camera.world_from_camera), [x, 0, 0]), camera.intrinsics)
        return float(rgb[int(v), int(u)])

    assert brightness(0.15) < 0.85 * brightness(0.45)
    assert brightness(0.2) < 0.85 * brightness(0.32)
    assert brightness(-0.2) == pytest.approx(brightness(0.45), abs=6)


def test_parts_that_cast_no_shadow_let_the_light_in(fast: OpenGLRenderer) -> None:
    floor = RenderItem(quad(1, 1, Material((0.3, 0.3, 0.3))), at(0, 0, 0))
    ceiling = RenderItem(quad(4, 4), at(0, 0, 2.0))
    camera = Camera(INTRINSICS, look_at((0, -1, 1), (0, 0, 0)))
    open_air = one(fast, [floor], camera).rgb
    closed = one(fast, [floor, ceiling], camera).rgb
    lit = one(fast, [floor, replace(ceiling, casts_shadow=False)], camera).rgb
    assert closed[60, 80].mean() < 0.8 * open_air[60, 80].mean()
    assert np.array_equal(lit, open_air)


def test_glass_casts_a_light_shadow_and_a_window_pane_none(fast: OpenGLRenderer) -> None:
    floor = RenderItem(quad(1, 1, Material((0.3, 0.3, 0.3))), at(0, 0, 0))
    pane = RenderItem(quad(4, 4, Material(transparent=True)), at(0, 0, 2.0))
    camera = Camera(INTRINSICS, look_at((0, -1, 1), (0, 0, 0)))
    without, solid, glass, window = (
        one(fast, items, camera).rgb[60, 80].astype(int).mean()
        for items in (
            [floor],
            [floor, replace(pane, part=quad(4, 4))],
            [floor, pane],
            [floor, replace(pane, casts_shadow=False)],
        )
    )
    assert solid + 10 < glass < without - 4
    assert window == without


def test_no_line_shows_where_the_shadow_map_ends(renderer: OpenGLRenderer) -> None:
    """Only one small thing casts a shadow: on the floor around it brightness changes slowly, from pixel to pixel."""
    items = [
        RenderItem(quad(8, 8), at(0, 0, 0), casts_shadow=False),
        RenderItem(box((0.1, 0.1, 0.1)), at(0, 0, 0), 1),
    ]
    camera = Camera(INTRINSICS, look_at((0, -1.4, 1.4), (0, 0, 0)))
    view = one(renderer, items, camera)
    rgb = view.rgb.astype(int)
    near = np.zeros(view.ids.shape, bool)
    rows, columns = np.nonzero(view.ids)
    near[rows.min() - 12 : rows.max() + 12, columns.min() - 25 : columns.max() + 25] = True
    assert near.mean() < 0.35
    for axis in (0, 1):
        steps = np.abs(np.diff(rgb, axis=axis)).max(axis=-1)
        far = ~near[1:] if axis == 0 else ~near[:, 1:]
        assert steps[far].max() <= 2


def test_a_print_lies_as_its_coordinates_say(renderer: OpenGLRenderer) -> None:
    """Rows of a print go down, v goes up: seen from above, its first row lies at the far side (+y)."""
    for side in (64, 512):  # both arrays of prints
        print_ = np.zeros((side, side, 3), np.uint8)
        print_[: side // 2, : side // 2] = (200, 0, 0)
        print_[: side // 2, side // 2 :] = (0, 200, 0)
        print_[side // 2 :, : side // 2] = (0, 0, 200)
        sheet = RenderItem(quad(0.4, 0.4, Material((1, 1, 1), 1.0, texture=print_)), at(0, 0, 0), 1)
        rgb = one(renderer, [sheet], straight_down(1.0)).rgb.astype(int)
        strongest = rgb[[20, 20, 60], [30, 70, 30]].argmax(axis=-1)
        assert strongest.tolist() == [0, 1, 2]
        assert rgb[60, 70].max() < 60  # black


def test_one_print_on_many_parts_is_stored_once() -> None:
    print_ = np.full((32, 32, 3), 90, np.uint8)
    other = print_.copy()
    parts = [quad(1, 1, Material(texture=texture)) for texture in (print_, print_, other, None)]
    packed = opengl.pack_scene([RenderItem(part, at(0, 0, 0)) for part in parts], 64, 128)
    assert packed.prints.shape == (2, 64, 64, 4)
    assert sorted(packed.materials[:, 0, 3].tolist()) == [-1, 0, 0, 1]


def test_glass_counts_as_solid_and_looks_clear(renderer: OpenGLRenderer) -> None:
    red = Material((0.9, 0.05, 0.05), 1.0)
    floor = RenderItem(quad(1, 1, red), at(0, 0, 0))
    glass = RenderItem(quad(0.2, 0.2, Material((0.9, 0.9, 0.9), 0.1, transparent=True)), at(0, 0, 0.3), 6)
    camera = straight_down(1.0)
    view, without = one(renderer, [glass, floor], camera), one(renderer, [floor], camera)
    assert view.ids[40, 50] == 6
    assert view.depth_m[40, 50] == pytest.approx(0.7, abs=1e-5)
    through, direct = view.rgb[40, 50].astype(int), without.rgb[40, 50].astype(int)
    assert through[0] > through[1] + 60  # still red
    assert np.abs(through - direct).max() > 5  # but not untouched
    assert np.array_equal(view.rgb[2, 2], without.rgb[2, 2])


def test_glass_in_front_of_glass(renderer: OpenGLRenderer) -> None:
    """The order in which panes are given changes nothing."""
    panes = [
        RenderItem(quad(0.3, 0.3, Material(color, 0.1, transparent=True)), at(0, 0, z), number)
        for number, (color, z) in enumerate((((0.9, 0.1, 0.1), 0.2), ((0.1, 0.1, 0.9), 0.5)), 1)
    ]
    floor = RenderItem(quad(1, 1), at(0, 0, 0))
    camera = straight_down(1.0)
    views = [one(renderer, [*order, floor], camera) for order in (panes, panes[::-1])]
    assert as_bytes(views[0]) == as_bytes(views[1])


def test_edges_of_the_picture_are_smooth(renderer: OpenGLRenderer) -> None:
    """A bright sheet on black, turned a little: most steps along its edge are gone, and ids keep theirs."""
    sheets = [
        RenderItem(quad(2, 2, Material((0.0, 0.0, 0.0), 1.0)), at(0, 0, 0)),
        RenderItem(quad(0.3, 0.2, Material((0.9, 0.9, 0.9), 1.0)), at(0, 0, 0.01), 1),
    ]
    sheets[1] = replace(sheets[1], world_from_part=at(0, 0, 0.01, 0.12))
    view = one(renderer, sheets, straight_down(1.0), replace(LIGHT, direction=np.array([0, 0, 1.0])))
    gray = view.rgb[..., 1].astype(int)
    dark, bright = gray[2, 2], gray[40, 50]
    between = (gray > dark + 0.15 * (bright - dark)) & (gray < bright - 0.15 * (bright - dark))
    assert between.sum() > 60  # about one in two of the 240 pixels along the edge
    assert at_silhouette(view.ids)[between].all()
    assert set(np.unique(view.ids)) == {0, 1}


def test_smoothing_draws_a_slanted_edge_as_its_coverage(fast: OpenGLRenderer) -> None:
    """A sheet's edge sinks by one pixel in ten: a pixel on the edge is as bright as its covered share."""
    slope = 0.1
    sheets = [
        RenderItem(quad(4, 4, Material((0.0, 0.0, 0.0), 1.0)), at(0, 0, 0)),
        RenderItem(quad(4, 4, Material((0.5, 0.5, 0.5), 1.0)), at(0, 0, 0.001) @ at(0, 0, 0, np.arctan(slope)), 1),
    ]
    edge = np.eye(4)
    edge[1, 3] = -2.0  # the far edge of the sheet passes through the origin
    sheets[1] = replace(sheets[1], world_from_part=sheets[1].world_from_part @ edge)
    view = one(fast, sheets, straight_down(1.0), replace(LIGHT, direction=np.array([0, 0, 1.0])))
    gray = view.rgb[..., 1].astype(float)
    share = (gray - gray[2, 50]) / (gray[78, 50] - gray[2, 50])
    columns = np.arange(20, 80)
    height = 40 - (columns + 0.5 - 50) * slope  # row coordinate of the edge
    covered = np.clip(np.arange(80)[:, None] + 1 - height, 0, 1)
    band = np.abs(np.arange(80)[:, None] + 0.5 - height) < 1.5
    assert np.abs(share[:, columns] - covered)[band].max() < 0.2
    assert np.abs(share[:, columns] - covered)[band].mean() < 0.05


# ---- errors ----------------------------------------------------------------------------------------------------------


def error_of(call: object) -> str:
    with pytest.raises(InputError) as caught:
        call()  # type: ignore[operator]
    return str(caught.value)


def test_errors_of_what_cannot_be_drawn(fast: OpenGLRenderer) -> None:
    sheet = RenderItem(quad(1, 1), at(0, 0, 0))
    camera = straight_down(1)
    assert error_of(lambda: one(fast, [], camera)) == (
        "expected at least one item to draw, got none: add the parts of the scene"
    )
    assert error_of(lambda: one(fast, [replace(sheet, instance=65536)], camera)) == (
        "expected an instance of 0 to 65535, got 65536: number objects from 1"
    )
    assert error_of(lambda: one(fast, [replace(sheet, surface=-1)], camera)) == (
        "expected a surface of 0 to 255, got -1: number surfaces from 1"
    )
    assert error_of(lambda: one(fast, [sheet], camera, Light(np.zeros(3)))) == (
        "expected a light direction of three finite numbers, not all 0, got [0.0, 0.0, 0.0]"
    )
    squeezed = np.diag((1.0, 1.0, 0.5, 1.0))
    assert "expected a rotation" in error_of(lambda: one(fast, [sheet], Camera(camera.intrinsics, squeezed)))


def test_an_unknown_quality_or_no_size() -> None:
    assert error_of(lambda: OpenGLRenderer(0, 480)) == "expected an image size of at least 1x1, got 0x480"
    assert error_of(lambda: OpenGLRenderer(quality="best")) == "expected the quality fast or fine, got 'best'"


def test_a_released_renderer_is_refused() -> None:
    gone = opened("fast")
    gone.release()
    gone.release()
    assert error_of(lambda: one(gone, scene(), cameras()[0])) == (
        "expected a renderer that is open, got one that was released: make a new one"
    )


def test_a_missing_driver_names_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    moderngl = pytest.importorskip("moderngl")

    def refuse(**_: object) -> None:
        raise Exception("libEGL.so: cannot open shared object file\nmore")  # as moderngl does

    monkeypatch.setattr(moderngl, "create_context", refuse)
    assert error_of(OpenGLRenderer) == (
        "expected an EGL driver with OpenGL 3.3 for rendering, got 'libEGL.so: cannot open shared object file': "
        "apt install libegl1 libgl1-mesa-dri"
    )


@pytest.mark.parametrize(
    ("package", "renderer_type", "purpose"),
    [("moderngl", OpenGLRenderer, "rendering"), ("embreex", RaycastRenderer, "ray casting")],
)
def test_a_missing_package_names_its_remedy(
    monkeypatch: pytest.MonkeyPatch, package: str, renderer_type: type, purpose: str
) -> None:
    for name in (package, "embreex.rtcore_scene"):
        monkeypatch.setitem(sys.modules, name, None)
    assert error_of(renderer_type) == f"expected the package {package} for {purpose}, got none: pip install {package}"
