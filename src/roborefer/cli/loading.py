"""Loading a model for a command, quickly: importing what it needs takes most of the time that one point takes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roborefer.predictor import Predictor


def load_model(*arguments: Any, **options: Any) -> Predictor:
    """:func:`roborefer.load` in a process of our own.

    Libraries and model stay until the process ends. The collector is told so, which would otherwise go through all of
    their million objects again, at the latest when the process ends: that takes 1.3 s.
    """
    import roborefer

    predictor = roborefer.load(*arguments, **options)
    gc.freeze()
    return predictor
