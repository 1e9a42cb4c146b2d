"""VisionTower: a SigLIP encoder that stops at the layer whose features are used.

One class, two instances: the RGB tower and the depth tower (paper section 3.2).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import Tensor, nn
from transformers import SiglipVisionConfig, SiglipVisionModel

from roborefer.models.attention import RAGGED_SDPA
from roborefer.models.vision_stem import ConvolutionalStem


class VisionTower(nn.Module):
    """Tiles -> patch features taken from one hidden layer, without a CLS token and without the final layer norm.

    The layers behind the selected one exist (a checkpoint holds them) and are never computed.

    Args:
        config: A SigLIP vision configuration.
        select_layer: Index into the hidden states, 0 being the patch embedding; -2 leaves out the last layer.
        stem: Channels of a convolutional stem in front; None for none, as in the published checkpoints.
    """

    def __init__(self, config: SiglipVisionConfig, select_layer: int, stem: Sequence[int] | None = None) -> None:
        super().__init__()
        self.stem = None if stem is None else ConvolutionalStem(stem)
        inner = config if stem is None else _behind_stem(config, stem)
        self.vision_model = SiglipVisionModel._from_config(inner, attn_implementation=RAGGED_SDPA)
        layers = config.num_hidden_layers
        self.used_layers = select_layer if select_layer >= 0 else layers + 1 + select_layer

    def freeze_unused(self) -> None:
        """Parameters behind the selected layer get no gradients, so no optimizer and no process waits for them."""
        behind = self.vision_model.encoder.layers[self.used_layers :]
        for module in (behind, self.vision_model.post_layernorm, getattr(self.vision_model, "head", None)):
            if module is not None:
                module.requires_grad_(False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(T, 3, H, W) -> (T, N, C): one row per patch, in raster order."""
        return self.dense(pixel_values)[0]

    def dense(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`forward` gives, and what the stem gave (T, C', H / stride, W / stride); without a stem the
        pixels themselves."""
        seen = pixel_values if self.stem is None else self.stem(pixel_values)
        hidden_states = self.vision_model.embeddings(seen)
        for layer in self.vision_model.encoder.layers[: self.used_layers]:
            hidden_states = layer(hidden_states, attention_mask=None)
        return hidden_states, seen


def _behind_stem(config: SiglipVisionConfig, stem: Sequence[int]) -> SiglipVisionConfig:
    """The configuration of an encoder whose pixels are a stem's features."""
    inner = copy.deepcopy(config)
    stride = 2 ** len(stem)
    inner.image_size, inner.patch_size = config.image_size // stride, config.patch_size // stride
    inner.num_channels = stem[-1]
    return inner
