"""Questions laid out for a person to judge: picture, depth, the steps one by one, the answer and its mask.

:func:`html_page` and :func:`picture` show the same entries; the page needs no other file, and follows the reader's
light or dark setting.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.refspatial.charts import bar_chart, column_chart
from roborefer.refspatial.statistics import in_bins, without_gaps
from roborefer.refspatial.wording import question_proper
from roborefer.structures import Point, Prediction, Step
from roborefer.viz.depth import colorize_depth
from roborefer.viz.panel import Panel
from roborefer.viz.pictures import draw_prediction
from roborefer.viz.text import PAPER, Row, legend
from roborefer.viz.words import describe_step

# As draw_prediction draws answers and steps.
_ANSWER, _STEP = (255, 64, 128), (92, 225, 255)
_MASK_COLOR = (64, 220, 140)
_MASK_SHARE = 0.4
_SOFT = (150, 158, 170)
_CELL_WIDTH, _COLUMNS, _GAP, _TEXT_SIZE = 960, 3, 24, 15


@dataclass(frozen=True, eq=False)
class SheetEntry:
    """One question with everything that is shown of it.

    Attributes:
        name: Of its record.
        kind: Of question.
        text: The question.
        answer: Its answer's text.
        images: As the question shows them; two where it is about two views.
        depth_m: (H, W) float32 of the first image, None where there is none.
        steps: The reasoning, in order; its points are in the first image.
        points: Of the answer; they are in the last image, as is the mask.
        mask: (H, W) bool within which a point is right, None where no point is asked for.
        relations: That the question uses.
        step_count: How many steps it counts as.
    """

    name: str
    kind: str
    text: str
    answer: str
    images: tuple[Image.Image, ...]
    depth_m: NDArray[np.float32] | None = None
    steps: tuple[Step, ...] = ()
    points: tuple[Point, ...] = ()
    mask: NDArray[np.bool_] | None = None
    relations: tuple[str, ...] = ()
    step_count: int = 1


def picture(entries: Sequence[SheetEntry]) -> Image.Image:
    """All entries in one picture: each with its question, its marks, mask and depth, its steps and its answer.

    Entries go one after the other into the column that is shortest so far.
    """
    cells = [_cell(entry) for entry in entries]
    places: list[tuple[int, int]] = []
    bottoms = [_GAP] * min(_COLUMNS, len(cells))
    for cell in cells:
        column = bottoms.index(min(bottoms))
        places.append((_GAP + column * (_CELL_WIDTH + _GAP), bottoms[column]))
        bottoms[column] += cell.height + _GAP
    sheet = Image.new("RGB", (_GAP + len(bottoms) * (_CELL_WIDTH + _GAP), max(bottoms)), PAPER)
    for cell, place in zip(cells, places, strict=True):
        sheet.paste(cell, place)
    return sheet


def html_page(title: str, entries: Sequence[SheetEntry], statistics: Mapping[str, Any]) -> str:
    """A page that stands alone: the statistics as charts, then every entry with its stages.

    Args:
        title: The headline, such as the folder's name.
        entries: What to show.
        statistics: As ``statistics.Statistics.to_json`` gives it.
    """
    counts = {name: int(statistics[name]) for name in ("scenes", "images", "records", "questions")}
    totals = " · ".join(f"{count:,} {name if count != 1 else name[:-1]}" for name, count in counts.items() if count)
    cards = "\n".join(_card(number, entry) for number, entry in enumerate(entries, start=1))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1><p>{totals}</p></header>\n"
        f'<section class="charts">\n{_charts(statistics)}\n</section>\n'
        f'<section class="cards">\n{cards}\n</section>\n</body>\n</html>\n'
    )


def stages(entry: SheetEntry) -> list[tuple[str, Image.Image]]:
    """What is shown of an entry, in order, with captions: picture, depth, each step, the answer with its mask."""
    views = enumerate(entry.images, start=1)
    shown = [("picture" if len(entry.images) == 1 else f"view {number}", image) for number, image in views]
    if entry.depth_m is not None:
        shown.append(("depth", colorize_depth(entry.depth_m)))
    image = entry.images[0]
    for number, step in enumerate(entry.steps, start=1):
        steps = Prediction((), image.size, "", steps=entry.steps[:number])
        shown.append((f"{number}. {describe_step(step)}", _marked(image, steps)))
    if entry.points or entry.mask is not None:
        shown.append(("answer", _answered(entry)))
    return shown


def overlay_mask(image: Image.Image, mask: NDArray[np.bool_] | None) -> Image.Image:
    """The image with the mask tinted green and its outline drawn; without a mask the image as it is."""
    if mask is None:
        return image
    pixels = np.asarray(image.convert("RGB")).astype(np.float64)
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    share = np.where(mask, _MASK_SHARE, 0.0)
    share[mask & ~inner] = 1.0
    blended = pixels * (1 - share[..., None]) + np.array(_MASK_COLOR) * share[..., None]
    return Image.fromarray(blended.round().astype(np.uint8))


def _cell(entry: SheetEntry) -> Image.Image:
    """The question above its pictures (with depth, or both views), and below them the steps and the answer."""
    panels = [_answered(entry)]
    if len(entry.images) > 1:
        first = entry.images[0]
        panels = [_marked(first, Prediction((), first.size, "", steps=entry.steps)), *panels]
    elif entry.depth_m is not None:
        panels.append(colorize_depth(entry.depth_m))
    panels = [_fitted(panel, _CELL_WIDTH // 2) for panel in panels]
    rows = [Row(describe_step(step), disc=_STEP, number=str(n)) for n, step in enumerate(entry.steps, start=1)]
    rows += [Row(entry.answer, disc=_ANSWER), Row("  ·  ".join((*_about(entry), entry.name)), ink=_SOFT)]
    above = legend([Row(question_proper(entry.text))], _CELL_WIDTH, _TEXT_SIZE + 3)
    below = legend(rows, _CELL_WIDTH, _TEXT_SIZE)
    height = max(panel.height for panel in panels)
    cell = Image.new("RGB", (_CELL_WIDTH, above.height + height + below.height), PAPER)
    cell.paste(above, (0, 0))
    for index, panel in enumerate(panels):
        cell.paste(panel, (index * _CELL_WIDTH // 2, above.height))
    cell.paste(below, (0, above.height + height))
    return cell


def _answered(entry: SheetEntry) -> Image.Image:
    """The last image with the mask and the answer; with the steps too, where it is the image that they speak of."""
    image = overlay_mask(entry.images[-1], entry.mask)
    steps = entry.steps if len(entry.images) == 1 else ()
    return _marked(image, Prediction(entry.points, image.size, "", steps=steps))


def _fitted(image: Image.Image, width: int) -> Image.Image:
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def _about(entry: SheetEntry) -> tuple[str, ...]:
    steps = f"{entry.step_count} step{'s' * (entry.step_count != 1)}"
    return (entry.kind.replace("_", " "), steps, *entry.relations)


def _marked(image: Image.Image, prediction: Prediction) -> Image.Image:
    """The picture with the prediction's marks and no legend: the page says in text what the legend would."""
    return draw_prediction(image, prediction).crop((0, 0, *Panel(image).size))


