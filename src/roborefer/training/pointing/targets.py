"""What the point head is taught: regions as shares of the cells of its grid.

Pure functions over numpy arrays. A cell's share is the part of it that belongs to the region, so that the
probability of a hit is the heatmap's product with the shares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def region_cells(mask: NDArray[np.bool_], side: int) -> NDArray[np.float32]:
    """Shares and centres of a region on a grid of ``side`` x ``side`` cells over the whole picture.

    Args:
        mask: (H, W) bool.
        side: Cells along each side.

    Returns:
        (3, side*side): the share of each cell that lies in the region, and the mean x and y (0-1 within the cell) of
        the region's pixels in it; 0.5 where there are none.
    """
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    x, y = (columns + 0.5) * side / width, (rows + 0.5) * side / height
    column, row = x.astype(np.int64), y.astype(np.int64)
    cell = row * side + column
    count = np.bincount(cell, minlength=side * side)
    cells = np.full((3, side * side), 0.5, np.float32)
    cells[0] = np.minimum(count * (side * side / (height * width)), 1.0)
    seen = count > 0
    cells[1, seen] = np.bincount(cell, x - column, side * side)[seen] / count[seen]
    cells[2, seen] = np.bincount(cell, y - row, side * side)[seen] / count[seen]
    return cells


def target_distribution(
    cells: NDArray[np.float32], center: tuple[float, float] | None, side: int
) -> NDArray[np.float32]:
    """What the heatmap should look like, summing to 1.

    Args:
        cells: Of :func:`region_cells`.
        center: The answer's point (0-1) for an object: cells near it weigh more, the rim less. None for a place,
            where every cell that lies wholly in the region is as good as any other.
        side: Cells along each side.
    """
    weight = cells[0] ** 2
    if center is not None:
        index = np.arange(side * side)
        distance = np.hypot((index % side + cells[1]) / side - center[0], (index // side + cells[2]) / side - center[1])
        spread = max(0.5 / side, 0.35 * float(np.sqrt(cells[0].sum()) / side))
        weight = weight * np.exp(-0.5 * (distance / spread) ** 2)
    total = float(weight.sum())
    if total <= 1e-12:
        weight = cells[0]
        total = max(float(weight.sum()), 1e-12)
    distribution: NDArray[np.float32] = (weight / total).astype(np.float32)
    return distribution
