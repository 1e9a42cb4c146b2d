"""Points in a text that is being written, read from heatmaps instead of being spelled."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from roborefer.models.compact_tokenizer import ANSWER_OPENING, opening_id
from roborefer.models.point_head import DenseFeatures, Heatmap, PointHead


class PointReader:
    """Continues a text behind every opening ``[(`` with the coordinate that the point head finds.

    Steps end at what is asked for (paper, section 3.3): where a text has steps, the answer's point and the last step's
    are two looks for one place, and the answer's heatmap is the mean of both.

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
        answer = tokenizer(ANSWER_OPENING, add_special_tokens=False)["input_ids"]
        self._before_answer = [*answer, self._opening]
        self._texts: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=len(self._before_answer)))

    def continuation(self, sequence: int, token: int, hidden: Tensor) -> list[int]:
        """Tokens that must follow ``token``, behind which the decoder's state is ``hidden`` (H,); none for most."""
        dense, text = self._dense[sequence], self._texts[sequence]
        text.append(token)
        if token != self._opening or dense is None:
            return []
        read = self.heatmaps[sequence]
        answers_steps = bool(read) and list(text) == self._before_answer
        heatmap = self._head.read(hidden, dense, read[-1] if answers_steps else None)
        read.append(heatmap)
        x, y = heatmap.written
        ids: list[int] = self._tokenizer(f"{x:.3f}, {y:.3f}", add_special_tokens=False)["input_ids"]
        return ids
