"""What a small model with a point head is taught with: text, heatmaps, offsets and dense labels, in one pass.

The prompt's beginning (both towers' tokens) is computed once per picture; every question continues from it, blind to
the others, as at inference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roborefer.models.point_head import DenseFeatures
from roborefer.models.prompt import IGNORE_INDEX
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.pointing.labels import SIDE, category_count, color_count
from roborefer.training.pointing.shared_prefix import RowGroup, read_prefix, read_questions

# What the heatmap of the first scores weighs next to that of the final ones.
_FIRST_LOOK = 0.3
# What things weigh next to their surroundings, which fill most of a picture.
_THING, _SURROUNDINGS = 1.2, 0.2
# A cell counts as right in the log when this share of it belongs to the region.
_RIGHT_SHARE = 0.3


@dataclass(frozen=True)
class LossWeights:
    """Of the parts of the loss.

    Attributes:
        text: Cross-entropy of answer tokens.
        heatmap: Cross-entropy against the target distribution.
        hit: Negative logarithm of the probability that a point drawn from the heatmap is right.
        offset: Distance inside the cell, in cells.
        dense: Categories and colours per cell, and places in metres.
    """

    text: float = 0.5
    heatmap: float = 0.5
    hit: float = 0.5
    offset: float = 1.0
    dense: float = 0.5


class PointingLoss(nn.Module):
    """A model with a point head, the heads of its dense lessons, and the loss of a batch.

    The heads are left behind when training ends.

    Args:
        model: With a point head.
        weights: Of the parts.

    Raises:
        ValueError: the model has no point head.
    """

    def __init__(self, model: SpatialVLM, weights: LossWeights | None = None) -> None:
        super().__init__()
        size = model.config.point_head_size
        if size is None:
            raise ValueError("expected a model with a point head, got one that writes coordinates as text")
        self.model = model
        self.weights = weights or LossWeights()
        self.lessons = nn.Conv2d(size, category_count() + color_count() + 3, 1)

    def in_bfloat16(self) -> PointingLoss:
        """Casts all but the rotary frequencies, which a checkpoint does not hold: loading computes them in float32."""
        rotary = self.model.llm.model.rotary_emb
        frequencies = rotary.inv_freq.clone()
        self.bfloat16()
        rotary.inv_freq = frequencies
        return self

    def forward(
        self,
        prefix_ids: Tensor,
        pixel_values: Tensor,
        input_ids: Tensor,
        targets: Tensor,
        positions: Tensor,
        groups: Sequence[RowGroup],
        depth_values: Tensor | None = None,
        **labels: Tensor,
    ) -> dict[str, Tensor]:
        """``loss``, and what it is made of by name, each a scalar.

        ``text``, ``heatmap``, ``hit`` and ``offset`` are those of :class:`LossWeights`, ``dense_things`` and
        ``dense_places`` share the weight ``dense``; ``accuracy`` is the share of points whose best cell is right.

        Args:
            prefix_ids: (P,) int64: the prompt up to and with its media tokens.
            pixel_values, depth_values: (B, 3, S, S); None without depth.
            input_ids, targets, positions: (N,) int64: tokens of all questions, what each should be followed by, and
                where it stands in its prompt.
            groups: Which tokens make a question.
            labels: What :class:`PointingCollator` gives besides: ``point_tokens`` (B, Q), where points open among the
                tokens; ``point_known`` (B, Q) bool; ``point_regions`` (B, Q, 3, S*S) and ``point_wanted``
                (B, Q, S*S), see :mod:`targets`; ``category``, ``color``, ``place`` and ``known``, see
                :class:`DenseLabels`.
        """
        model = self.model
        images, depths, dense = model.look(pixel_values, depth_values)
        embed = model.get_input_embeddings()
        # The last one or two ids are the media tokens, in whose place the features stand.
        text = embed(prefix_ids[: -1 if depths is None else -2]).expand(len(images), -1, -1)
        prefix = torch.cat([text, images, *([] if depths is None else [depths])], dim=1)
        memory = read_prefix(model.llm, prefix)
        hidden = read_questions(model.llm, embed(input_ids), positions, groups, memory)
        supervised = targets != IGNORE_INDEX
        logits = model.llm.lm_head(hidden[supervised]).float()
        parts = {"text": F.cross_entropy(logits, targets[supervised])}
        parts |= self._points(hidden, dense, labels)
        parts |= self._lessons(dense, labels)
        return {"loss": self._weighted(parts), **{name: value.detach() for name, value in parts.items()}}

    def _weighted(self, parts: Mapping[str, Tensor]) -> Tensor:
        weights = self.weights
        return (
            weights.text * parts["text"]
            + weights.heatmap * parts["heatmap"]
            + weights.hit * parts["hit"]
            + weights.offset * parts["offset"]
            + weights.dense * parts["dense_things"]
            + weights.dense * parts["dense_places"]
        )

    def _points(self, hidden: Tensor, dense: DenseFeatures, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        head = self.model.point_head
        assert head is not None
        known = labels["point_known"]
        count = known.sum().clamp_min(1)
        states = hidden[labels["point_tokens"]]
        first, scores, query = head.match(states, dense.keys)
        shares, wanted = labels["point_regions"][:, :, 0], labels["point_wanted"]
        log_first = F.log_softmax(first.float(), dim=-1)
        log_final = F.log_softmax(scores.float(), dim=-1)
        hit = (log_final.exp() * shares).sum(dim=-1)
        heatmap = -(wanted * log_final + _FIRST_LOOK * labels["point_first"] * log_first).sum(dim=-1)
        # The offset is taught in the cell that would be chosen among the right ones.
        cell = (log_final.detach() + shares.clamp_min(1e-6).log()).argmax(dim=-1)
        picture = torch.arange(len(known), device=known.device)[:, None].expand_as(cell)
        inside = labels["point_regions"][:, :, 1:].gather(3, cell[:, :, None, None].expand(-1, -1, 2, 1))[..., 0]
        said = head.offsets(query[known], dense.keys[picture[known], cell[known]])
        best = shares.gather(2, scores.argmax(dim=-1, keepdim=True))[..., 0]
        return {
            "heatmap": heatmap[known].sum() / count,
            "hit": -torch.log(hit[known].clamp_min(1e-4)).sum() / count,
            "offset": F.l1_loss(said, inside[known], reduction="sum") / (2 * count),
            "accuracy": (best[known] > _RIGHT_SHARE).sum() / count,
        }

    def _lessons(self, dense: DenseFeatures, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        grid = dense.keys.transpose(1, 2).reshape(len(dense.keys), -1, dense.side, dense.side)
        if dense.side != SIDE:
            grid = F.interpolate(grid, size=SIDE, mode="bilinear")
        said = self.lessons(grid).flatten(2).float()
        categories, colors = category_count(), color_count()
        weight = torch.where(labels["category"] > 0, _THING, _SURROUNDINGS)
        category = F.cross_entropy(said[:, :categories], labels["category"], reduction="none")
        color = F.cross_entropy(said[:, categories : categories + colors], labels["color"], reduction="none")
        place = said[:, categories + colors :].transpose(1, 2)
        error = F.smooth_l1_loss(place, labels["place"], reduction="none", beta=0.1).sum(dim=-1)
        known = labels["known"].float()
        return {
            "dense_things": ((category + color) * weight).sum() / weight.sum(),
            "dense_places": (error * known).sum() / known.sum().clamp_min(1.0),
        }
