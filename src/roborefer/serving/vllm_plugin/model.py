"""The served model: the project's towers and projectors in front of vLLM's Qwen2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from vllm.model_executor.model_loader import DefaultModelLoader
from vllm.model_executor.models.interfaces import SupportsMultiModal
from vllm.model_executor.models.utils import AutoWeightsLoader, init_vllm_registered_model, maybe_prefix
from vllm.multimodal import MULTIMODAL_REGISTRY

from roborefer.models.projector import Projector
from roborefer.models.prompt import DEPTH_TOKEN, IMAGE_TOKEN
from roborefer.models.vision_tower import VisionTower
from roborefer.serving.vllm_plugin.media import Modality, picture_features
from roborefer.serving.vllm_plugin.processing import (
    SpatialDummyInputs,
    SpatialMultiModalProcessor,
    SpatialProcessingInfo,
)
from roborefer.serving.vllm_plugin.served_config import ServedConfig
from roborefer.serving.vllm_plugin.weights import LANGUAGE_MODEL_FILES, further_parts, served_weights


@MULTIMODAL_REGISTRY.register_processor(
    SpatialMultiModalProcessor, info=SpatialProcessingInfo, dummy_inputs=SpatialDummyInputs
)
class ServedSpatialVLM(nn.Module, SupportsMultiModal):
    """:class:`roborefer.models.spatial_vlm.SpatialVLM` for vLLM's engine; its attributes carry the same names.

    The towers are whole on every device of a tensor-parallel group; the language model is split as vLLM splits it.
    """

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__()
        marks: Any = self  # with vLLM's methods, which type checkers do not see
        model_config = vllm_config.model_config
        config: ServedConfig = model_config.hf_config
        self.config = config
        hidden_size, layer = config.text_config.hidden_size, config.mm_vision_select_layer
        depth_needs_vision = config.has_depth and config.depth_config is None
        with marks._mark_tower_model(vllm_config, {"image", "depth"} if depth_needs_vision else "image"):
            self.vision_tower = VisionTower(config.vision_config, layer, config.vision_stem)
            self.mm_projector = Projector(config.mm_projector_type, config.projector_input_size, hidden_size)
        self.depth_tower, self.depth_projector = None, None
        if config.depth_projector_type is not None:
            with marks._mark_tower_model(vllm_config, "depth"):
                if config.depth_config is not None:
                    self.depth_tower = VisionTower(config.depth_config, layer, config.depth_stem)
                self.depth_projector = Projector(config.depth_projector_type, config.projector_input_size, hidden_size)
        # A tower's own configuration may name another precision; everything here has the model's.
        self.to(model_config.dtype)
        with marks._mark_language_model(vllm_config):
            self.llm = init_vllm_registered_model(
                vllm_config=vllm_config,
                hf_config=config.text_config,
                prefix=maybe_prefix(prefix, "llm"),
                architectures=["Qwen2ForCausalLM"],
            )
        self.make_empty_intermediate_tensors = self.llm.make_empty_intermediate_tensors
        # Read by vLLM's loader: the language model's files first, then each further folder's.
        self.allow_patterns_overrides = list(LANGUAGE_MODEL_FILES)
        self.fall_back_to_pt_during_load = False
        self.secondary_weights = [
            DefaultModelLoader.Source(
                model_config.model, model_config.revision, subfolder=part, prefix=f"{part}.", fall_back_to_pt=False
            )
            for part in further_parts(config)
        ]

    @classmethod
    def get_placeholder_str(cls, modality: str, i: int) -> str | None:
        """The text that stands for a picture in a prompt."""
        return {"image": IMAGE_TOKEN, "depth": DEPTH_TOKEN}[modality]

    def embed_multimodal(self, **kwargs: Any) -> list[Tensor]:
        """(n, H) per picture: the rows that are put in place of its media tokens.

        Args:
            kwargs: As :func:`roborefer.serving.vllm_plugin.media.tile_tensors` names them.
        """
        return [*self._features("image", kwargs), *self._features("depth", kwargs)]

    def _features(self, modality: Modality, given: dict[str, Any]) -> list[Tensor]:
        if given.get(f"{modality}_pixels") is None:
            return []
        tower: VisionTower = self.vision_tower
        projector: Projector | None = self.mm_projector
        if modality == "depth":
            tower, projector = self.depth_tower or self.vision_tower, self.depth_projector
        if projector is None:
            raise ValueError("expected a model with a depth projector to encode depth, got an RGB-only one")
        pixels, tiles, blocks = (given[f"{modality}_{name}"] for name in ("pixels", "tiles", "blocks"))
        return picture_features(tower, projector, pixels, tiles, blocks, self.config)

    def forward(
        self,
        input_ids: Tensor | None,
        positions: Tensor,
        intermediate_tensors: Any = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Hidden states of the language model over tokens whose media rows are in ``inputs_embeds`` already."""
        if intermediate_tensors is not None:
            inputs_embeds = None
        return self.llm.model(input_ids, positions, intermediate_tensors, inputs_embeds=inputs_embeds)

    def compute_logits(self, hidden_states: torch.Tensor) -> Tensor | None:
        logits: Tensor | None = self.llm.compute_logits(hidden_states)
        return logits

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> set[str]:
        """Fill the model; returns the names that were filled."""
        loaded: set[str] = AutoWeightsLoader(self).load_weights(served_weights(weights, self.config))
        return loaded
