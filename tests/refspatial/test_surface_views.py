"""Surfaces as the camera sees them: pixels, sides, and what stands on what."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.refspatial.free_space import (
    Beside,
    NoRegion,
    free_region,
)
from roborefer.refspatial.surface_views import polygon_area, seen_by_camera, supports_of, surface_frame, surface_view

from .handmade import (
    Block,
    box_scene,
    look_at,
    pixel_rays,
    rectangle,
    table,
)

DIRECTIONS = ("left", "right", "front", "behind")
AWAY = {"left": (-1, 0), "right": (1, 0), "front": (0, -1), "behind": (0, 1)}


def test_surface_view_is_what_the_camera_sees() -> None:
    scene = box_scene([Block(at=(0, 0)), Block("book", at=(0.3, 0), size=(0.2, 0.15, 0.03), flat_top=True)])
    origin, rays = pixel_rays(scene.camera)
    points = origin + rays * scene.depth_m[..., None].astype(float)
    for name, owner in (("table", 0), ("book 2", 2)):
        view = surface_view(scene, name)
        assert view.pixels.tolist() == np.flatnonzero(scene.surface_ids == view.index).tolist()
        assert (scene.ids.ravel()[view.pixels] == owner).all()
        np.testing.assert_allclose(view.xy, points.reshape(-1, 3)[view.pixels, :2], atol=1e-5)


def test_surface_view_leaves_out_what_contradicts_it() -> None:
    scene = box_scene([Block()])
    wrong = replace(scene, depth_m=scene.depth_m - np.float32(0.1))
    assert len(surface_view(wrong, "table").pixels) == 0
    points = np.array([[-0.2, 0.0], [0.0, 0.0], [0.0, 0.1], [5.0, 0.0], [0.0, -2.0]])
    seen = [seen_by_camera(item, surface_view(item, "table"), points).tolist() for item in (scene, wrong)]
    assert seen == [[True, False, False, False, False], [False] * 5], "under a block, behind it, out of the image"
    assert free_region(wrong, "table", Beside(1, "left")) == NoRegion("hidden")
    everywhere = replace(scene, surface_ids=np.ones_like(scene.surface_ids))
    assert not scene.mask(1).ravel()[surface_view(everywhere, "table").pixels].any()


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(0.2, 2), st.floats(0.2, 2))
def test_surface_frames_are_rectangles_named_by_the_viewer(yaw: float, width: float, depth: float) -> None:
    surface = replace(table(), polygon=rectangle(width, depth, (0.3, -0.2), yaw))
    frame = surface_frame(look_at(), surface)
    np.testing.assert_allclose(frame.center, (0.3, -0.2), atol=1e-9)
    assert frame.far[1] >= math.cos(math.radians(45)) - 1e-9
    assert frame.right[0] >= math.cos(math.radians(45)) - 1e-9
    assert sorted(2 * frame.half) == pytest.approx(sorted((width, depth)))
    assert frame.turn_degrees == pytest.approx(math.degrees(math.acos(min(1.0, frame.far[1]))), abs=1e-4)
    assert frame.turn_degrees <= 45 + 1e-6
    assert frame.filled == pytest.approx(1)
    assert polygon_area(surface.polygon) == pytest.approx(width * depth)
    np.testing.assert_allclose(frame.world(frame.local(surface.polygon)), surface.polygon, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(-180, 180), st.integers(16, 64))
def test_without_corners_the_left_is_the_viewers(yaw: float, heading: float, sides: int) -> None:
    round_table = replace(table(), polygon=disc(0.5, sides, yaw) + np.array((0.3, -0.2)))
    turn = math.radians(heading)
    right, forward = np.array((math.cos(turn), math.sin(turn))), np.array((-math.sin(turn), math.cos(turn)))
    frame = surface_frame(look_at((*(-1.1 * forward), 1.55)), round_table)
    np.testing.assert_allclose(frame.right, right, atol=1e-6)
    np.testing.assert_allclose(frame.far, forward, atol=1e-6)
    np.testing.assert_allclose(frame.center, (0.3, -0.2), atol=0.01)
    np.testing.assert_allclose(frame.half, 0.5, atol=0.01)
    assert frame.turn_degrees == 0
    assert frame.is_plain
    assert not frame.has_corners
    assert 0.7 < frame.filled < 0.82


def test_rounded_corners_are_corners() -> None:
    """A square top with rounded corners keeps its own sides, whichever way the viewer looks at it."""
    corners = [(0.35 * x, 0.35 * y) for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    arcs = [disc(0.15, 24, 0)[6 * i : 6 * i + 7] + corner for i, corner in enumerate(corners)]
    turn = math.radians(20)
    rotation = np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    frame = surface_frame(look_at(), replace(table(), polygon=np.concatenate(arcs)[:24] @ rotation.T))
    assert frame.has_corners
    assert frame.turn_degrees == pytest.approx(20)
    np.testing.assert_allclose(frame.half, 0.5, atol=1e-9)


def disc(radius: float, sides: int, yaw: float) -> np.ndarray:
    angles = np.arange(sides) * (2 * math.pi / sides) + math.radians(yaw)
    return radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)


def test_supports_lead_down_to_the_table() -> None:
    objects = [
        Block("bowl", hollow=True, supported_by="table"),
        Block("nut", supported_by="bowl 1", inside=1),
        Block("flea", supported_by=2),
    ]
    scene = box_scene(objects, size=(8, 6))
    assert supports_of(scene, 3) == (2, "bowl 1", 1, "table")
    assert supports_of(scene, 1) == ("table",)
