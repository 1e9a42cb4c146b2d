"""RoboRefer: spatial referring for robots.

>>> import roborefer
>>> model = roborefer.load()                                                        # doctest: +SKIP
>>> model.point("desk.jpg", "the cup behind the plate", depth="desk.png").points    # doctest: +SKIP

Importing this module imports nothing heavy; each name is loaded when it is first used.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from roborefer.errors import CheckpointError, InputError, RoboReferError
    from roborefer.geometry.cameras import intrinsics_from_fov, read_intrinsics
    from roborefer.geometry.depth import Depth, DepthMap, read_depth
    from roborefer.images import read_image
    from roborefer.loading import load
    from roborefer.models.encoded_image import EncodedImage
    from roborefer.predictor import Predictor
    from roborefer.structures import Anchor, Box, Intrinsics, Point, Prediction, Step

_HOMES = {
    "Anchor": "structures",
    "Box": "structures",
    "CheckpointError": "errors",
    "Depth": "geometry.depth",
    "DepthMap": "geometry.depth",
    "EncodedImage": "models.encoded_image",
    "InputError": "errors",
    "Intrinsics": "structures",
    "Point": "structures",
    "Prediction": "structures",
    "Predictor": "predictor",
    "RoboReferError": "errors",
    "Step": "structures",
    "intrinsics_from_fov": "geometry.cameras",
    "load": "loading",
    "read_depth": "geometry.depth",
    "read_image": "images",
    "read_intrinsics": "geometry.cameras",
}

__all__ = [
    "Anchor",
    "Box",
    "CheckpointError",
    "Depth",
    "DepthMap",
    "EncodedImage",
    "InputError",
    "Intrinsics",
    "Point",
    "Prediction",
    "Predictor",
    "RoboReferError",
    "Step",
    "__version__",
    "intrinsics_from_fov",
    "load",
    "point",
    "read_depth",
    "read_image",
    "read_intrinsics",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'roborefer' has no attribute {name!r}")
    with _collector_paused():
        value = getattr(import_module(f"roborefer.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Large libraries make a million objects that all stay: to look for garbage among them takes a quarter of their
    import."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)


def point(image: Any, instruction: str, depth: Any = None, intrinsics: Any = None, **options: Any) -> Prediction:
    """Point with the packaged model, loaded on the first call; see :meth:`roborefer.predictor.Predictor.point`."""
    from roborefer.loading import packaged_predictor

    return packaged_predictor().point(image, instruction, depth=depth, intrinsics=intrinsics, **options)
