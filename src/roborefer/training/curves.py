"""Curves of a run as a picture: loss and validation loss, and below them the learning rate."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from roborefer.refspatial.atomic_files import write_whole

_SMOOTHED_OVER = 20  # entries: a running mean shows the trend through single batches


def draw_curves(
    entries: Sequence[Mapping[str, float]], path: Path, loss_label: str = "loss per supervised token"
) -> None:
    """Draws what a run logged.

    Args:
        entries: Each with ``step``, and ``loss`` and ``learning_rate``, or ``validation_loss``.
        path: A PNG.
        loss_label: What stands at the upper axis.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    steps, losses = _series(entries, "loss")
    figure = Figure(figsize=(9, 6), dpi=110)
    figure.subplots_adjust(left=0.11, right=0.98, top=0.97, bottom=0.09, hspace=0.08)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot(steps, losses, color="#9db7d5", linewidth=0.8, label="loss")
    if len(losses) > _SMOOTHED_OVER:
        upper.plot(steps, _smoothed(losses), color="#1f5fa8", linewidth=1.6, label=f"mean of {_SMOOTHED_OVER}")
    validated, validation = _series(entries, "validation_loss")
    if validated:
        upper.plot(validated, validation, color="#c4502e", marker="o", markersize=3, label="validation loss")
    upper.set_ylabel(loss_label)
    upper.grid(alpha=0.3)
    upper.legend()
    lower.plot(*_series(entries, "learning_rate"), color="#4a4a4a", linewidth=1.2)
    lower.set_ylabel("learning rate")
    lower.set_xlabel("step")
    lower.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(path, buffer.getvalue())


def _series(entries: Sequence[Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    """Steps and values of the entries that have a name."""
    found = [(entry["step"], entry[name]) for entry in entries if name in entry]
    return [step for step, _ in found], [value for _, value in found]


def _smoothed(values: Sequence[float]) -> list[float]:
    """Each value's mean with those before it, ``_SMOOTHED_OVER`` at most."""
    windows = (values[max(0, end - _SMOOTHED_OVER) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]