def _card(number: int, entry: SheetEntry) -> str:
    chips_html = "".join(
        f'<span class="chip{" kind" * (index == 0)}">{escape(chip)}</span>' for index, chip in enumerate(_about(entry))
    )
    figures = "".join(
        f'<figure><img alt="{escape(caption, quote=True)}" src="{_data_uri(image)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, image in stages(entry)
    )
    return (
        f'<article><p class="about"><b>{number}</b>{chips_html}<span class="name">{escape(entry.name)}</span></p>'
        f'<h2>{escape(question_proper(entry.text))}</h2><div class="strip">{figures}</div>'
        f'<p class="answer">{escape(entry.answer)}</p></article>'
    )


def _data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _charts(statistics: Mapping[str, Any]) -> str:
    charts = [
        bar_chart("Questions by relation", statistics["relations"]),
        bar_chart("Questions by kind", statistics["kinds"]),
        column_chart("Questions by steps", without_gaps(statistics["steps"]), "steps"),
        column_chart("Questions by relations used", without_gaps(statistics["relations_per_question"]), "relations"),
        column_chart("Questions by words", in_bins(statistics["words_per_question"]), "words"),
        column_chart("Scenes by objects", without_gaps(statistics["objects_per_scene"]), "objects"),
        bar_chart("Objects by category", statistics["categories"], most=36),
        bar_chart("Objects by colour", statistics["colors"]),
    ]
    return "\n".join(chart for chart in charts if chart)


_STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1c1f24; --soft: #667080; --line: #dfe3e8;
  --bar: #3b6fb6; --accent: #b5245a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1d2025; --ink: #e9ebee; --soft: #98a2b0;
  --line: #31363d; --bar: #6f9fe0; --accent: #ff6f9f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1680px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 24px; } header p { margin: 2px 0 20px; color: var(--soft); }
.charts { columns: 3 440px; column-gap: 16px; }
.chart { break-inside: avoid; }
.chart, article { margin: 0 0 16px; padding: 14px 16px; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.chart figcaption { margin-bottom: 8px; font-weight: 600; }
.chart svg { display: block; max-width: 100%; height: auto; font-size: 12px; }
.chart text { fill: currentColor; dominant-baseline: central; }
.chart .number { fill: var(--soft); font-variant-numeric: tabular-nums; }
.chart rect { fill: var(--bar); } .chart .axis { stroke: var(--line); }
.cards { display: grid; gap: 16px; margin-top: 16px; }
.about { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 0; font-size: 13px; }
.about b { min-width: 1.6em; color: var(--soft); }
.chip { padding: 1px 8px; border: 1px solid var(--line); border-radius: 10px; }
.chip.kind { color: var(--card); background: var(--bar); border-color: var(--bar); }
.name { margin-left: auto; color: var(--soft); font-family: ui-monospace, monospace; }
h2 { margin: 8px 0 10px; font-size: 17px; font-weight: 600; white-space: pre-line; overflow-wrap: anywhere; }
.strip { display: flex; flex-wrap: wrap; gap: 10px; }
.strip figure { margin: 0; width: calc(25% - 8px); min-width: 260px; }
.strip img { display: block; width: 100%; border-radius: 4px; }
.strip figcaption { margin-top: 3px; font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
.answer { margin: 10px 0 0; font-family: ui-monospace, monospace; font-weight: 600; color: var(--accent);
  overflow-wrap: anywhere; }
"""
