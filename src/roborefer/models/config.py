"""ModelConfig: towers, projectors, language model and tiling, in one configuration that transformers understands.

The keys of a published ``config.json`` (``llm_cfg``, ``vision_tower_cfg``, ...) are read and written here; the
folders and tensor names of a checkpoint are known to ``checkpoint.py`` alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, get_args

from transformers import AutoConfig, PreTrainedConfig, Qwen2Config, SiglipVisionConfig

from roborefer.errors import CheckpointError

AspectRatio = Literal["resize", "dynamic", "dynamic_s2"]
DepthMethod = Literal["inverse", "linear"]

# The published code writes this name into every config.json; keeping it lets Auto classes open those folders.
PUBLISHED_MODEL_TYPE = "llava_llama"

# More would need more memory than a picture is worth, and a search over too many grids.
_MOST_TILES = 256


class ModelConfig(PreTrainedConfig):
    """Everything that fixes the shape and the input side of a model (paper section 3.2, appendix D.1).

    Example: ``preset("2b")`` has two so400m towers at 448 px, 3x3 downsampling (121 tokens a tile) and Qwen2-1.5B.

    Attributes:
        text_config: The Qwen2 language model.
        vision_config: The RGB tower (SigLIP vision transformer).
        depth_config: The depth tower; None when depth goes through the RGB tower.
        mm_projector_type, depth_projector_type: See ``projector.PROJECTOR_TYPES``; the latter None without depth.
        image_aspect_ratio: ``resize`` (one tile), ``dynamic`` (grid of tiles and a thumbnail) or ``dynamic_s2``
            (three scales, concatenated along channels).
        min_tiles, max_tiles: Bounds on the number of grid tiles.
        s2_scales: Side lengths in pixels of the scales of ``dynamic_s2``, ascending.
        s2_resize_output_to_scale_idx: The scale that gives the output resolution.
        mm_vision_select_layer: Index into the tower's hidden states (0 is the patch embedding).
        model_max_length: Fused sequences are cut at this length, at their right end.
        depth_method: How metric depth becomes the depth tower's picture.
        untrained: The weights are random; predictions say that they mean nothing.
    """

    model_type = PUBLISHED_MODEL_TYPE
    sub_configs = {"text_config": AutoConfig, "vision_config": AutoConfig, "depth_config": AutoConfig}  # noqa: RUF012

    # Given as a dictionary or a configuration, always a configuration afterwards.
    text_config: Any = None
    vision_config: Any = None
    depth_config: Any = None
    mm_projector_type: str = "mlp_downsample_3x3_fix"
    depth_projector_type: str | None = None
    image_aspect_ratio: str = "dynamic"
    min_tiles: int = 1
    max_tiles: int = 12
    s2_scales: Any = "448,896,1344"  # given as text or a list, always list[int] afterwards
    s2_resize_output_to_scale_idx: int = -1
    mm_vision_select_layer: int = -2
    model_max_length: int = 16384
    depth_method: str = "inverse"
    untrained: bool = False
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        self.text_config = _sub_config(Qwen2Config, self.text_config or {})
        self.vision_config = _sub_config(SiglipVisionConfig, self.vision_config or {})
        if self.depth_config is not None:
            self.depth_config = _sub_config(SiglipVisionConfig, self.depth_config)
        if isinstance(self.s2_scales, str):
            self.s2_scales = _read_scales(self.s2_scales)
        self.tie_word_embeddings = self.text_config.tie_word_embeddings
        super().__post_init__(**kwargs)
        self._check()

    def _check(self) -> None:
        _check_choice("image_aspect_ratio", self.image_aspect_ratio, get_args(AspectRatio))
        _check_choice("depth_method", self.depth_method, get_args(DepthMethod))
        for name in ("min_tiles", "max_tiles", "model_max_length", "mm_vision_select_layer"):
            _check_whole(name, getattr(self, name))
        if not 1 <= self.min_tiles <= self.max_tiles <= _MOST_TILES:
            raise CheckpointError(
                f"expected 1 <= min_tiles <= max_tiles <= {_MOST_TILES}, got {self.min_tiles} and {self.max_tiles}: "
                "mend config.json"
            )
        if self.model_max_length < 1:
            raise CheckpointError(
                f"expected a positive model_max_length, got {self.model_max_length}: mend config.json"
            )
        if self.image_aspect_ratio == "dynamic_s2":
            self._check_scales()
        self._check_depth_tower()
        last_layer = self.vision_config.num_hidden_layers
        if not -last_layer - 1 <= self.mm_vision_select_layer <= last_layer:
            raise CheckpointError(
                f"mm_vision_select_layer {self.mm_vision_select_layer} names no layer of a tower with "
                f"{last_layer} layers: mend config.json"
            )

    def _check_scales(self) -> None:
        _check_whole("s2_resize_output_to_scale_idx", self.s2_resize_output_to_scale_idx)
        scales = self.s2_scales
        whole = isinstance(scales, list) and all(isinstance(scale, int) for scale in scales)
        if not whole or not scales or scales[0] < 1 or any(a >= b for a, b in pairwise(scales)):
            raise CheckpointError(f"expected s2_scales to be ascending side lengths, got {scales!r}: mend config.json")
        if not -len(scales) <= self.s2_resize_output_to_scale_idx < len(scales):
            raise CheckpointError(
                f"s2_resize_output_to_scale_idx {self.s2_resize_output_to_scale_idx} names none of {len(scales)} "
                "scales: mend config.json"
            )

    def _check_depth_tower(self) -> None:
        """Both towers see the same tiles, and both projectors are built for the same number of channels."""
        for name in ("image_size", "hidden_size") if self.depth_config is not None else ():
            rgb, depth = getattr(self.vision_config, name), getattr(self.depth_config, name)
            if rgb != depth:
                raise CheckpointError(
                    f"expected the depth tower to have the RGB tower's {name} {rgb}, got {depth}: it is not supported"
                )

    @property
    def tile_size(self) -> int:
        """Side of a tile in pixels, which is what the towers were built for."""
        return int(self.vision_config.image_size)

    @property
    def projector_input_size(self) -> int:
        """Channels that reach a projector: the tower's, once per scale for ``dynamic_s2``."""
        scales = len(self.s2_scales) if self.image_aspect_ratio == "dynamic_s2" else 1
        return int(self.vision_config.hidden_size) * scales

    @property
    def has_depth(self) -> bool:
        """Whether the model can be given depth."""
        return self.depth_projector_type is not None

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Read our own keys, or those of a published ``config.json``."""
        if "llm_cfg" in config_dict:
            config_dict = published_to_fields(config_dict)
        return super().from_dict(config_dict, **kwargs)

    def to_published(self) -> dict[str, Any]:
        """The content of a published ``config.json`` for this model."""
        dtype = str(self.dtype).removeprefix("torch.") if self.dtype is not None else "float32"
        published: dict[str, Any] = {
            "architectures": ["LlavaLlamaModel"],
            "model_type": PUBLISHED_MODEL_TYPE,
            "llm_cfg": llm_config(self),
            "vision_tower_cfg": self.vision_config.to_dict(),
            "mm_projector_cfg": projector_config(self.mm_projector_type),
            "depth_tower_cfg": None if self.depth_config is None else self.depth_config.to_dict(),
            "depth_projector_cfg": projector_config(self.depth_projector_type) if self.depth_projector_type else None,
            "enable_depth": self.has_depth,
            "use_depth_tower": self.depth_config is not None,
            "dynamic_s2": self.image_aspect_ratio == "dynamic_s2",
            "s2_scales": ",".join(str(scale) for scale in self.s2_scales),
            "s2_max_split_size": self.s2_scales[0],
            "mm_vision_select_feature": "cls_patch",
            "hidden_size": self.text_config.hidden_size,
            "mm_hidden_size": self.projector_input_size,
            "torch_dtype": dtype,
        }
        published.update({name: getattr(self, name) for name in _SHARED_FIELDS})
        return published


# Fields that carry the same name in a published config.json. depth_method and untrained are ours: the published
# code ignores keys that it does not know.
_SHARED_FIELDS = (
    "image_aspect_ratio",
    "min_tiles",
    "max_tiles",
    "s2_resize_output_to_scale_idx",
    "mm_vision_select_layer",
    "model_max_length",
    "depth_method",
    "untrained",
)


def published_to_fields(published: dict[str, Any]) -> dict[str, Any]:
    """The :class:`ModelConfig` fields that a published ``config.json`` states; keys unknown to us are left out."""
    missing = [key for key in ("llm_cfg", "vision_tower_cfg", "mm_projector_cfg") if not published.get(key)]
    if missing:
        raise CheckpointError(
            f"expected config.json to hold {missing[0]}, found none: use a complete checkpoint folder"
        )
    fields: dict[str, Any] = {
        "text_config": published["llm_cfg"],
        "vision_config": published["vision_tower_cfg"],
        "mm_projector_type": published["mm_projector_cfg"]["mm_projector_type"],
    }
    depth_projector = published.get("depth_projector_cfg")
    if depth_projector and published.get("enable_depth", True):
        fields["depth_projector_type"] = depth_projector["mm_projector_type"]
        if published.get("use_depth_tower", True) and published.get("depth_tower_cfg"):
            fields["depth_config"] = published["depth_tower_cfg"]
    shared = (*_SHARED_FIELDS, "s2_scales")
    fields.update({name: published[name] for name in shared if published.get(name) is not None})
    return fields


def llm_config(config: ModelConfig) -> dict[str, Any]:
    """The ``config.json`` of the language model's folder, with the rotary base also where older readers look for it."""
    content: dict[str, Any] = config.text_config.to_dict()
    rope = content.get("rope_parameters") or {}
    return content | {"architectures": ["Qwen2ForCausalLM"], "rope_theta": rope.get("rope_theta", 10000.0)}


