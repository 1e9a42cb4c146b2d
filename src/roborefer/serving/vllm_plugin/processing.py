"""vLLM's multi-modal processing: pictures through the project's processor, media tokens written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from transformers import BatchFeature
from vllm.multimodal.inputs import MultiModalFieldConfig
from vllm.multimodal.media import MediaWithBytes
from vllm.multimodal.parse import MultiModalDataParser, ProcessorBatchItems
from vllm.multimodal.processing import (
    BaseDummyInputsBuilder,
    BaseMultiModalProcessor,
    BaseProcessingInfo,
    PromptReplacement,
    PromptUpdateDetails,
)

from roborefer.geometry.depth import read_depth
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import DEPTH_TOKEN, IMAGE_TOKEN
from roborefer.serving.vllm_plugin.media import (
    MODALITIES,
    Modality,
    largest_picture,
    media_tokens,
    picture_token_ids,
    tile_tensors,
)
from roborefer.serving.vllm_plugin.served_config import ServedConfig, served_processor


class DepthItems(ProcessorBatchItems):
    """Depth pictures of one prompt, 8-bit RGB with three equal channels."""

    def __init__(self, data: Sequence[Any]) -> None:
        super().__init__(data, "depth")


class SpatialDataParser(MultiModalDataParser):
    """Images as vLLM reads them, and a second modality: ``depth``.

    Args:
        depth_method: How metric depth becomes a picture.
    """

    def __init__(self, depth_method: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._depth_method = depth_method

    def _get_subparsers(self) -> Mapping[str, Any]:
        return {**super()._get_subparsers(), "depth": self._parse_depth_data}

    def _parse_depth_data(self, data: Any) -> DepthItems | None:
        """What :func:`roborefer.geometry.depth.read_depth` takes, one or a list; None stays None, as it is cached."""
        if data is None:
            return None
        return DepthItems([self._depth_picture(item) for item in (data if isinstance(data, list) else [data])])

    def _depth_picture(self, item: Any) -> Any:
        if item is None or isinstance(item, MediaWithBytes):
            return item
        return Image.fromarray(read_depth(item).tower_picture(self._depth_method))


class SpatialProcessingInfo(BaseProcessingInfo):
    """What a checkpoint takes, and its processor."""

    @property
    def processor(self) -> SpatialProcessor:
        return served_processor(self.ctx.model_config.model, self.ctx.model_config.revision)

    @property
    def config(self) -> ServedConfig:
        config: ServedConfig = self.ctx.get_hf_config(ServedConfig)
        return config

    def get_hf_processor(self, **kwargs: object) -> SpatialProcessor:
        return self.processor

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        return dict.fromkeys(MODALITIES if self.config.has_depth else ("image",))

    def get_data_parser(self) -> SpatialDataParser:
        return SpatialDataParser(
            self.config.depth_method,
            expected_hidden_size=self._get_expected_hidden_size(),
            allow_missing_mm_embeddings=self.allow_missing_mm_embeddings,
        )


class SpatialDummyInputs(BaseDummyInputsBuilder):
    """The largest pictures, from which vLLM measures how much memory it needs."""

    def get_dummy_text(self, mm_counts: Mapping[str, int]) -> str:
        return IMAGE_TOKEN * mm_counts.get("image", 0) + DEPTH_TOKEN * mm_counts.get("depth", 0)

    def get_dummy_mm_data(
        self, seq_len: int, mm_counts: Mapping[str, int], mm_options: Mapping[str, Any]
    ) -> dict[str, Any]:
        width, height = largest_picture(self.info.config)
        smaller = mm_options.get("image")  # depth has the image's size, and vLLM knows no sizes for it
        return {
            modality: self._get_dummy_images(width=width, height=height, num_images=count, overrides=smaller)
            for modality, count in mm_counts.items()
        }


class SpatialMultiModalProcessor(BaseMultiModalProcessor):
    """Pictures -> tiles; a media token -> the tokens of its picture."""

    def _call_hf_processor(self, hf_data: Mapping[str, Any], hf_kwargs: Mapping[str, object]) -> BatchFeature:
        tensors: dict[str, Any] = {}
        for modality in MODALITIES:
            if pictures := hf_data.get(f"{modality}s"):
                tensors |= tile_tensors(self.info.processor, modality, pictures)
                pixels = tensors[f"{modality}_pixels"]
                tensors[f"{modality}_pixels"] = pixels.to(self.info.ctx.model_config.dtype)
        return BatchFeature(tensors)

    def _get_mm_fields_config(self, hf_inputs: BatchFeature, hf_processor_mm_kwargs: Mapping[str, object]) -> Any:
        fields = {}
        for modality in MODALITIES:
            if f"{modality}_tiles" in hf_inputs:
                tiles = hf_inputs[f"{modality}_tiles"]
                fields[f"{modality}_pixels"] = MultiModalFieldConfig.flat_from_sizes(modality, tiles)
                fields[f"{modality}_tiles"] = MultiModalFieldConfig.batched(modality, keep_on_cpu=True)
                fields[f"{modality}_blocks"] = MultiModalFieldConfig.batched(modality, keep_on_cpu=True)
        return fields

    def _get_prompt_updates(
        self, mm_items: Any, hf_processor_mm_kwargs: Mapping[str, object], out_mm_kwargs: Any
    ) -> list[Any]:
        return [self._replacement(modality, out_mm_kwargs) for modality in MODALITIES if modality in mm_items]

    def _replacement(self, modality: Modality, out_mm_kwargs: Any) -> Any:
        tokens = media_tokens(self.info.processor)

        def written_out(index: int) -> Any:
            given = out_mm_kwargs[modality][index].get_data()
            rows, columns = given[f"{modality}_blocks"].tolist()
            ids = picture_token_ids(
                tokens, modality, int(given[f"{modality}_tiles"]), (rows, columns), self.info.config
            )
            return PromptUpdateDetails.select_token_id(ids, tokens.of(modality))

        return PromptReplacement(modality=modality, target=[tokens.of(modality)], replacement=written_out)
