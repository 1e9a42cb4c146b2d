"""Steps and anchors in words: the same ones under a picture and on a terminal."""

from __future__ import annotations

from roborefer.structures import Anchor, Point, Step


def describe_step(step: Step) -> str:
    """One step in words: ``[Position] the pen holder: 0.139, 0.528``."""
    if isinstance(step.value, Point):
        value = f"{step.value.x:.3f}, {step.value.y:.3f}"
    elif isinstance(step.value, tuple):
        value = "{:+.3f}, {:+.3f}, {:+.3f}".format(*step.value)
    else:
        value = f"{step.value:.3g} m"
    return f"[{step.kind}] {step.target}: {value}"


def describe_anchor(anchor: Anchor) -> str:
    """A 3D anchor in words: ``0.431, -0.021, 1.314 m (sensor)``, or why there is none."""
    if anchor.xyz is None:
        known = "" if anchor.depth_m is None else f"{anchor.depth_m:.3f} m away along z; "
        return f"{known}no 3D: {anchor.reason or 'unknown'}"
    words = "{:.3f}, {:.3f}, {:.3f} m".format(*anchor.xyz) + f" ({anchor.depth_source})"
    if not anchor.valid:
        return f"{words} - do not use: {anchor.reason}"
    return f"{words}; {anchor.reason}" if anchor.reason else words
