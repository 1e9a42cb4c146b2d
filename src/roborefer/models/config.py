"""ModelConfig: towers, projectors, language model and tiling, in one configuration that transformers understands.

The keys of a published ``config.json`` (``llm_cfg``, ``vision_tower_cfg``, ...) are read and written here; the
folders and tensor names of a checkpoint are known to ``checkpoint.py`` alone.
"""

from __future__ import annotations

import copy
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
_MOST_LOOKS = 64


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
        vision_stem, depth_stem: Channels of a convolutional stem in front of a tower, one entry per halving of the
            resolution (``[32, 64, 128]`` has stride 8); None for SigLIP's own patch embedding.
        point_head_size: Channels (a multiple of 4) of the dense features from which the point head reads coordinates;
            None for a model that writes coordinates as text. It needs stems and one tile per picture.
        point_head_layers: How often the point head looks again.
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
    vision_stem: list[int] | None = None
    depth_stem: list[int] | None = None
    point_head_size: int | None = None
    point_head_layers: int = 0
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
        self._check_stems()
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

    def _check_stems(self) -> None:
        """A stem's stride divides patch and picture, and a point head finds the features that it reads."""
        for name, tower in (("vision_stem", self.vision_config), ("depth_stem", self.depth_config)):
            stem = getattr(self, name)
            if stem is not None and not (_is_stem(stem) and tower is not None and _fits(tower, 2 ** len(stem))):
                raise CheckpointError(
                    f"expected {name} to be channels whose stride divides the tower's patch and picture, got {stem!r}: "
                    "mend config.json"
                )
        if self.point_head_size is not None:
            self._check_point_head()

    def _check_point_head(self) -> None:
        size: Any = self.point_head_size
        _check_whole("point_head_size", size)
        if size < 4 or size % 4:
            raise CheckpointError(f"expected point_head_size to be a multiple of 4, got {size}: mend config.json")
        _check_whole("point_head_layers", self.point_head_layers)
        if not 0 <= self.point_head_layers <= _MOST_LOOKS:
            raise CheckpointError(
                f"expected 0 <= point_head_layers <= {_MOST_LOOKS}, got {self.point_head_layers}: mend config.json"
            )
        if self.image_aspect_ratio != "resize" or self.vision_stem is None:
            raise CheckpointError(
                "expected a point head to come with a vision_stem and the image_aspect_ratio resize, got vision_stem "
                f"{self.vision_stem} and {self.image_aspect_ratio!r}: mend config.json"
            )
        if self.has_depth and len(self.depth_stem or []) != len(self.vision_stem):
            raise CheckpointError(
                "expected a point head's depth tower to have a depth_stem of the vision_stem's stride, got "
                f"{self.depth_stem} and {self.vision_stem}: mend config.json"
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
        published.update({name: getattr(self, name) for name in _OWN_PARTS if getattr(self, name)})
        return published


# Fields that carry the same name in a published config.json. Those from depth_method on are ours: the published code
# ignores keys that it does not know.
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
# Parts that no published model has; a model without them says nothing of them.
_OWN_PARTS = ("vision_stem", "depth_stem", "point_head_size", "point_head_layers")


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
    shared = (*_SHARED_FIELDS, *_OWN_PARTS, "s2_scales")
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
    """A shape by name: the published ``2b`` (NVILA-Lite-2B) and ``8b`` (NVILA-8B), ``nano``, or ``tiny`` for tests.

    Raises:
        CheckpointError: ``name`` is no preset.
    """
    _check_choice("preset", name, tuple(_PRESETS))
    return ModelConfig(**copy.deepcopy(_PRESETS[name]))


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
_NANO_TOWER = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": 256,
    "patch_size": 16,
    "vision_use_head": False,
}
_NANO_QWEN2 = {
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": True,
}


def _same_towers(text: dict[str, Any], tower: dict[str, Any], projector: str, tiling: AspectRatio) -> dict[str, Any]:
    """The fields of a model whose towers have one shape, as have its projectors."""
    return {
        "text_config": text,
        "vision_config": tower,
        "depth_config": tower,
        "mm_projector_type": projector,
        "depth_projector_type": projector,
        "image_aspect_ratio": tiling,
    }


_PRESETS: dict[str, dict[str, Any]] = {
    "2b": _same_towers(_QWEN2_1_5B, _SO400M, "mlp_downsample_3x3_fix", "dynamic"),
    "8b": _same_towers(_QWEN2_7B, _SO400M, "mlp_downsample", "dynamic_s2"),
    "tiny": _same_towers(_TINY_QWEN2, _TINY_TOWER, "mlp_downsample_3x3_fix", "dynamic"),
    "nano": _same_towers(_NANO_QWEN2, _NANO_TOWER, "mlp_downsample", "resize")
    | {
        "depth_config": _NANO_TOWER | {"num_hidden_layers": 2},
        "mm_vision_select_layer": -1,
        "model_max_length": 4096,
        "vision_stem": [32, 64, 128],
        "depth_stem": [16, 32, 64],
        "point_head_size": 128,
        "point_head_layers": 3,
    },
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


def _is_stem(stem: object) -> bool:
    """Whether it is channels, one entry per halving of the resolution."""
    return isinstance(stem, list) and bool(stem) and all(type(width) is int and width > 0 for width in stem)


def _fits(tower: SiglipVisionConfig, stride: int) -> bool:
    return not tower.patch_size % stride and not tower.image_size % stride


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
