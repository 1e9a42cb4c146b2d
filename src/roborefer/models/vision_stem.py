"""ConvolutionalStem: what small towers look through, since a small transformer learns edges slowly from raw patches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class ConvolutionalStem(nn.Module):
    """Stages that each halve the resolution; from the second stage on, a residual block follows.

    Args:
        channels: Of each stage; three stages have stride 8.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise((3, *channels))):
            stages.append(_convolution(before, after, stride=2))
            stages.append(nn.ReLU())
            if index > 0:
                stages.append(ResidualBlock(after))
        self.stages = nn.Sequential(*stages)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(T, 3, H, W) -> (T, C, H / stride, W / stride)."""
        features: Tensor = self.stages(pixel_values)
        return features


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the input is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(T, C, H, W) -> the same shape."""
        return relu(features + self.second(relu(self.first(features))))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Module:
    norm = nn.BatchNorm2d(after)
    # It only counts batches, and would be the one tensor of a checkpoint that is not floating point.
    norm.num_batches_tracked = torch.zeros(())
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, padding=1, bias=False), norm)