def projector_config(projector_type: str) -> dict[str, Any]:
    """The ``config.json`` of a projector folder."""
    return {
        "architectures": ["MultimodalProjector"],
        "model_type": "v2l_projector",
        "mm_projector_type": projector_type,
    }


def preset(name: str) -> ModelConfig:
    """A published shape by name: ``2b`` (NVILA-Lite-2B), ``8b`` (NVILA-8B), or ``tiny`` for tests.

    Raises:
        CheckpointError: ``name`` is no preset.
    """
    _check_choice("preset", name, tuple(_PRESETS))
    text, tower, projector, tiling = _PRESETS[name]
    return ModelConfig(
        text_config=dict(text),
        vision_config=dict(tower),
        depth_config=dict(tower),
        mm_projector_type=projector,
        depth_projector_type=projector,
        image_aspect_ratio=tiling,
    )


_SO400M = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 448,
    "patch_size": 14,
    "vision_use_head": False,
}
_TINY_TOWER = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 448,
    "patch_size": 14,
    "vision_use_head": False,
}
_QWEN2 = {"rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}, "max_position_embeddings": 32768}
_QWEN2_1_5B = _QWEN2 | {
    "vocab_size": 151652,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}
_QWEN2_7B = _QWEN2 | {
    "vocab_size": 151652,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
}
_TINY_QWEN2 = _QWEN2 | {
    "vocab_size": 2057,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}
_PRESETS: dict[str, tuple[dict[str, Any], dict[str, Any], str, AspectRatio]] = {
    "2b": (_QWEN2_1_5B, _SO400M, "mlp_downsample_3x3_fix", "dynamic"),
    "8b": (_QWEN2_7B, _SO400M, "mlp_downsample", "dynamic_s2"),
    "tiny": (_TINY_QWEN2, _TINY_TOWER, "mlp_downsample_3x3_fix", "dynamic"),
}


def _sub_config(config_class: type[PreTrainedConfig], value: dict[str, Any] | PreTrainedConfig) -> PreTrainedConfig:
    """Build a sub-configuration from published keys, leaving out what belongs to other library versions."""
    if isinstance(value, PreTrainedConfig):
        return value
    expected = config_class.model_type
    if value.get("model_type", expected) != expected:
        raise CheckpointError(
            f"expected a sub-model of type {expected!r}, got {value['model_type']!r}: it is not supported"
        )
    dropped = ("model_type", "transformers_version", "_attn_implementation_autoset", "auto_map", "architectures")
    return config_class(**{key: item for key, item in value.items() if key not in dropped})


def _read_scales(text: str) -> list[int]:
    try:
        return [int(scale) for scale in text.split(",") if scale.strip()]
    except ValueError as error:
        raise CheckpointError(f"expected s2_scales like '448,896,1344', got {text[:80]!r}: mend config.json") from error


def _check_whole(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CheckpointError(f"expected {name} to be a whole number, got {value!r}: mend config.json")


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CheckpointError(f"expected {name} to be one of {', '.join(allowed)}, got {value!r}")
