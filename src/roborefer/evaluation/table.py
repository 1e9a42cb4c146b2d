"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import is_pointing
from roborefer.evaluation.statistics import PairedComparison
from roborefer.evaluation.summary import Group, Summary

_MOST_RELATIONS = 40


def results_table(results: RunResults) -> str:
    """All numbers of a run, as text of several lines."""
    summary = results.summary
    pointing = {item.sample.task for item in results.scored if is_pointing(item.sample)}
    rows = [_HEAD, *_rows(summary, pointing)]
    parts = [_align(_without_empty_columns(rows)), _protocol_table(summary)]
    if summary.steps:
        parts.append(_step_table(summary))
    if summary.relations:
        parts.append(_name_table("relation", list(summary.relations.items())[:_MOST_RELATIONS]))
    if summary.scenes:
        parts.append(_name_table("scene", list(summary.scenes.items())))
    return "\n\n".join(part for part in parts if part)


def comparison_table(names: tuple[str, str], rows: Sequence[tuple[str, PairedComparison]]) -> str:
    """Two runs side by side, by task.

    Args:
        names: Of the first and the second run.
        rows: (task, comparison).
    """
    head = ["", "n", names[0], names[1], "difference [95 %]", "p", "better", "worse"]
    body = [
        [
            task,
            str(pair.samples),
            _percent(pair.first),
            _percent(pair.second),
            f"{100 * pair.difference:+.1f} [{100 * pair.interval[0]:+.1f}, {100 * pair.interval[1]:+.1f}]",
            f"{pair.p_value:.3f}" if pair.p_value >= 0.001 else "<0.001",
            str(pair.better),
            str(pair.worse),
        ]
        for task, pair in rows
    ]
    return _align([head, *body])


_HEAD = ["task", "n", "score [95 %]", "first point", "read", "px off", "mm off", "key steps", "failed"]


def _rows(summary: Summary, pointing: Collection[str]) -> list[list[str]]:
    rows = [_row(name, group, pointing=name in pointing) for name, group in summary.tasks.items()]
    if len(rows) > 1:
        rows.append(_row("all", summary.all, pointing=bool(pointing)))
    return rows


def _row(name: str, group: Group, *, pointing: bool) -> list[str]:
    return [
        name,
        str(group.samples),
        f"{_percent(group.score)} [{_percent(group.interval[0])}, {_percent(group.interval[1])}]",
        _percent(group.hit) if pointing else "",
        _percent(group.parsed),
        _distance(group.median_px, group.missed_px, 1),
        _distance(group.median_mm, group.missed_mm, 0),
        f"{_percent(group.right_key_steps / group.key_steps)} of {group.key_steps}" if group.key_steps else "",
        str(group.failed) if group.failed else "",
    ]


def _protocol_table(summary: Summary) -> str:
    names = list(summary.all.protocols)
    if not names:
        return ""
    groups = list(summary.tasks.items())
    if len(groups) > 1:
        groups.append(("all", summary.all))
    rows = [["protocol", *(name for name, _ in groups)]]
    for name in names:
        cells = []
        for _, group in groups:
            left_out, value = group.left_out.get(name, 0), group.protocols.get(name)
            shown = "-" if value is None else _percent(value)
            cells.append(f"{shown} ({left_out} left out)" if left_out else shown)
        rows.append([f"{name} (above)" if name == summary.protocol else name, *cells])
    return _align(rows)


def _step_table(summary: Summary) -> str:
    tasks = list(summary.tasks_steps)
    head = ["steps", *tasks]
    rows = []
    for step in summary.steps:
        groups = [summary.tasks_steps[task].get(step) for task in tasks]
        cells = ["" if group is None else f"{_percent(group.score)} of {group.samples}" for group in groups]
        rows.append([str(step), *cells])
    return _align([head, *rows])


def _name_table(title: str, groups: Sequence[tuple[str, Group]]) -> str:
    rows = [[title, "n", "score [95 %]"]]
    for name, group in groups:
        low, high = group.interval
        rows.append([name, str(group.samples), f"{_percent(group.score)} [{_percent(low)}, {_percent(high)}]"])
    return _align(rows)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _distance(median: float | None, missed: float | None, decimals: int) -> str:
    if median is None:
        return ""
    return f"{median:.{decimals}f}" + ("" if missed is None else f" ({missed:.{decimals}f} of misses)")


def _without_empty_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    kept = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    return [[row[column] for column in kept] for row in rows]


def _align(rows: Sequence[Sequence[str]]) -> str:
    """Columns beside each other, the first to the left and the others to the right, a line under the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])
