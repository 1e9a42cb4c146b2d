"""ModelConfig: published keys in and out, what is refused and how, and the numbers of the presets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roborefer.errors import CheckpointError
from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig, preset, published_to_fields
from roborefer.models.projector import tokens_per_tile
from roborefer.models.spatial_vlm import SpatialVLM

from .pointing_models import pointing_config
from .tiny_models import tiny_config

GOLDENS = Path(__file__).parents[1] / "data" / "goldens"
FIELDS = (
    "mm_projector_type",
    "depth_projector_type",
    "image_aspect_ratio",
    "min_tiles",
    "max_tiles",
    "s2_scales",
    "s2_resize_output_to_scale_idx",
    "mm_vision_select_layer",
    "model_max_length",
    "depth_method",
    "vision_stem",
    "depth_stem",
    "point_head_size",
    "point_head_layers",
    "untrained",
    "tile_size",
    "projector_input_size",
    "has_depth",
    "tie_word_embeddings",
)


def published(**changes: Any) -> dict[str, Any]:
    """A published ``config.json`` as it comes back from a file, changed."""
    content: dict[str, Any] = json.loads(json.dumps(tiny_config().to_published()))
    return content | changes


def refusal(content: dict[str, Any]) -> str:
    with pytest.raises(CheckpointError) as caught:
        ModelConfig.from_dict(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_same(ours: ModelConfig, theirs: ModelConfig) -> None:
    for field in FIELDS:
        assert getattr(ours, field) == getattr(theirs, field), field
    for part in ("text_config", "vision_config", "depth_config"):
        a, b = getattr(ours, part), getattr(theirs, part)
        assert (a is None) == (b is None), part
        if a is not None:
            assert a.to_dict() == b.to_dict(), part


# ---- round trips -----------------------------------------------------------------------------------------------------

CONFIGS = [
    pytest.param(tiny_config(), id="rgb-d"),
    pytest.param(tiny_config(depth=False), id="rgb-only"),
    pytest.param(tiny_config(depth_tower=False), id="depth through the RGB tower"),
    pytest.param(tiny_config(tied=False, image_aspect_ratio="dynamic_s2"), id="untied, three scales"),
    pytest.param(
        tiny_config(image_aspect_ratio="resize", mm_projector_type="mlp2x_gelu", depth_method="linear", untrained=True),
        id="other choices",
    ),
    pytest.param(tiny_config(min_tiles=2, max_tiles=5, model_max_length=77, mm_vision_select_layer=1), id="numbers"),
    pytest.param(pointing_config(), id="point head"),
    pytest.param(pointing_config(depth=False), id="point head, rgb-only"),
    pytest.param(tiny_config(vision_stem=[4], depth_stem=[8]), id="stems alone"),
    *(pytest.param(preset(name), id=name) for name in ("2b", "8b", "tiny", "nano")),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_published_keys_round_trip(config: ModelConfig) -> None:
    again = ModelConfig.from_dict(json.loads(json.dumps(config.to_published())))
    assert_same(again, config)
    assert again.to_published() == config.to_published()


@pytest.mark.parametrize("config", CONFIGS)
def test_our_own_keys_round_trip(config: ModelConfig, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    assert_same(ModelConfig.from_pretrained(tmp_path), config)


@pytest.mark.parametrize("name", ["tiny-2b-like-A", "tiny-8b-like-A"])
def test_a_published_file_says_what_its_fields_say(name: str) -> None:
    content = json.loads((GOLDENS / name / "checkpoint" / "config.json").read_text())
    config = ModelConfig.from_dict(content)
    assert config.mm_projector_type == content["mm_projector_cfg"]["mm_projector_type"]
    assert config.depth_projector_type == content["depth_projector_cfg"]["mm_projector_type"]
    assert config.text_config.hidden_size == content["llm_cfg"]["hidden_size"]
    assert config.text_config.rope_parameters["rope_theta"] == content["llm_cfg"]["rope_theta"]
    assert config.vision_config.num_hidden_layers == content["vision_tower_cfg"]["num_hidden_layers"]
    assert config.image_aspect_ratio == content["image_aspect_ratio"]
    again = ModelConfig.from_dict(json.loads(json.dumps(config.to_published())))
    assert_same(again, config)


def test_unknown_keys_are_ignored() -> None:
    plain = ModelConfig.from_dict(published())
    noisy = ModelConfig.from_dict(
        published(chat_template="qwen2", soft_ce_std=1.0, video_encoder='{"_target_": "os.system"}', tune_language=True)
    )
    assert_same(noisy, plain)
    assert noisy.to_published() == plain.to_published()


def test_depth_that_is_switched_off_is_left_out() -> None:
    config = ModelConfig.from_dict(published(enable_depth=False))
    assert not config.has_depth
    assert config.depth_config is None
    assert config.to_published()["enable_depth"] is False


def test_without_a_depth_tower_of_its_own_depth_shares_the_rgb_tower() -> None:
    config = ModelConfig.from_dict(published(use_depth_tower=False))
    assert config.has_depth
    assert config.depth_config is None
    assert config.to_published()["use_depth_tower"] is False


def test_absent_values_mean_the_defaults() -> None:
    fields = published_to_fields(published(max_tiles=None, s2_scales=None))
    assert "max_tiles" not in fields
    assert ModelConfig(**fields).max_tiles == 12
    assert ModelConfig(**fields).s2_scales == [448, 896, 1344]


def test_the_parts_own_configurations_go_before_the_copies(checkpoint_folder: Path) -> None:
    content = json.loads((checkpoint_folder / "config.json").read_text())
    content["llm_cfg"] = "somewhere/llm"  # older files hold a path
    content["mm_projector_cfg"]["mm_projector_type"] = "linear"
    (checkpoint_folder / "config.json").write_text(json.dumps(content))
    config = checkpoint.read_config(checkpoint_folder)
    assert config.mm_projector_type == "mlp_downsample_3x3_fix"
    assert config.text_config.hidden_size == 32


# ---- presets ---------------------------------------------------------------------------------------------------------


def test_preset_2b_has_the_numbers_of_the_paper() -> None:
    config = preset("2b")
    assert tokens_per_tile(config.mm_projector_type, (448 // 14) ** 2) == 121
    assert (config.tile_size, config.image_aspect_ratio, config.max_tiles) == (448, "dynamic", 12)
    assert config.projector_input_size == 1152
    assert config.depth_projector_type == config.mm_projector_type
    assert config.text_config.tie_word_embeddings


def test_preset_8b_has_the_numbers_of_the_paper() -> None:
    config = preset("8b")
    assert tokens_per_tile(config.mm_projector_type, (448 // 14) ** 2) == 256
    assert config.s2_scales == [448, 896, 1344]
    assert config.projector_input_size == 3 * 1152
    assert not config.text_config.tie_word_embeddings


def test_preset_nano_reads_points_from_a_heatmap_of_32_cells_a_side() -> None:
    config = preset("nano")
    assert (config.tile_size, config.image_aspect_ratio) == (256, "resize")
    assert config.tile_size // 2 ** len(config.vision_stem or []) == 32
    assert tokens_per_tile(config.mm_projector_type, (256 // 16) ** 2) == 64
    assert sum(parameter.numel() for parameter in SpatialVLM(config).parameters()) < 10e6


def test_published_files_say_nothing_of_stems_and_heads() -> None:
    assert not {"vision_stem", "depth_stem", "point_head_size", "point_head_layers"} & set(tiny_config().to_published())


def test_presets_share_nothing() -> None:
    first, second = preset("tiny"), preset("tiny")
    first.text_config.hidden_size = 1
    assert second.text_config.hidden_size == 64
    first, second = preset("nano"), preset("nano")
    first.vision_stem.append(5)
    first.depth_config.num_hidden_layers = 9
    first.text_config.rope_parameters["rope_theta"] = 1.0
    assert second.vision_stem == preset("nano").vision_stem == [32, 64, 128]
    assert (second.depth_config.num_hidden_layers, second.vision_config.num_hidden_layers) == (2, 4)
    assert preset("nano").text_config.rope_parameters["rope_theta"] == 10000.0


def test_unknown_preset_is_named() -> None:
    with pytest.raises(CheckpointError) as caught:
        preset("3b")
    assert str(caught.value) == "expected preset to be one of 2b, 8b, tiny, nano, got '3b'"


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"image_aspect_ratio": "pad"},
            "expected image_aspect_ratio to be one of resize, dynamic, dynamic_s2, got 'pad'",
        ),
        ({"depth_method": "log"}, "expected depth_method to be one of inverse, linear, got 'log'"),
        (
            {"mm_vision_select_layer": -5},
            "mm_vision_select_layer -5 names no layer of a tower with 3 layers: mend config.json",
        ),
        (
            {"mm_vision_select_layer": 4},
            "mm_vision_select_layer 4 names no layer of a tower with 3 layers: mend config.json",
        ),
        (
            {"mm_vision_select_layer": "-2"},
            "expected mm_vision_select_layer to be a whole number, got '-2': mend config.json",
        ),
        (
            {"min_tiles": 3, "max_tiles": 2},
            "expected 1 <= min_tiles <= max_tiles <= 256, got 3 and 2: mend config.json",
        ),
        (
            {"max_tiles": 1_000_000},
            "expected 1 <= min_tiles <= max_tiles <= 256, got 1 and 1000000: mend config.json",
        ),
        ({"max_tiles": True}, "expected max_tiles to be a whole number, got True: mend config.json"),
        ({"model_max_length": 0}, "expected a positive model_max_length, got 0: mend config.json"),
        ({"s2_scales": "448,large"}, "expected s2_scales like '448,896,1344', got '448,large': mend config.json"),
        (
            {"image_aspect_ratio": "dynamic_s2", "s2_scales": "896,448"},
            "expected s2_scales to be ascending side lengths, got [896, 448]: mend config.json",
        ),
        (
            {"image_aspect_ratio": "dynamic_s2", "s2_scales": "0,448"},
            "expected s2_scales to be ascending side lengths, got [0, 448]: mend config.json",
        ),
        (
            {"image_aspect_ratio": "dynamic_s2", "s2_scales": ","},
            "expected s2_scales to be ascending side lengths, got []: mend config.json",
        ),
        (
            {"image_aspect_ratio": "dynamic_s2", "s2_resize_output_to_scale_idx": 3},
            "s2_resize_output_to_scale_idx 3 names none of 3 scales: mend config.json",
        ),
        (
            {"mm_projector_cfg": None},
            "expected config.json to hold mm_projector_cfg, found none: use a complete checkpoint folder",
        ),
        (
            {"vision_tower_cfg": {}},
            "expected config.json to hold vision_tower_cfg, found none: use a complete checkpoint folder",
        ),
        (
            {"llm_cfg": {"model_type": "llama"}},
            "expected a sub-model of type 'qwen2', got 'llama': it is not supported",
        ),
        (
            {"vision_tower_cfg": {"model_type": "clip_vision_model"}},
            "expected a sub-model of type 'siglip_vision_model', got 'clip_vision_model': it is not supported",
        ),
    ],
)
def test_refused_values_are_named(changes: dict[str, Any], problem: str) -> None:
    assert refusal(published(**changes)) == problem


STRIDE = "to be channels whose stride divides the tower's patch and picture, got"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"vision_stem": [8, 8, 8, 8, 8]}, f"expected vision_stem {STRIDE} [8, 8, 8, 8, 8]"),
        ({"vision_stem": []}, f"expected vision_stem {STRIDE} []"),
        ({"vision_stem": [8, 0]}, f"expected vision_stem {STRIDE} [8, 0]"),
        ({"vision_stem": [8, True]}, f"expected vision_stem {STRIDE} [8, True]"),
        ({"vision_stem": "8,8"}, f"expected vision_stem {STRIDE} '8,8'"),
        ({"depth_stem": [8, 2.0]}, f"expected depth_stem {STRIDE} [8, 2.0]"),
        ({"point_head_size": 18}, "expected point_head_size to be a multiple of 4, got 18"),
        ({"point_head_size": 0}, "expected point_head_size to be a multiple of 4, got 0"),
        ({"point_head_layers": -1}, "expected 0 <= point_head_layers <= 64, got -1"),
        ({"point_head_layers": 65}, "expected 0 <= point_head_layers <= 64, got 65"),
        ({"point_head_layers": 1.0}, "expected point_head_layers to be a whole number, got 1.0"),
        ({"point_head_size": "16"}, "expected point_head_size to be a whole number, got '16'"),
        (
            {"image_aspect_ratio": "dynamic"},
            "expected a point head to come with a vision_stem and the image_aspect_ratio resize, got vision_stem "
            "[8, 12, 16] and 'dynamic'",
        ),
        (
            {"vision_stem": None},
            "expected a point head to come with a vision_stem and the image_aspect_ratio resize, got vision_stem "
            "None and 'resize'",
        ),
        (
            {"depth_stem": [8, 8]},
            "expected a point head's depth tower to have a depth_stem of the vision_stem's stride, got [8, 8] and "
            "[8, 12, 16]",
        ),
        (
            {"depth_stem": None, "use_depth_tower": False},
            "expected a point head's depth tower to have a depth_stem of the vision_stem's stride, got None and "
            "[8, 12, 16]",
        ),
        ({"use_depth_tower": False}, f"expected depth_stem {STRIDE} [8, 8, 12]"),
    ],
)
def test_stems_and_heads_that_do_not_fit_are_refused(changes: dict[str, Any], problem: str) -> None:
    content = json.loads(json.dumps(pointing_config().to_published()))
    assert refusal(content | changes) == f"{problem}: mend config.json"


def test_a_stem_divides_the_picture_too() -> None:
    content = json.loads(json.dumps(pointing_config().to_published()))
    for part in ("vision_tower_cfg", "depth_tower_cfg"):
        content[part]["image_size"] = 68
    assert refusal(content) == f"expected vision_stem {STRIDE} [8, 12, 16]: mend config.json"


@pytest.mark.parametrize(("name", "value"), [("image_size", 28), ("hidden_size", 32)])
def test_towers_must_go_together(name: str, value: int) -> None:
    content = published()
    expected = content["depth_tower_cfg"][name]
    content["depth_tower_cfg"][name] = value
    assert refusal(content) == (
        f"expected the depth tower to have the RGB tower's {name} {expected}, got {value}: it is not supported"
    )


def test_scales_do_not_matter_to_other_tilings() -> None:
    assert ModelConfig.from_dict(published(s2_scales="")).s2_scales == []


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("llm", {"hidden_size": "64"}),
        ("llm", {"num_hidden_layers": 0}),
        ("vision_tower", {"image_size": "big"}),
        ("mm_projector", {"mm_projector_type": ["linear"]}),
    ],
)
def test_values_of_the_wrong_kind_are_one_line(checkpoint_folder: Path, part: str, changes: dict[str, Any]) -> None:
    path = checkpoint_folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.build(SpatialVLM, checkpoint.read_config(checkpoint_folder), checkpoint_folder)
    assert "\n" not in str(caught.value)
