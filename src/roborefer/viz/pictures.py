"""Whole pictures: a prediction with its steps and legend, boxes, contact sheets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.depth import DepthMap, check_aligned
from roborefer.structures import Box, Point, Prediction
from roborefer.viz.depth import colorize_depth, depth_range, ramp_key
from roborefer.viz.heatmap import overlay_heatmap
from roborefer.viz.panel import Panel, Place
from roborefer.viz.text import INK, PAPER, WARNING_INK, Color, Row, legend
from roborefer.viz.words import describe_anchor, describe_step

_ANSWER: Color = (255, 64, 128)
_STEP: Color = (92, 225, 255)
_BOX_COLORS: tuple[Color, ...] = ((92, 225, 255), (255, 196, 87), (150, 235, 120), (255, 128, 190), (190, 160, 255))

# An orientation whose part across the view is shorter than this points along the line of sight.
_LINE_OF_SIGHT = 0.15


def draw_prediction(
    image: Image.Image,
    prediction: Prediction,
    *,
    depth: DepthMap | None = None,
    instruction: str | None = None,
    heatmap: bool = False,
) -> Image.Image:
    """Draws the answer points, the steps that led there, and a legend that says both in words.

    A 640x480 image becomes a picture 640 wide (1280 with ``depth``, which is shown beside it) and as high as the
    image and its legend; images below 480 pixels are enlarged first.

    Args:
        image: The original image, upright.
        prediction: What was said about it.
        depth: The depth that was used, of the image's size; shown in colour, nearest brightest.
        instruction: What was asked; the legend's headline.
        heatmap: Show beside it where the model looked, with the rival points, if the prediction says so.

    Raises:
        InputError: ``depth`` has another size than the image.
    """
    panel = Panel(image)
    _draw_marks(panel, prediction)
    panels = [panel.finish()]
    if depth is not None:
        check_aligned(depth, image.size)
        panels.append(_depth_panel(depth, prediction.points))
    if heatmap and prediction.heatmap is not None:
        panels.append(_heatmap_panel(image, prediction.heatmap, prediction))
    width = max(sum(part.width for part in panels), round(32 * panel.text_size))
    strip = legend(list(_legend_rows(prediction, instruction)), width, panel.text_size)
    sheet = Image.new("RGB", (width, panels[0].height + strip.height), PAPER)
    for index, part in enumerate(panels):
        sheet.paste(part, (index * panels[0].width, 0))
    sheet.paste(strip, (0, panels[0].height))
    return sheet


def draw_boxes(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Draws boxes with their labels; each takes the next of five colours."""
    panel = Panel(image)
    colors = [_BOX_COLORS[index % len(_BOX_COLORS)] for index in range(len(boxes))]
    for box, color in zip(boxes, colors, strict=True):
        corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1), (box.x0, box.y0))
        panel.line([panel.place(Point(*corner)) for corner in corners], color, 2)
    for box, color in zip(boxes, colors, strict=True):
        if box.label:
            panel.label(panel.place(Point(box.x0, box.y0)), box.label, color, clearance=2)
    return panel.finish()


