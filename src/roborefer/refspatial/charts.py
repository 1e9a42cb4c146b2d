"""Bar charts as inline SVG; their colours come from the page, so that light and dark both work."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_ROW, _BAR, _LABELS, _WIDTH, _NUMBERS = 20, 12, 150, 460, 64
_COLUMN_HEIGHT, _COLUMN_WIDTH, _LEAST_COLUMN = 120, 460, 6
_LETTER = 6.4  # mean width of a letter at the labels' 12 px


def bar_chart(title: str, counts: Mapping[str, int], most: int = 40) -> str:
    """Lying bars, one a name, in the order given; beyond ``most`` the rest is a line of text.

    The number stands at the bar's end and the share in the tooltip. Without counts there is no chart: "".
    """
    if not counts:
        return ""
    rows = list(counts.items())
    rest = rows[most:]
    total, longest = sum(counts.values()), max(counts.values())
    room = _WIDTH - _LABELS - _NUMBERS
    parts = []
    for index, (name, count) in enumerate(rows[:most]):
        top, length = index * _ROW, room * count / longest if longest else 0.0
        middle = top + _ROW / 2
        shown = name if len(name) * _LETTER < _LABELS - 8 else name[: int((_LABELS - 8) / _LETTER) - 1] + "…"
        parts.append(
            f"<g><title>{escape(name)}: {count:,} ({_share(count, total)})</title>"
            f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{escape(shown)}</text>'
            f'<rect x="{_LABELS}" y="{top + (_ROW - _BAR) / 2}" width="{length:.1f}" height="{_BAR}" rx="2"/>'
            f'<text class="number" x="{_LABELS + length + 6:.1f}" y="{middle}">{count:,}</text></g>'
        )
    if rest:
        # Without a bar: together they would be the longest and dwarf what is told.
        others = f"and {len(rest)} others, {sum(count for _, count in rest):,} together"
        parts.append(f'<text class="number" x="{_LABELS}" y="{(most + 0.5) * _ROW}">{others}</text>')
    rows = rows[: most + 1]
    return _figure(title, parts, _WIDTH, len(rows) * _ROW)


def column_chart(title: str, counts: Mapping[str, int], unit: str = "") -> str:
    """Standing bars, one a name, in the order given: for numbers and ranges, where the order says something.

    Without counts there is no chart: "".
    """
    if not counts:
        return ""
    names = list(counts)
    total, highest = sum(counts.values()), max(counts.values())
    pitch = max(_LEAST_COLUMN, min(56.0, _COLUMN_WIDTH / len(names)))
    every = max(1, round(max(len(name) for name in names) * _LETTER // pitch + 1))
    parts = [f'<line class="axis" x1="0" x2="{pitch * len(names):.1f}" y1="{_COLUMN_HEIGHT}" y2="{_COLUMN_HEIGHT}"/>']
    for index, name in enumerate(names):
        count = counts[name]
        height = (_COLUMN_HEIGHT - 18) * count / highest if highest else 0.0
        middle = (index + 0.5) * pitch
        number = ""
        if pitch > 30:
            number = (
                f'<text class="number" x="{middle:.1f}" y="{_COLUMN_HEIGHT - height - 9:.1f}" text-anchor="middle">'
            )
            number += f"{count:,}</text>"
        label = ""
        if index % every == 0:
            label = f'<text x="{middle:.1f}" y="{_COLUMN_HEIGHT + 13}" text-anchor="middle">{escape(name)}</text>'
        parts.append(
            f"<g><title>{escape(name)} {escape(unit)}: {count:,} ({_share(count, total)})</title>"
            f'<rect x="{index * pitch + 0.1 * pitch:.1f}" y="{_COLUMN_HEIGHT - height:.1f}" width="{0.8 * pitch:.1f}" '
            f'height="{height:.1f}" rx="2"/>{number}{label}</g>'
        )
    return _figure(title, parts, max(120.0, pitch * len(names)), _COLUMN_HEIGHT + 24)


def _figure(title: str, parts: list[str], width: float, height: float) -> str:
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg></figure>'
    )


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "0 %"
