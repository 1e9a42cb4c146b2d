"""A stand-in for the simulator and the questions: boxes on a table, asked about in fixed words. Fast, and seeded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from roborefer.answers import write_answer
from roborefer.refspatial.generation import GenerationSettings
from roborefer.refspatial.held_out import scene_generators
from roborefer.refspatial.questions import Mark, Question, QuestionKind
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.writer import AskedScene, view_name
from roborefer.structures import Box, Point, Step

from .handmade import Block, box_scene, look_at

COLORS = ("red", "green", "blue", "yellow", "white", "black")


def made_up_scene(settings: GenerationSettings, index: int) -> AskedScene:
    """Three boxes, seen by one or two cameras, with three questions a view and one about two."""
    seed, choices, _ = scene_generators(settings.seed, index, "training")
    size = settings.image_sizes[index % len(settings.image_sizes)]
    places = choices.uniform(-0.06, 0.06, (3, 2))
    blocks = [
        Block(category, (x + shift, y), color=COLORS[int(choices.integers(6))])
        for category, shift, (x, y) in zip(("mug", "book", "apple"), (-0.3, 0.0, 0.3), places, strict=True)
    ]
    count = int(choices.integers(settings.views[0], min(settings.views[1], 2) + 1))
    cameras = [look_at(size=size), look_at((0.4, -1.0, 1.5), size=size)]
    views = tuple(
        replace(box_scene(blocks, camera=camera), name=view_name(index, view), seed=seed)
        for view, camera in enumerate(cameras[:count])
    )
    pairs = ((0, 1, (_rotation(views),)),) if count == 2 else ()
    return AskedScene(index, views, tuple(_questions(scene) for scene in views), pairs)


def made_up_question(kind: QuestionKind, text: str, answer: str, **fields: Any) -> Question:
    """A question whose other fields may be left out."""
    plain: dict[str, Any] = {
        "phrase": "",
        "steps": (),
        "key_steps": (),
        "points": (),
        "target": None,
        "region": None,
        "relations": (),
        "step_count": 1,
        "template": f"{kind}-1",
    }
    return Question(kind, text, answer, **{**plain, **fields})


def _questions(scene: Scene) -> tuple[Question, ...]:
    height, width = scene.ids.shape
    rows, columns = np.nonzero(scene.mask(1))
    mug = Point((columns.mean() + 0.5) / width, (rows.mean() + 0.5) / height)
    free = Point(0.2, 0.6)
    return (
        made_up_question(
            "location",
            "Point to the mug.",
            write_answer([mug]),
            phrase="the mug",
            points=(mug,),
            target=1,
            region=scene.mask(1),
            relations=("left",),
        ),
        made_up_question(
            "placement",
            "Point to free space left of the book.",
            write_answer([free]),
            phrase="the free space left of the book",
            steps=(
                Step("Position", "the book", Point(0.5, 0.5)),
                Step("Orientation", "the book's front", (0.0, 0.6, 0.8)),
                Step("Size", "the book", 0.12),
            ),
            key_steps=(0,),
            points=(free,),
            region=scene.surface_ids == 1,
            relations=("free space", "left"),
            step_count=2,
        ),
        made_up_question(
            "quantity", "How far apart are they?", "0.30 m", facts={"distance": 0.3, "unit": "m"}, step_count=1
        ),
        made_up_question(
            "visual_choice",
            "Which point is closer to the camera? (A) A is closer (B) B is closer",
            "(A) A is closer",
            relations=("close",),
            marks=(
                Mark(mug, "red", "A", 1),
                Mark(Point(0.8, 0.1), "red", "B", 3),
                Mark(Box(0.4, 0.4, 0.6, 0.6), "blue", None, 2),
            ),
        ),
    )


def _rotation(views: tuple[Scene, ...]) -> Question:
    return made_up_question(
        "multi_view",
        "How did the camera likely rotate when shooting the video? (A) rotated left (B) rotated right",
        "(A) rotated left",
        relations=("horizontal rotation",),
        views=tuple(scene.name for scene in views),
    )
