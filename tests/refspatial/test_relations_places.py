"""Between, inside, touching, far from, at corners and edges, and free space as a relation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.refspatial.free_space import Beside
from roborefer.refspatial.relations import Finding
from roborefer.refspatial.relations.contact import contained_share
from roborefer.refspatial.thresholds import THRESHOLDS

from .handmade import TABLE_HEIGHT, WALL, Block, box_scene, look_at, rectangle, table
from .test_relations import found, view


@pytest.mark.parametrize(
    ("at", "holds", "clear", "value"),
    [
        ((0.0, 0.0), True, True, 0.075),  # in the middle: a quarter of 0.3 m to each side
        ((0.0, 0.05), True, True, 0.025),
        ((0.0, 0.07), True, False, 0.005),
        ((0.0, 0.2), False, True, -0.125),
        ((0.13, 0.0), True, True, 0.02 + 1e-9),
        ((0.3, 0.0), False, True, -0.15),
    ],
)
def test_between(at: tuple[float, float], holds: bool, clear: bool, value: float) -> None:
    side = (0.02, 0.02, 0.05)
    scene = view([Block(at=at, size=side), Block(at=(-0.15, 0), size=side), Block(at=(0.15, 1e-9), size=side)])
    finding = found(scene, "between", 1, 2, 3)
    swapped = found(scene, "between", 1, 3, 2)
    assert (finding.holds, finding.value) == (holds, pytest.approx(value, abs=1e-6))
    assert swapped.value == pytest.approx(finding.value)
    assert finding.clear is clear or abs(finding.margin - THRESHOLDS.between_m) < 1e-6


def test_between_needs_one_level_and_two_places() -> None:
    high = view([Block(base=1.0), Block(at=(-0.2, 0)), Block(at=(0.2, 0))])
    assert found(high, "between", 1, 2, 3).holds
    assert not found(high, "between", 1, 2, 3).clear
    same = view([Block(), Block(at=(0.2, 0)), Block(at=(0.2, 0))])
    assert not found(same, "between", 1, 2, 3).clear


def test_inside_needs_the_record_and_the_boxes() -> None:
    tray = Block(size=(0.3, 0.2, 0.1), hollow=True)
    apple = Block(size=(0.05, 0.05, 0.05), base=TABLE_HEIGHT + WALL, supported_by="box 1")
    for recorded in (True, False):
        scene = view([tray, replace(apple, inside=1 if recorded else None), Block(at=(0.4, 0))])
        finding, opposite = found(scene, "inside", 2, 1), found(scene, "outside", 2, 1)
        assert (finding.holds, finding.value, finding.clear) == (True, 1.0, recorded)
        assert (opposite.holds, opposite.value, opposite.clear) == (False, 0.0, recorded)
        assert found(scene, "outside", 3, 1) == Finding(True, 1.0, 0.5, True, "fraction")
        assert not found(scene, "inside", 1, 2).holds


def test_a_spoon_stands_out_of_its_cup_and_a_nut_is_in_a_bowl_in_a_box() -> None:
    box = Block(size=(0.4, 0.3, 0.1), hollow=True)
    bowl = Block(size=(0.2, 0.2, 0.08), hollow=True, base=TABLE_HEIGHT + WALL, inside=1)
    nut = Block(size=(0.03, 0.03, 0.03), base=TABLE_HEIGHT + 2 * WALL, inside=2)
    spoon = Block(at=(0.05, 0), size=(0.01, 0.01, 0.2), base=TABLE_HEIGHT + 2 * WALL, inside=2)
    scene = view([box, bowl, nut, spoon])
    assert found(scene, "inside", 3, 1).clear
    assert found(scene, "inside", 3, 2).clear
    finding = found(scene, "inside", 4, 2)
    assert finding.holds
    assert finding.value == pytest.approx(1 / 3)  # two of six cells along its length
    assert finding.clear


@settings(max_examples=30, deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 90))
def test_contained_share_against_many_points(x: int, y: int, yaw: int) -> None:
    scene = box_scene(
        [Block(at=(x / 100, y / 100), size=(0.1, 0.06, 0.1), yaw=yaw), Block(size=(0.2, 0.3, 0.2))], size=(8, 6)
    )
    small, large = scene.objects[0].box, scene.objects[1].box
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20_000, 3)) * small.size @ small.rotation.T + small.center
    expected = (np.abs(points - large.center) <= large.size / 2).all(axis=1).mean()
    assert contained_share(small, large) == pytest.approx(expected, abs=0.1)


def test_touch() -> None:
    lean = [Block(at=(-0.041, 0)), Block(at=(0.041, 0)), Block(at=(-0.041, 0), base=0.85, supported_by=1)]
    scene = box_scene(lean)
    contact = found(scene, "touch", 1, 2)
    assert (contact.holds, contact.clear, contact.value) == (True, True, pytest.approx(0.002))
    assert found(scene, "touch", 1, 3) == Finding(True, 0.0, 0.005, True, "m") == found(scene, "touch", 3, 1)
    for gap, clear in ((0.012, False), (0.03, True)):
        apart = box_scene([Block(at=(-0.04 - gap, 0)), Block(at=(0.04, 0))])
        finding = found(apart, "touch", 1, 2)
        assert (finding.holds, finding.clear) == (False, clear)
        assert finding.value == pytest.approx(gap)


def test_boxes_may_overlap_where_surfaces_do_not_touch() -> None:
    """A handle's box: the boxes meet, but the picture shows a gap or nothing, so nothing is said."""
    scene = box_scene([Block(size=(0.3, 0.2, 0.3), hollow=True), Block(size=(0.02, 0.02, 0.02), base=0.9)])
    finding = found(scene, "touch", 1, 2)
    assert finding.value == 0
    assert not finding.holds
    assert not finding.clear


