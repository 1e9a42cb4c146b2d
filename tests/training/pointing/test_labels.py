"""Dense labels: category, colour and place of the middle of each cell, against a loop and against known geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roborefer.refspatial.simulation.objects.catalog import CATEGORIES
from roborefer.refspatial.simulation.objects.colors import COLORS
from roborefer.refspatial.writer import scene_content
from roborefer.training.pointing.labels import SIDE, category_count, color_count, dense_labels

from ...refspatial.handmade import TABLE_HEIGHT, Block, box_scene, look_at  # noqa: TID252 - shared scenes

POSITION = (0.4, -1.0, 1.5)


@pytest.fixture(scope="module")
def scene() -> Any:
    blocks = [Block("mug", (-0.2, 0.0), color="red"), Block("gadget", (0.0, 0.1), color=None)]
    blocks += [Block("book", (0.25, 0.0), color="blue", base=TABLE_HEIGHT)]
    return box_scene(blocks, camera=look_at(POSITION, size=(160, 96)))


def labels_of(scene: Any, depth: np.ndarray | None = None) -> Any:
    masks = {item.id: scene.mask(item.id) for item in scene.objects}
    return dense_labels(scene_content(0, [scene])["views"][0], masks, scene.depth_m if depth is None else depth)


def test_things_are_those_of_the_middle_of_each_cell(scene: Any) -> None:
    labels = labels_of(scene)
    categories, colors = sorted(CATEGORIES), sorted(COLORS)
    assert (category_count(), color_count()) == (len(categories) + 1, len(colors) + 1)
    names = {0: (None, None), **{item.id: (item.category, item.color) for item in scene.objects}}
    seen = set()
    for row in range(SIDE):
        for column in range(SIDE):
            here = scene.ids[int((row + 0.5) / SIDE * 96), int((column + 0.5) / SIDE * 160)]
            category, color = names[int(here)]
            cell = row * SIDE + column
            assert labels.category[cell] == (1 + categories.index(category) if category in categories else 0)
            assert labels.color[cell] == (1 + colors.index(color) if color in colors else 0)
            seen.add(int(here))
    assert seen == {0, 1, 2, 3}
    assert (labels.category.dtype, labels.color.dtype) == (np.int64, np.int64)


def test_places_are_the_viewers_right_away_and_up(scene: Any) -> None:
    """The camera's rays again, but with the viewer's axes from where the camera is and where it looks."""
    labels = labels_of(scene)
    k = scene.camera.intrinsics
    away = np.array((-POSITION[0], -POSITION[1], 0.0)) / np.hypot(*POSITION[:2])
    right = np.array((away[1], -away[0], 0.0))
    known = 0
    for row in range(SIDE):
        for column in range(SIDE):
            v, u = int((row + 0.5) / SIDE * 96), int((column + 0.5) / SIDE * 160)
            depth = scene.depth_m[v, u]
            cell = row * SIDE + column
            assert labels.known[cell] == (depth > 0)
            if depth > 0:
                known += 1
                ray = np.array(((u + 0.5 - k.cx) / k.fx, (v + 0.5 - k.cy) / k.fy, 1.0)) * depth
                from_camera = scene.camera.world_from_camera[:3, :3] @ ray
                expected = (from_camera @ right, from_camera @ away, from_camera[2])
                assert labels.place[cell] == pytest.approx(expected, abs=1e-4)
    assert known > 300
    assert labels.place.dtype == np.float32


def test_the_table_lies_where_it_stands(scene: Any) -> None:
    labels = labels_of(scene)
    flat = (scene.surface_ids == 1)[np.ix_(_middles(96), _middles(160))].ravel()
    assert flat.sum() > 100
    np.testing.assert_allclose(labels.place[flat, 2], TABLE_HEIGHT - POSITION[2], atol=1e-3)


def test_unknown_depth_has_no_place(scene: Any) -> None:
    depth = scene.depth_m.copy()
    depth[:48] = 0
    labels = labels_of(scene, depth)
    known = labels.known.reshape(SIDE, SIDE)
    assert not known[: SIDE // 2].any()
    assert known[SIDE // 2 :].any()
    assert not labels.place.reshape(SIDE, SIDE, 3)[: SIDE // 2].any()


def _middles(length: int) -> np.ndarray:
    return ((np.arange(SIDE) + 0.5) / SIDE * length).astype(int)
