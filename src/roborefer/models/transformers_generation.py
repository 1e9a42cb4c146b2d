"""transformers' own generation (sampling, beams, streamers) for SpatialVLM, points read from the point head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from roborefer.models.compact_tokenizer import PointTokens
from roborefer.models.fusion import padded_left
from roborefer.models.point_head import DenseFeatures, Heatmap, PointHead
from roborefer.models.point_supervision import dense_of_points, last_pictures, see_pictures


@torch.no_grad()
def generate(
    model: Any,
    input_ids: Tensor,
    generation_config: GenerationConfig | None,
    *,
    attention_mask: Tensor | None,
    pixel_values: Tensor | None,
    depth_values: Tensor | None,
    block_sizes: dict[str, Any],
    **kwargs: Any,
) -> Any:
    """What ``SpatialVLM.generate`` returns.

    Args:
        model: A ``SpatialVLM``.
        input_ids, generation_config, attention_mask, pixel_values, depth_values, kwargs: Of its ``generate``.
        block_sizes: Its ``image_block_sizes`` and ``depth_block_sizes``.
    """
    writer = None
    if model.point_head is not None and pixel_values is not None and len(pixel_values):
        images, depths, seen = see_pictures(model, pixel_values, depth_values)
        pictures, depth_pictures = (
            last_pictures(input_ids, token) for token in (model.image_token_id, model.depth_token_id)
        )
        rows = torch.tensor([row for row, picture in enumerate(pictures) if picture is not None])
        dense = dense_of_points(model.point_head, seen, pictures, depth_pictures, rows)
        keys = dict(zip(rows.tolist(), dense.keys, strict=True))
        writer = PointWriter(model.point_head, keys, model.point_tokens, prompts=len(input_ids))
    else:
        images = model.features(pixel_values, block_sizes["image_block_sizes"], depth=False)
        depths = model.features(depth_values, block_sizes["depth_block_sizes"], depth=True)
    embeddings, mask = padded_left(model.fuse(input_ids, attention_mask, images, depths))
    model.llm.generation_config = model.generation_config
    if generation_config is not None:
        kwargs["generation_config"] = generation_config
    if writer is None:
        output = model.llm.generate(inputs_embeds=embeddings, attention_mask=mask, **kwargs)
    else:
        kwargs["logits_processor"] = LogitsProcessorList([*(kwargs.pop("logits_processor", None) or []), writer])
        watching = model.llm.model.register_forward_hook(writer.watch)
        try:
            output = model.llm.generate(inputs_embeds=embeddings, attention_mask=mask, **kwargs)
        finally:
            watching.remove()
    written = output if isinstance(output, Tensor) else output.sequences
    sequences = torch.cat([input_ids.repeat_interleave(len(written) // len(input_ids), dim=0), written], dim=1)
    if isinstance(output, Tensor):
        return sequences
    output.sequences = sequences
    return output


class PointWriter(LogitsProcessor):
    """Behind an opening ``[(`` leaves only the tokens of the coordinate that the point head finds.

    Args:
        head: Of the model.
        keys: Dense features (S*S, P) by prompt; a prompt without a picture has none, and spells.
        tokens: Of the tokenizer.
        prompts: How many there are; beams and samples stand in several rows for each.

    Raises:
        ValueError: the tokenizer has no tokens for points.
    """

    def __init__(self, head: PointHead, keys: dict[int, Tensor], tokens: PointTokens | None, *, prompts: int) -> None:
        if tokens is None:
            raise ValueError("expected a tokenizer in which points are tokens, for a model with a point head")
        self._head, self._keys, self._tokens, self._prompts = head, keys, tokens, prompts
        self._hidden: Tensor | None = None
        # By prompt and text up to the opening: beams change places.
        self._found: dict[tuple[int, tuple[int, ...]], Heatmap] = {}

    def watch(self, _module: Any, _inputs: Any, output: Any) -> None:
        """A forward hook of the decoder: keeps the states behind the last tokens."""
        self._hidden = output.last_hidden_state[:, -1]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(R, N) new tokens, (R, V) scores of the next -> the scores with what a point must be."""
        copies = len(scores) // self._prompts
        for row, ids in enumerate(input_ids.tolist()):
            token = self._forced(row, row // copies, ids)
            if token is not None:
                scores[row] = -torch.inf
                scores[row, token] = 0
        return scores

    def _forced(self, row: int, prompt: int, ids: list[int]) -> int | None:
        if prompt not in self._keys or self._tokens.opening not in ids:
            return None
        opened = self._last_opening(ids)
        key = prompt, tuple(ids[: opened + 1])
        if opened == len(ids) - 1 and key not in self._found:
            self._found[key] = self._read(row, prompt, ids)
        written = len(ids) - 1 - opened
        coordinate = () if key not in self._found else self._written(self._found[key])
        return coordinate[written] if written < len(coordinate) else None

    def _last_opening(self, ids: list[int]) -> int:
        return len(ids) - 1 - ids[::-1].index(self._tokens.opening)

    def _read(self, row: int, prompt: int, ids: list[int]) -> Heatmap:
        """The heatmap behind an opening; an answer's is that of the last step too, as in ``PointReader``."""
        assert self._hidden is not None
        before = ids[:-1]
        last_step = None
        answer = list(self._tokens.answer)
        if self._tokens.opening in before and before[len(before) - len(answer) :] == answer:
            last_step = self._found.get((prompt, tuple(before[: self._last_opening(before) + 1])))
        dense = DenseFeatures(self._keys[prompt][None], self._head.side)
        return self._head.read(self._hidden[row], dense, last_step)

    def _written(self, heatmap: Heatmap) -> tuple[int, ...]:
        x, y = (round(value * (len(self._tokens.coordinates) - 1)) for value in heatmap.written)
        return (self._tokens.coordinates[x], *self._tokens.between, self._tokens.coordinates[y])
