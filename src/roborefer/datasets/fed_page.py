"""What a model is really fed, for people: a page, a picture, and a few lines for the terminal."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.datasets.checks import CheckReport, counted
from roborefer.datasets.fed_sample import FedSample, FedToken
from roborefer.refspatial.charts import bar_chart
from roborefer.viz.text import INK, PAPER, Row, legend

_TILES_WIDTH = 720
_CELL_WIDTH, _TEXT_SIZE, _GAP = 760, 13, 10
_SUPERVISED_INK = (150, 235, 120)
_BAR = "█"
_BAR_WIDTH = 40
_BINS = 10
# Media tokens in a row, with the newline that follows each tile, are told once, with their number.
_REPEATED_MEDIA = re.compile(r"((?:<image>|<depth>)\n?)\1+")


def summary(samples: Sequence[FedSample], lengths: NDArray[np.int64], report: CheckReport) -> list[str]:
    """Lines for a terminal: how long samples are, and how much of them is supervised.

    Args:
        samples: Those that are shown.
        lengths: (N,) tokens of all samples.
        report: Of the scan.
    """
    shown, supervised = sum(sample.length for sample in samples), sum(sample.supervised for sample in samples)
    least, most = int(lengths.min()), int(lengths.max())
    tokens = f"{least:,} to {most:,} tokens a sample, {int(np.median(lengths)):,} in the middle"
    lines = [
        f"{counted(len(lengths), 'sample')} of {report.describe()}",
        f"about {counted(least, 'token')} a sample" if least == most else f"about {tokens}",
        f"{100 * supervised / max(shown, 1):.1f} % of the tokens of {counted(len(samples), 'sample')} are supervised",
    ]
    bins = histogram(lengths)
    width, highest = max(len(name) for name in bins), max(bins.values())
    for name, count in bins.items():
        bar = _BAR * round(_BAR_WIDTH * count / highest)
        lines.append(f"{name:>{width}} tokens {bar} {count:,}")
    return lines


def histogram(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Samples by their number of tokens, in at most ten ranges of a round width: ``{"0-999": 12, ...}``.

    Where the width is 1 a range is one number: ``{"42": 12}``.
    """
    step = _round_step(int(lengths.max()) - int(lengths.min()))
    first = int(lengths.min()) // step
    counts = np.bincount(lengths // step - first)
    return {_range(first + number, step): count for number, count in enumerate(counts.tolist())}


def _range(number: int, step: int) -> str:
    return f"{number:,}" if step == 1 else f"{number * step:,}-{(number + 1) * step - 1:,}"


def picture(samples: Sequence[FedSample]) -> Image.Image:
    """All samples in one picture: tiles, and the text with what is supervised in green, in three columns."""
    cells = [_cell(sample) for sample in samples]
    columns = min(3, len(cells))
    bottoms, places = [_GAP] * columns, []
    for cell in cells:
        column = bottoms.index(min(bottoms))
        places.append((_GAP + column * (_CELL_WIDTH + _GAP), bottoms[column]))
        bottoms[column] += cell.height + _GAP
    sheet = Image.new("RGB", (_GAP + columns * (_CELL_WIDTH + _GAP), max(bottoms)), (12, 14, 18))
    for cell, place in zip(cells, places, strict=True):
        sheet.paste(cell, place)
    return sheet


def html_page(title: str, samples: Sequence[FedSample], lengths: NDArray[np.int64], lines: Sequence[str]) -> str:
    """A page that stands alone: the histogram, then every sample with its tiles, its text and its tokens.

    Args:
        title: The headline.
        samples: What to show.
        lengths: (N,) tokens of all samples.
        lines: Of :func:`summary`.
    """
    told = "".join(f"<p>{escape(line)}</p>" for line in lines[:3])
    cards = "\n".join(_card(sample) for sample in samples)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1>{told}</header>\n"
        f"{bar_chart('Samples by tokens', histogram(lengths))}\n{cards}\n</body>\n</html>\n"
    )


def _card(sample: FedSample) -> str:
    tiles = "".join(
        f'<figure><img alt="{escape(caption, quote=True)}" src="{_data_uri(sheet)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, sheet in sample.tiles
    )
    text = "".join(f"<mark>{_shown(piece)}</mark>" if told else _shown(piece) for piece, told in sample.runs())
    rows = "".join(_table_row(number, token) for number, token in enumerate(sample.tokens))
    return (
        f'<article><h2>{escape(sample.name)}</h2><p class="about">{sample.length:,} tokens in the fused sequence, '
        f'{sample.supervised:,} of them supervised (marked){_of_points(sample)}</p><div class="tiles">{tiles}</div>'
        f'<pre class="text">{text}</pre><details><summary>{len(sample.tokens):,} tokens one by one</summary>'
        "<table><thead><tr><th>#</th><th>piece</th><th>id</th><th>supervised</th><th>rows of the fused sequence</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></details></article>"
    )


