"""PointHead: a coordinate read from a heatmap over dense RGB and depth features.

Wherever the model's text has a point, the decoder's hidden state behind the opening ``[(`` is matched against every
cell of a dense feature map (stems at stride 8, towers at stride 16). The best cell and an offset inside it give the
coordinate; the text is then written from it in the published format. A small model learns to point this way in a
tenth of the time that it takes to learn coordinates as words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roborefer.models.config import ModelConfig
from roborefer.models.heatmap_hills import find_hills
from roborefer.structures import Point

_HEADS = 4  # of attention


@dataclass(frozen=True, eq=False)
class DenseFeatures:
    """What a point is looked for in.

    Attributes:
        keys: (B, S*S, P), one row per cell in raster order.
        side: S.
    """

    keys: Tensor
    side: int


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where one point may be.

    Attributes:
        probabilities: (S, S) float32, summing to 1; the share of each cell of the whole picture.
        points: The one that is written, then its rivals, the most likely first. The ``score`` of each is the
            probability that lies in its hill, see :mod:`roborefer.models.heatmap_hills`.
    """

    probabilities: Tensor
    points: tuple[Point, ...]

    @property
    def written(self) -> tuple[float, float]:
        """The first point's x and y with the three digits that the text has."""
        return round(self.points[0].x, 3), round(self.points[0].y, 3)


