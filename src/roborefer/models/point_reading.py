"""Points in a text that is being written, read from heatmaps instead of being spelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from roborefer.models.compact_tokenizer import opening_id
from roborefer.models.point_head import DenseFeatures, Heatmap, PointHead


class PointReader:
    """Continues a text behind every opening ``[(`` with the coordinate that the point head finds.

    Args:
        head: Of the model.
        dense: What it looks in, by sequence.
        tokenizer: In which an opening is one token.

    Attributes:
        heatmaps: By sequence, one per point in the order of the text.

    Raises:
        CheckpointError: an opening is no token of the tokenizer.
    """

    def __init__(self, head: PointHead, dense: Sequence[DenseFeatures | None], tokenizer: Any) -> None:
        self._head, self._dense, self._tokenizer = head, dense, tokenizer
        self._opening = opening_id(tokenizer)
        self.heatmaps: dict[int, list[Heatmap]] = defaultdict(list)

    def continuation(self, sequence: int, token: int, hidden: Tensor) -> list[int]:
        """Tokens that must follow ``token``, behind which the decoder's state is ``hidden`` (H,); none for most."""
        dense = self._dense[sequence]
        if token != self._opening or dense is None:
            return []
        heatmap = self._head.read(hidden, dense)
        self.heatmaps[sequence].append(heatmap)
        x, y = heatmap.written
        ids: list[int] = self._tokenizer(f"{x:.3f}, {y:.3f}", add_special_tokens=False)["input_ids"]
        return ids