def contact_sheet(images: Sequence[Image.Image], captions: Sequence[str], columns: int = 4) -> Image.Image:
    """Lays pictures out in rows of ``columns`` cells as large as the largest of them, each above its caption.

    Raises:
        InputError: No image, not one caption for each, or no column.
    """
    if not images or len(images) != len(captions) or columns < 1:
        raise InputError(
            "expected at least one image, one caption for each and at least one column, "
            f"got {len(images)} images, {len(captions)} captions and {columns} columns"
        )
    cell = (max(240, *(image.width for image in images)), max(image.height for image in images))
    text_size = max(12.0, cell[0] / 32)
    gap = round(text_size / 2)
    strips = [legend([Row(caption)], cell[0], text_size) for caption in captions]
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    pitch = (cell[0] + gap, cell[1] + max(strip.height for strip in strips) + gap)
    sheet = Image.new("RGB", (gap + columns * pitch[0], gap + rows * pitch[1]), PAPER)
    for index, (image, strip) in enumerate(zip(images, strips, strict=True)):
        left, top = gap + index % columns * pitch[0], gap + index // columns * pitch[1]
        # Centred across, and set down onto its caption.
        sheet.paste(image.convert("RGB"), (left + (cell[0] - image.width) // 2, top + cell[1] - image.height))
        sheet.paste(strip, (left, top + cell[1]))
    return sheet


def _draw_marks(panel: Panel, prediction: Prediction) -> None:
    """Marks first and labels last, so that no label is drawn over and each finds its place among all marks."""
    stops = [panel.place(step.value) for step in prediction.steps if isinstance(step.value, Point)]
    stops += [panel.place(point) for point in prediction.points[:1]]
    for start, end in pairwise(stops):
        panel.line([start, end], INK, 1.2)
    labels: list[tuple[Place, str, Color, float]] = []
    for number, step in enumerate(prediction.steps, start=1):
        place = _step_place(panel, prediction, number)
        if isinstance(step.value, Point):
            panel.dot(place, 9, _STEP, str(number))
            labels.append((place, step.target, _STEP, 10))
        elif isinstance(step.value, tuple):
            tip, text = _draw_direction(panel, place, step.value)
            labels.append((tip, f"{number}{text}", _STEP, 5 if tip != place else 16))
        else:
            labels.append((place, f"{number}: {step.value:.3g} m", _STEP, 10))
    labels += _draw_answers(panel, prediction.points)
    for place, text, color, clearance in labels:
        panel.label(place, text, color, clearance)


def _draw_answers(panel: Panel, points: Sequence[Point]) -> list[tuple[Place, str, Color, float]]:
    """A ring with cross hairs at each point, open in the middle; returns the labels that are still to be set."""
    labels: list[tuple[Place, str, Color, float]] = []
    for number, point in enumerate(points, start=1):
        x, y = panel.place(point)
        for across, down in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            hair = [(x + across * reach * panel.unit, y + down * reach * panel.unit) for reach in (5, 18)]
            panel.line(hair, INK, 2.2)
        panel.ring((x, y), 11, INK, 5.4)
        panel.ring((x, y), 11, _ANSWER, 2.8, rim=False)
        panel.dot((x, y), 1.8, _ANSWER)
        text = point.label or (str(number) if len(points) > 1 else "")
        if text:
            labels.append(((x, y), text, _ANSWER, 18))
    return labels


def _step_place(panel: Panel, prediction: Prediction, number: int) -> Place:
    """Where a step is shown: its own point, or the last position named before it, or the answer, or the middle."""
    for step in reversed(prediction.steps[:number]):
        if isinstance(step.value, Point):
            return panel.place(step.value)
    return panel.place(prediction.points[0] if prediction.points else Point(0.5, 0.5))


def _draw_direction(panel: Panel, place: Place, direction: tuple[float, float, float]) -> tuple[Place, str]:
    """A unit vector of the camera frame as the camera sees it: depth shortens the arrow.

    Returns where its label goes and what it says besides the number.
    """
    across, down, forward = direction
    length = math.hypot(across, down)
    if length < _LINE_OF_SIGHT:
        panel.ring(place, 14, _STEP, 2)
        return place, ": away" if forward > 0 else ": towards the viewer"
    across, down = across / length, down / length
    reach = (16 + 44 * min(length, 1.0)) * panel.unit
    tip = (place[0] + across * reach, place[1] + down * reach)
    barb = 8 * panel.unit
    barbs = [(tip[0] - barb * (across - side * down), tip[1] - barb * (down + side * across)) for side in (0.6, -0.6)]
    panel.line([place, tip], _STEP, 2.6)
    panel.line([barbs[0], tip, barbs[1]], _STEP, 2.6)
    panel.keep_clear(tip, 8)
    return tip, ""


def _depth_panel(depth: DepthMap, points: Sequence[Point]) -> Image.Image:
    """The depth in colour with the answer points and the key; depth without a unit as the picture that it is."""
    if depth.metres is None:
        panel = Panel(Image.fromarray(depth.tower_picture()))
        _draw_answers(panel, points)
        return panel.finish()
    panel = Panel(colorize_depth(depth.metres))
    _draw_answers(panel, points)
    finished = panel.finish()
    key = ramp_key(*depth_range(depth.metres), panel.text_size)
    if key.width < finished.width and 2 * key.height < finished.height:
        finished.paste(key, (0, finished.height - key.height))
    return finished


def _heatmap_panel(image: Image.Image, heatmap: NDArray[np.float32], prediction: Prediction) -> Image.Image:
    """Where the model looked, with its confidence in the answer and in each rival."""
    panel = Panel(overlay_heatmap(image, heatmap))
    for rival in prediction.rivals:
        panel.ring(panel.place(rival), 9, _STEP, 2)
    _draw_answers(panel, prediction.points)
    for point, color in (*((point, _ANSWER) for point in prediction.points), *((r, _STEP) for r in prediction.rivals)):
        if point.score is not None:
            panel.label(panel.place(point), f"{point.score:.0%}", color, 14)
    return panel.finish()


def _legend_rows(prediction: Prediction, instruction: str | None) -> Iterator[Row]:
    if instruction:
        yield Row(instruction)
    for index, point in enumerate(prediction.points):
        u, v = point.pixel(prediction.image_size)
        text = f"{point.x:.3f}, {point.y:.3f}  ·  pixel {u:.1f}, {v:.1f}"
        if prediction.anchors:
            text += f"  ·  {describe_anchor(prediction.anchors[index])}"
        yield Row(text, disc=_ANSWER, number=str(index + 1) if len(prediction.points) > 1 else "")
    for number, step in enumerate(prediction.steps, start=1):
        yield Row(describe_step(step), disc=_STEP, number=str(number))
    warnings = [] if prediction.points else ["no point was found"]
    for warning in (*warnings, *([prediction.problem] if prediction.problem else []), *prediction.notes):
        yield Row(warning, ink=WARNING_INK)