class LookAgain(nn.Module):
    """One more look: queries attend to all cells, in four heads, and think about what they saw.

    Args:
        size: Channels of queries and cells.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm, self.mlp_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.to_query, self.to_memory = nn.Linear(size, size), nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size))

    def forward(self, query: Tensor, cells: Tensor) -> Tensor:
        """(N, Q, P) queries over (N, C, P) cells -> (N, Q, P)."""
        asked, key, value = (
            tensor.unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for tensor in (self.to_query(self.norm(query)), *self.to_memory(cells).chunk(2, dim=-1))
        )
        weights = torch.softmax(asked @ key.transpose(2, 3) * asked.shape[-1] ** -0.5, dim=-1)
        query = query + self.out((weights @ value).transpose(1, 2).flatten(2))
        thought: Tensor = query + self.mlp(self.mlp_norm(query))
        return thought


class PointHead(nn.Module):
    """Dense features of both towers, and the match of a hidden state against them.

    Args:
        config: With ``vision_stem`` and ``point_head_size``.

    Attributes:
        side: Cells along each side of the heatmap.

    Raises:
        ValueError: the configuration is that of a model without a point head.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        stem, size, hidden = config.vision_stem, config.point_head_size, config.text_config.hidden_size
        if stem is None or size is None:
            raise ValueError("expected a configuration with vision_stem and point_head_size, got one without")
        self.side = config.tile_size // 2 ** len(stem)
        self.from_vision_stem = nn.Conv2d(stem[-1], size, 1)
        self.from_vision = nn.Linear(config.vision_config.hidden_size, size)
        self.from_depth_stem, self.from_depth = None, None
        if config.depth_config is not None and config.depth_stem is not None:
            self.from_depth_stem = nn.Conv2d(config.depth_stem[-1], size, 1)
            self.from_depth = nn.Linear(config.depth_config.hidden_size, size)
        self.position = nn.Parameter(torch.zeros(1, size, self.side, self.side))
        self.mix = nn.Conv2d(size, size, 3, padding=1)
        self.key = nn.Conv2d(size, size, 1)
        self.query = nn.Sequential(
            nn.LayerNorm(hidden), nn.Linear(hidden, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )
        self.second_query = nn.Sequential(nn.Linear(2 * size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.layers = nn.ModuleList(LookAgain(size) for _ in range(config.point_head_layers))
        self.offset = nn.Sequential(nn.Linear(2 * size, size), nn.GELU(), nn.Linear(size, 2))
        with torch.no_grad():
            self.position.copy_(_sinusoids(size, self.side))

    def look(self, vision: tuple[Tensor, Tensor], depth: tuple[Tensor, Tensor] | None) -> DenseFeatures:
        """Dense features from what :meth:`VisionTower.dense` gave for the same B pictures.

        Args:
            vision, depth: Patches (B, N, C) and stem features (B, C', S, S) of a tower; None without depth.
        """
        fine, coarse = self.from_vision_stem(vision[1]), self.from_vision(vision[0])
        if depth is not None and self.from_depth_stem is not None and self.from_depth is not None:
            fine, coarse = fine + self.from_depth_stem(depth[1]), coarse + self.from_depth(depth[0])
        patches = math.isqrt(coarse.shape[1])
        grid = coarse.transpose(1, 2).unflatten(2, (patches, patches))
        features = fine + F.interpolate(grid, size=self.side, mode="bilinear") + self.position
        features = features + F.gelu(self.mix(F.gelu(features)))
        return DenseFeatures(self.key(features).flatten(2).transpose(1, 2), self.side)

    def match(self, hidden: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of every cell for each hidden state.

        Args:
            hidden: (N, Q, H) decoder states behind an opening ``[(``, Q for each of N pictures.
            keys: (N, S*S, P).

        Returns:
            First scores (N, Q, S*S), which training leads to what the point is described by; final scores of the same
            shape; and the query (N, Q, P) that :meth:`offsets` needs.
        """
        scale = keys.shape[-1] ** -0.5
        query = self.query(hidden)
        first = query @ keys.transpose(1, 2) * scale
        # A second look, knowing what the first one found.
        found = torch.softmax(first.float(), dim=-1).to(keys.dtype) @ keys
        query = query + self.second_query(torch.cat([query, found], dim=-1))
        for layer in self.layers:
            query = layer(query, keys)
        return first, query @ keys.transpose(1, 2) * scale, query

    def offsets(self, query: Tensor, cells: Tensor) -> Tensor:
        """(N, P) queries and the keys (N, P) of chosen cells -> (N, 2): x and y inside the cell, 0-1."""
        return torch.sigmoid(self.offset(torch.cat([query, cells], dim=-1)).float())

    @torch.inference_mode()
    def read(self, hidden: Tensor, dense: DenseFeatures, other: Heatmap | None = None) -> Heatmap:
        """The heatmap of one hidden state (H,) over the first picture of ``dense``, and the points it has.

        Args:
            hidden: Behind an opening.
            dense: Of the picture.
            other: Another look for the same point, whose probabilities count as much (their geometric mean is taken).
        """
        keys = dense.keys[:1]
        _, scores, query = self.match(hidden[None, None], keys)
        probabilities = torch.softmax(scores[0, 0].float(), dim=-1).reshape(dense.side, dense.side)
        if other is not None:
            together = (probabilities * other.probabilities).sqrt()
            # Looks that share no cell cannot be put together.
            probabilities = together / together.sum() if together.sum() > 0 else probabilities
        points = []
        for hill in find_hills(probabilities):
            inside = self.offsets(query[0].expand(len(hill.cells), -1), keys[0, hill.cells])
            corners = torch.stack([hill.cells % dense.side, hill.cells // dense.side], dim=-1)
            x, y = ((corners + inside) * hill.weights[:, None]).sum(dim=0) / dense.side
            points.append(Point(float(x), float(y), score=hill.share))
        return Heatmap(probabilities, tuple(points))


def _sinusoids(size: int, side: int) -> Tensor:
    """(1, size, side, side): waves along x in the first half of the channels, along y in the second."""
    place = (torch.arange(side) + 0.5) / side
    frequencies = math.pi * 2.0 ** torch.linspace(0, math.log2(side), size // 4)
    angles = place[:, None] * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], dim=1).T * 0.1
    half = waves.shape[0]
    along_x = waves[:, None, :].expand(half, side, side)
    along_y = waves[:, :, None].expand(half, side, side)
    return torch.cat([along_x, along_y])[None]
