"""A folder of made-up scenes with every kind of question that a pointing model is taught, drawn without a renderer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from roborefer.answers import write_answer
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.questions import Mark, Question
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.writer import AskedScene, view_name
from roborefer.structures import Point, Step
from roborefer.training.pointing.taught_view import TaughtView
from roborefer.training.pointing.views import ViewFolder

from ...refspatial.asked_scenes import made_up_question  # noqa: TID252 - shared scenes
from ...refspatial.handmade import Block, box_scene, look_at  # noqa: TID252 - shared scenes

SETTINGS = GenerationSettings(2, 5, ((80, 64),), views=(1, 2), scenes_per_shard=1)
REQUEST = "Think first."
THINGS = (("mug", "red"), ("book", "blue"), ("apple", "green"))


def write_folder(folder: Path) -> Path:
    """Two scenes, the second one seen by two cameras."""
    generate(folder, SETTINGS, make_scene=asked_scene)
    return folder


def asked_scene(settings: GenerationSettings, index: int) -> AskedScene:
    blocks = [
        Block(category, (0.3 * place - 0.3 + 0.05 * index, 0.02 * place), size=(0.2, 0.2, 0.2), color=color)
        for place, (category, color) in enumerate(THINGS)
    ]
    size = settings.image_sizes[0]
    cameras = [look_at(size=size), look_at((0.4, -1.0, 1.5), size=size)][: index + 1]
    views = tuple(
        replace(box_scene(blocks, camera=camera), name=view_name(index, view), seed=1)
        for view, camera in enumerate(cameras)
    )
    pairs = ((0, 1, (_about_two(views),)),) if index else ()
    return AskedScene(index, views, tuple(_questions(scene) for scene in views), pairs)


def view_folder(folder: Path, *, questions: int = 20, reasoning: float = 0.0, seed: int = 0) -> ViewFolder:
    return ViewFolder([folder], questions=questions, reasoning=reasoning, reasoning_request=REQUEST, seed=seed)


def taught_views(folder: Path, *, reasoning: float = 0.0) -> list[TaughtView]:
    views = view_folder(folder, reasoning=reasoning)
    return [views.view(number, 0) for number in range(len(views))]


def inside(mask: np.ndarray) -> Point:
    """The middle one of a mask's pixels, with the three digits of a text."""
    rows, columns = np.nonzero(mask)
    middle = len(rows) // 2
    height, width = mask.shape
    return Point(round((columns[middle] + 0.5) / width, 3), round((rows[middle] + 0.5) / height, 3))


def _questions(scene: Scene) -> tuple[Question, ...]:
    mug, book, apple = (inside(scene.mask(number)) for number in (1, 2, 3))
    table = scene.surface_ids == 1
    free = inside(table)
    return (
        _location("Point to the red mug.", mug, scene, 1, phrase="the red mug"),
        _location("Point to the blue book.", book, scene, 2),
        _location(
            "Point to the apple right of the mug.",
            apple,
            scene,
            3,
            Step("Position", "the mug", mug),
            Step("Orientation", "the mug's handle", (0.6, 0.0, -0.8)),
            Step("Position", "the apple", apple),
        ),
        made_up_question(
            "placement",
            "Point to free space left of the book.",
            write_answer([free]),
            steps=(Step("Position", "the book", book), Step("Size", "the book", 0.12)),
            points=(free,),
            region=table,
        ),
        made_up_question("absent", "Point to the yellow duck.", "[]"),
        made_up_question("choice", "Is the mug (A) red or (B) blue?", "(A) red"),
        made_up_question("fact", "What color is the mug?", "The mug is red."),
        made_up_question("quantity", "How far apart are the mug and the book?", "0.30 m"),
        made_up_question(
            "visual_choice",
            "Which point is closer? (A) A (B) B",
            "(A) A",
            marks=(Mark(mug, "red", "A", 1), Mark(apple, "red", "B", 3)),
        ),
    )


def _location(text: str, point: Point, scene: Scene, target: int, *steps: Step, phrase: str = "") -> Question:
    return made_up_question(
        "location",
        text,
        write_answer([point]),
        phrase=phrase,
        steps=steps,
        points=(point,),
        target=target,
        region=scene.mask(target),
    )


def _about_two(views: tuple[Scene, ...]) -> Question:
    names = tuple(scene.name for scene in views)
    return made_up_question("multi_view", "How did the camera move?", "to the right", views=names)
