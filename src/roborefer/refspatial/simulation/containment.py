"""Letting things down into bowls, boxes and pen holders, until they lie, settle or lean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.simulation.collision import Body, body_of, clearance, inside_polygon
from roborefer.refspatial.simulation.mesh import Placement, SimulatedObject
from roborefer.refspatial.simulation.poses import about_x, about_z, long_side_up, moved_with_pose, outline_in_world

Float = NDArray[np.float64]

CONTACT_GAP = 1e-4
"""What is left between things that touch, metres: less would be lost in float32."""

_SETTLING_MOVES = 8
_TILTING_STEPS = 7
_MOST_TILTED = 0.8  # radians


@dataclass(frozen=True, eq=False)
class Lowered:
    """A thing at rest in a container.

    Attributes:
        body: Its mesh in the world.
        pose: (4, 4) world_from_object.
        support: Index of what it rests on, among the bodies that were given.
    """

    body: Body
    pose: Float
    support: int


def lower_into(
    generator: np.random.Generator, item: SimulatedObject, holder: Placement, bodies: Sequence[Body]
) -> Lowered | None:
    """One try to put a thing into a container.

    Long thin things that cannot lie in a deep one stand in it and lean on its rim. Everything else is let down upright
    and then moves sideways as long as it sinks.

    Args:
        generator: Source of all randomness.
        item: What.
        holder: The container; it has a cavity and stands upright.
        bodies: The container's mesh, then those of what is in it.

    Returns:
        None if it falls past the container, would stick out by more than half of what it could sink in, or would tip
        over the rim.
    """
    cavity = holder.object.cavity
    if cavity is None:
        return None
    outline = outline_in_world(holder.world_from_object, cavity.polygon)
    floor = float(holder.world_from_object[2, 3] + cavity.floor)
    body = body_of(item)
    size = np.ptp(body.vertices, axis=0)
    if stands_in(size, float(np.ptp(outline, axis=0).max()), cavity.depth):
        lowered = _leaning(generator, body, outline, floor, bodies)
    else:
        lowered = _settling(generator, body, outline, floor, bodies)
    if lowered is None:
        return None
    sunk = floor + cavity.depth - lowered.body.prism.bottom
    if sunk < 0.5 * min(cavity.depth, lowered.body.prism.top - lowered.body.prism.bottom):
        return None
    if inside_polygon(lowered.body.center_of_mass[:2], bodies[0].prism.polygon) < 0.003:
        return None
    return lowered


def stands_in(size: Sequence[float] | Float, opening: float, depth: float) -> bool:
    """Whether a thing of these extents stands in a cavity: long, thin, too long to lie, and held by its depth."""
    _, middle, longest = np.sort(np.asarray(size, np.float64))
    return bool(longest > 4 * middle and longest > 0.95 * opening and 1.1 * depth < longest < 2.4 * depth)


def _settling(
    generator: np.random.Generator, body: Body, outline: Float, floor: float, bodies: Sequence[Body]
) -> Lowered | None:
    """Lets a thing down, then down along slopes, as far as short moves towards the middle make it sink."""
    center = outline.mean(axis=0)
    pose = np.eye(4)
    pose[:3, :3] = about_z(float(generator.uniform(-np.pi, np.pi)))
    turned = body.posed(pose)
    reach = np.maximum((np.ptp(outline, axis=0) - np.ptp(turned.vertices[:, :2], axis=0)) / 2, 0.004)
    place = center + generator.uniform(-0.8, 0.8, 2) * reach - turned.prism.center
    turned, pose = moved_with_pose(turned, pose, (place[0], place[1], floor + 1.0 - turned.prism.bottom))
    fall, support = _fall(turned, bodies)
    if not np.isfinite(fall):
        return None
    step = 0.012
    for _ in range(_SETTLING_MOVES):
        way = center - turned.prism.center
        length = float(np.linalg.norm(way))
        # On the floor itself there is nowhere to sink to.
        if step < 0.0015 or length < step or turned.prism.bottom - fall < floor + 0.0005:
            break
        aside = np.append(way / length * step, 0.0)
        further, on = _fall(turned.moved(aside), bodies)
        if np.isfinite(further) and further > fall + 1e-5:
            turned, pose = moved_with_pose(turned, pose, aside)
            fall, support = further, on
        else:
            step /= 2
    turned, pose = moved_with_pose(turned, pose, (0.0, 0.0, CONTACT_GAP - fall))
    return Lowered(turned, pose, support)


def _leaning(
    generator: np.random.Generator, body: Body, outline: Float, floor: float, bodies: Sequence[Body]
) -> Lowered | None:
    """Stands a thing on the floor at one side of a cavity, tilted until it meets the rim or a thing opposite."""
    size = np.ptp(body.vertices, axis=0)
    heading = float(generator.uniform(-np.pi, np.pi))
    forwards = np.array((np.cos(heading), np.sin(heading)))
    spread = outline @ forwards
    inwards = float(np.ptp(spread)) / 2 - float(np.sort(size)[1]) / 2 - 0.002
    foot = outline.mean(axis=0) - forwards * max(0.0, inwards)
    spin = about_z(float(generator.uniform(-np.pi, np.pi))) @ long_side_up(size)
    end_up = about_x(np.pi) if generator.random() < 0.5 else np.eye(3)
    best: Lowered | None = None
    low, high = 0.0, _MOST_TILTED
    for _ in range(_TILTING_STEPS):
        tilt = (low + high) / 2
        pose = np.eye(4)
        pose[:3, :3] = about_z(heading) @ _about_y(tilt) @ end_up @ spin
        tilted = body.posed(pose)
        lowest = tilted.vertices[tilted.vertices[:, 2] <= tilted.prism.bottom + 0.003]
        offset = np.append(foot - lowest[:, :2].mean(axis=0), floor + 1.0 - tilted.prism.bottom)
        tilted, pose = moved_with_pose(tilted, pose, offset)
        fall, support = _fall(tilted, bodies)
        if np.isfinite(fall) and tilted.prism.bottom - fall < floor + 0.001:
            # It still reaches the floor, so it does not lean yet.
            resting, pose = moved_with_pose(tilted, pose, (0.0, 0.0, CONTACT_GAP - fall))
            best = Lowered(resting, pose, support)
            low = tilt
        else:
            high = tilt
    return best


def _fall(body: Body, others: Sequence[Body]) -> tuple[float, int]:
    """How far a body can fall until it meets one of the others, and which."""
    falls = [clearance(body, other) for other in others]
    nearest = int(np.argmin(falls))
    return falls[nearest], nearest


def _about_y(angle: float) -> Float:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], np.float64)