@pytest.mark.parametrize(
    ("x", "holds", "clear"), [(0.5, True, True), (0.36, True, False), (0.3, False, False), (0.1, False, True)]
)
def test_far_from(x: float, holds: bool, clear: bool) -> None:
    scene = view([Block(at=(0, 0)), Block(at=(x, 0))])
    finding = found(scene, "far-from", 1, 2)
    assert (finding.holds, finding.clear, finding.value) == (holds, clear, pytest.approx(x - 0.08))
    assert finding == found(scene, "far-from", 2, 1)


def test_corners_are_named_as_the_viewer_sees_them() -> None:
    objects = [Block(at=(x, y)) for x in (-0.5, 0.5) for y in (-0.32, 0.32)]
    camera = look_at((0, -1.3, 1.9), size=(80, 60))
    scene = view(objects, camera=camera)
    for item, label in zip(scene.objects, ("near left", "far left", "near right", "far right"), strict=True):
        finding = found(scene, "corner", item.id, "table")
        assert (finding.holds, finding.clear, finding.label) == (True, True, label)
        assert not found(scene, "edge", item.id, "table").holds
    other_side = view(objects, camera=look_at((0, 1.3, 1.9), size=(80, 60)))
    assert found(other_side, "corner", 1, "table").label == "far right"
    at_the_end = view(objects, camera=look_at((1.5, 0, 1.9), size=(80, 60)))
    assert found(at_the_end, "corner", 1, "table").label == "far left"


def test_edges_are_named_as_the_viewer_sees_them() -> None:
    objects = [Block(at=place) for place in ((-0.5, 0.0), (0.5, 0.05), (0.1, -0.32), (-0.1, 0.32), (0.0, 0.0))]
    scene = view(objects, camera=look_at((0, -1.3, 1.9), size=(80, 60)))
    for object_id, label in zip((1, 2, 3, 4), ("left", "right", "near", "far"), strict=True):
        finding = found(scene, "edge", object_id, "table")
        assert (finding.holds, finding.clear, finding.label) == (True, True, label)
    middle = found(scene, "edge", 5, "table")
    assert not middle.holds
    assert middle.clear
    assert not found(scene, "corner", 5, "table").holds


def test_edges_of_a_round_table_are_named_as_the_viewer_sees_them() -> None:
    for heading in range(0, 360, 15):
        turn = math.radians(heading)
        right, forward = np.array((math.cos(turn), math.sin(turn))), np.array((-math.sin(turn), math.cos(turn)))
        places = [0.42 * way for way in (-right, right, -forward, forward)]
        surfaces = [replace(table(), polygon=disc(0.5, 40))]
        camera = look_at((*(-1.3 * forward), 1.9), size=(80, 60))
        scene = view([Block(at=tuple(place)) for place in places], surfaces=surfaces, camera=camera)
        for object_id, label in zip((1, 2, 3, 4), ("left", "right", "near", "far"), strict=True):
            finding = found(scene, "edge", object_id, "table")
            assert (finding.holds, finding.clear, finding.label) == (True, True, label), heading


def disc(radius: float, sides: int) -> np.ndarray:
    angles = np.linspace(0, 2 * math.pi, sides, endpoint=False)
    return radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)


def test_corners_need_a_plain_view() -> None:
    corner_block = [Block(at=(-0.5, 0.32), supported_by="table")]
    oblique = view(corner_block, camera=look_at((-1.0, -1.0, 1.9), size=(80, 60)))
    assert found(oblique, "corner", 1, "table").holds
    assert not found(oblique, "corner", 1, "table").clear
    close_up = view(corner_block, camera=look_at((0.2, -0.4, 1.3), (0.2, 0, 0.75), size=(80, 60)))
    assert not found(close_up, "corner", 1, "table").clear, "the corner is out of the image"
    round_table = view([Block(at=(-0.31, 0.31))], surfaces=[replace(table(), polygon=disc(0.5, 32))])
    assert not found(round_table, "corner", 1, "table").clear
    not_on_it = view([replace(corner_block[0], base=1.0, supported_by="shelf")])
    assert not found(not_on_it, "corner", 1, "table").clear


def test_standing_is_seen_from_the_box_where_nothing_is_recorded() -> None:
    camera = look_at((0, -1.3, 1.9), size=(80, 60))
    for base, clear in ((TABLE_HEIGHT + 0.01, True), (TABLE_HEIGHT + 0.1, False)):
        block = Block(at=(-0.5, 0.32), base=base, supported_by=None)  # type: ignore[arg-type]
        assert found(view([block], camera=camera), "corner", 1, "table").clear is clear


def test_free_space_is_a_relation_too() -> None:
    scene = view([Block()])
    finding = found(scene, "free-space", "table", Beside(1, "left"))
    assert finding.holds
    assert finding.clear
    assert finding.value == pytest.approx(math.pi / 4 * 0.2**2, rel=0.2)
    blocked = view([Block(), Block(at=(-0.2, 0), size=(0.3, 0.4, 0.1))])
    assert found(blocked, "free-space", "table", Beside(1, "left")) == Finding(False, 0.0, 0.004, False, "m^2")


def test_surfaces_of_any_shape() -> None:
    turned = replace(table(), polygon=rectangle(1.2, 0.8, yaw=20))
    scene = view([Block(at=(0, 0))], surfaces=[turned])
    assert found(scene, "edge", 1, "table").clear