def _of_points(sample: FedSample) -> str:
    return f", {sample.by_heatmap:,} of these coordinates that the heatmap learns" if sample.by_heatmap else ""


def _table_row(number: int, token: FedToken) -> str:
    place = f"{token.first:,}" if token.rows == 1 else f"{token.first:,}-{token.first + token.rows - 1:,}"
    if token.medium:
        place += f" ({token.medium} features)"
    if token.cut:
        place += " cut off"
    classes = " ".join(
        name for name, holds in (("supervised", token.supervised), ("media", token.medium), ("cut", token.cut)) if holds
    )
    return (
        f'<tr class="{classes}"><td>{number}</td><td><code>{_visible(token.text)}</code></td><td>{token.token_id}</td>'
        f"<td>{'heatmap' if token.by_heatmap else 'yes' if token.supervised else ''}</td><td>{place}</td></tr>"
    )


def _cell(sample: FedSample) -> Image.Image:
    sheets = [_fitted(sheet, _CELL_WIDTH // max(1, min(2, len(sample.tiles)))) for _, sheet in sample.tiles]
    rows = [Row(sample.name), Row(f"{sample.length:,} tokens, {sample.supervised:,} supervised{_of_points(sample)}")]
    for piece, told in sample.runs():
        ink = _SUPERVISED_INK if told else INK
        rows += [Row(line, ink=ink) for line in _collapsed(piece).splitlines() if line.strip()]
    text = legend(rows, _CELL_WIDTH, _TEXT_SIZE)
    pairs = [sheets[start : start + 2] for start in range(0, len(sheets), 2)]
    heights = [max(sheet.height for sheet in pair) for pair in pairs]
    cell = Image.new("RGB", (_CELL_WIDTH, sum(heights) + text.height), PAPER)
    top = 0
    for pair, height in zip(pairs, heights, strict=True):
        for column, sheet in enumerate(pair):
            cell.paste(sheet, (column * (_CELL_WIDTH // 2), top))
        top += height
    cell.paste(text, (0, top))
    return cell


def _fitted(image: Image.Image, width: int) -> Image.Image:
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS) if image.width > width else image


def _shown(text: str) -> str:
    return escape(_collapsed(text))


def _collapsed(text: str) -> str:
    """The text with repeated media tokens told once: ``<image>\\n`` thirteen times is ``<image>\\n x13``."""

    def counted(match: re.Match[str]) -> str:
        token = match.group(1)
        number = len(match.group(0)) // len(token)
        return f"{token.rstrip()} x{number}{token[len(token.rstrip()) :]}"

    return _REPEATED_MEDIA.sub(counted, text)


def _visible(text: str) -> str:
    """A piece with its white space to be seen."""
    return escape(text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·"))


def _data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    _fitted(image, _TILES_WIDTH).save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _round_step(spread: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that cuts a spread into at most ten ranges, or eleven at odd starts."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if spread // (step * factor) < _BINS:
                return step * factor
        step *= 10


_STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1c1f24; --soft: #667080; --line: #dfe3e8;
  --bar: #3b6fb6; --mark: #c9f0bd; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1d2025; --ink: #e9ebee; --soft: #98a2b0;
  --line: #31363d; --bar: #6f9fe0; --mark: #27532a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1500px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 24px; } header p { margin: 2px 0; color: var(--soft); }
.chart, article { margin: 16px 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.chart figcaption { margin-bottom: 8px; font-weight: 600; }
.chart svg { display: block; max-width: 100%; height: auto; font-size: 12px; }
.chart text { fill: currentColor; dominant-baseline: central; } .chart .number { fill: var(--soft); }
.chart rect { fill: var(--bar); } .chart .axis { stroke: var(--line); }
h2 { margin: 0; font: 600 15px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.about { margin: 2px 0 10px; color: var(--soft); }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; }
.tiles figure { margin: 0; width: calc(50% - 6px); min-width: 320px; }
.tiles img { display: block; max-width: 100%; border-radius: 4px; }
.tiles figcaption { font-size: 12px; color: var(--soft); }
.text { margin: 10px 0; padding: 10px; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--paper);
  border-radius: 6px; font-size: 13px; }
mark, tr.supervised { background: var(--mark); color: inherit; }
tr.cut { opacity: 0.5; text-decoration: line-through; } tr.media code { color: var(--bar); }
summary { cursor: pointer; } table { border-collapse: collapse; margin-top: 8px; font-size: 13px; }
th, td { padding: 2px 10px; text-align: left; border-bottom: 1px solid var(--line); }
td:nth-child(1), td:nth-child(3) { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
"""
