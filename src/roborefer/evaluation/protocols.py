"""Four ways to score the same answers.

| protocol    | reads                                         | unreadable      | mask         | on the edge      |
|-------------|-----------------------------------------------|-----------------|--------------|------------------|
| `strict`    | what answers, by the one parser of this house | wrong           | as published | 1.0 is inside    |
| `published` | every tuple, also in thoughts                 | may be left out | above 0      | 1.0 is outside   |
| `lmms-eval` | every pair, scaled by width and height        | wrong           | value / 255  | 1.0 is outside   |
| `easi`      | JSON, else every tuple; the scale is guessed  | wrong           | above 0      | clamped, rounded |

A number without its protocol says little: the same answers score 5-15 points apart. Each is a rule of its own,
written down from what those harnesses do; where one of them would stop with an error of its own, that answer is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from roborefer.evaluation.protocol_easi import easi
from roborefer.evaluation.protocol_published import PublishedReader, published, tuples

ProtocolName = Literal["strict", "published", "lmms-eval", "easi"]
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
DEFAULT_PROTOCOL: ProtocolName = "strict"

Rule = Callable[[str | None, NDArray[Any]], float | None]
"""From a reply (None where the request failed) and the numbers of a mask (H, W) to 0-1, or None: left out."""


def lmms_eval(text: str | None, mask: NDArray[Any]) -> float | None:
    """lmms-eval's ``refspatial_acc``.

    Every pair of numbers in parentheses, thoughts included, is multiplied by the mask's width and height, whole
    numbers too, and cut to whole pixels. The mask is divided by 255 and rounded. What lies outside counts as a miss.

    Args:
        text: The reply; None where the request failed, which is wrong.
        mask: (H, W), the numbers of the mask's file (its first channel).
    """
    height, width = mask.shape
    try:
        pairs = [numbers for numbers in tuples(text or "") if len(numbers) == 2]
        points = [(int(x / 1 * width), int(y / 1 * height)) for x, y in pairs]
    except (ValueError, OverflowError):  # a number too long to convert
        return 0.0
    if not points:
        return 0.0
    found = sum(int(np.round(mask[y, x] / 255.0)) for x, y in points if 0 <= x < width and 0 <= y < height)
    return found / len(points)


def rules(reader: PublishedReader = "tuples") -> Mapping[ProtocolName, Rule]:
    """The protocols of other harnesses, by name; ``strict`` needs more than a text and is in ``scoring``.

    Args:
        reader: Which of the published scorer's readers is that of the model's family.
    """
    return MappingProxyType(
        {
            "published": lambda text, mask: published(text, mask, reader),
            "lmms-eval": lmms_eval,
            "easi": easi,
        }
    )
