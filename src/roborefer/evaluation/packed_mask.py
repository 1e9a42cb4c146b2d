"""Masks that were read to be checked, kept small until they are scored, so that none is decoded twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roborefer.evaluation.samples import Mask

MAX_PIXELS = 2**20
"""Larger masks are read again: a thousand of these are 128 MiB."""


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A mask of two values, one bit a pixel.

    Attributes:
        bits: (ceil(H * W / 8),) uint8, of pixels row by row.
        shape: (H, W).
        value: The number of a pixel that is inside; outside it is 0.
    """

    bits: NDArray[np.uint8]
    shape: tuple[int, int]
    value: int

    def unpacked(self) -> Mask:
        """The mask as it was."""
        height, width = self.shape
        flat = np.unpackbits(self.bits, count=height * width)
        inside = flat.reshape(self.shape).view(np.bool_)
        return Mask(flat.reshape(self.shape) * np.uint8(self.value), inside, inside)


def pack_mask(mask: Mask) -> PackedMask | None:
    """The mask with one bit a pixel; None where it has more than two values, or is large."""
    values, inside = mask.values, mask.inside
    if values.size > MAX_PIXELS or values.dtype != np.uint8 or mask.weights.dtype != np.bool_:
        return None
    value = int(values.max())
    if not np.array_equal(values, inside * np.uint8(value)):
        return None
    return PackedMask(np.packbits(inside), (values.shape[0], values.shape[1]), value)
