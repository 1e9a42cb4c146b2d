"""Things let down into containers lie, settle or lean, and touch what holds them."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from roborefer.refspatial.simulation.collision import body_of, penetration
from roborefer.refspatial.simulation.containment import lower_into, stands_in
from roborefer.refspatial.simulation.mesh import Cavity, Placement, SimulatedObject

from .brute_force import fall_height, thing, world_mesh

PROFILES = {
    "bowl": ([[0, 0], [0.03, 0], [0.08, 0.06], [0.075, 0.06], [0.028, 0.006], [0, 0.006]], 0.028, 0.054),
    "pen holder": ([[0, 0], [0.04, 0], [0.04, 0.1], [0.037, 0.1], [0.037, 0.004], [0, 0.004]], 0.037, 0.096),
}


def holder(name: str) -> Placement:
    profile, radius, depth = PROFILES[name]
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    outline = radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    mesh = trimesh.creation.revolve(np.array(profile, np.float64), sections=48)
    floor = profile[-1][1]
    item = thing(mesh, name, cavity=Cavity(floor, outline, depth))
    return Placement(item, trimesh.transformations.translation_matrix((0.3, -0.2, 0.75)), "table")


def lowered(item: SimulatedObject, container: Placement, seed: int) -> Placement | None:
    body = body_of(container.object).posed(container.world_from_object)
    found = lower_into(np.random.default_rng(seed), item, container, [body])
    if found is None:
        return None
    assert found.support == 0
    assert penetration(found.body, body) < 1e-5
    return Placement(item, found.pose, 0, inside=0)


def test_a_ball_settles_in_the_middle_of_a_bowl() -> None:
    ball = thing(trimesh.creation.icosphere(subdivisions=3, radius=0.035), "ball", rolls=True)
    bowl = holder("bowl")
    for seed in range(5):
        placed = lowered(ball, bowl, seed)
        assert placed is not None
        assert np.hypot(*(placed.world_from_object[:2, 3] - (0.3, -0.2))) < 0.012
        assert fall_height(world_mesh(placed), world_mesh(bowl)) == pytest.approx(0, abs=1e-3)


def test_a_pen_leans_on_the_rim() -> None:
    pen = thing(trimesh.creation.cylinder(0.004, 0.15, sections=12), "pen", rolls=True)
    cup = holder("pen holder")
    found = 0
    for seed in range(6):
        placed = lowered(pen, cup, seed)
        if placed is None:
            continue
        found += 1
        mesh = world_mesh(placed)
        assert mesh.bounds[0][2] == pytest.approx(0.754, abs=1.2e-3)  # on the floor ...
        inner = mesh.vertices - (0.3, -0.2, 0.0)
        below_rim = inner[inner[:, 2] < 0.849]
        assert np.hypot(below_rim[:, 0], below_rim[:, 1]).max() < 0.0372
        # ... and a little further tilt would enter the wall: it is within 2 mm of the rim's height opposite.
        axis = placed.world_from_object[:3, 2]
        tilt = np.degrees(np.arccos(abs(axis[2])))
        assert 30 < tilt < 45
    assert found >= 4


def test_what_does_not_fit_is_refused() -> None:
    box = thing(trimesh.creation.box((0.2, 0.2, 0.1)))
    assert lowered(box, holder("pen holder"), 0) is None
    solid = Placement(box, np.eye(4), "table")
    assert lower_into(np.random.default_rng(0), box, solid, [body_of(box)]) is None


@pytest.mark.parametrize(
    ("size", "opening", "depth", "expected"),
    [
        ((0.01, 0.01, 0.15), 0.08, 0.10, True),  # a pen in a pen holder
        ((0.01, 0.01, 0.15), 0.20, 0.02, False),  # lies on a plate
        ((0.01, 0.01, 0.15), 0.08, 0.03, False),  # a shallow cup would not hold it
        ((0.05, 0.05, 0.15), 0.08, 0.10, False),  # a bottle is not slender
    ],
)
def test_what_stands_in_a_cavity(
    size: tuple[float, float, float], opening: float, depth: float, expected: bool
) -> None:
    assert stands_in(size, opening, depth) is expected
