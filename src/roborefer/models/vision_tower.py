"""VisionTower: a SigLIP encoder that stops at the layer whose features are used.

One class, two instances: the RGB tower and the depth tower (paper section 3.2).
"""

from __future__ import annotations

from torch import Tensor, nn
from transformers import SiglipVisionConfig, SiglipVisionModel


class VisionTower(nn.Module):
    """Tiles -> patch features taken from one hidden layer, without a CLS token and without the final layer norm.

    The layers behind the selected one exist (a checkpoint holds them) and are never computed.

    Args:
        config: A SigLIP vision configuration.
        select_layer: Index into the hidden states, 0 being the patch embedding; -2 leaves out the last layer.
    """

    def __init__(self, config: SiglipVisionConfig, select_layer: int) -> None:
        super().__init__()
        self.vision_model = SiglipVisionModel._from_config(config)
        layers = config.num_hidden_layers
        self.used_layers = select_layer if select_layer >= 0 else layers + 1 + select_layer

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(T, 3, H, W) -> (T, N, C): one row per patch, in raster order."""
        hidden_states = self.vision_model.embeddings(pixel_values)
        for layer in self.vision_model.encoder.layers[: self.used_layers]:
            hidden_states = layer(hidden_states, attention_mask=None)
        return hidden_states
