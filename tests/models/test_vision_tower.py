"""VisionTower: equal to transformers' hidden states, and never a layer too many."""

from __future__ import annotations

import pytest
import torch
from transformers import SiglipVisionConfig, SiglipVisionModel

from roborefer.models.vision_tower import VisionTower


def config() -> SiglipVisionConfig:
    return SiglipVisionConfig(
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=3,
        image_size=56,
        patch_size=14,
        vision_use_head=False,
    )


def tower_and_model(select_layer: int) -> tuple[VisionTower, SiglipVisionModel]:
    torch.manual_seed(1)
    tower = VisionTower(config(), select_layer).eval()
    model = SiglipVisionModel._from_config(config()).eval()
    model.load_state_dict(tower.vision_model.state_dict())
    return tower, model


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 56, 56, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("select_layer", [-5, -3, -2, -1, 0, 2, 4])
@torch.inference_mode()
def test_features_are_the_hidden_states(pixels: torch.Tensor, select_layer: int) -> None:
    tower, model = tower_and_model(select_layer)
    expected = model(pixels, output_hidden_states=True).hidden_states[select_layer]
    assert torch.equal(tower(pixels), expected)
    assert tower(pixels).shape == (3, 16, 24)


@torch.inference_mode()
def test_layers_behind_the_selected_one_are_never_called(pixels: torch.Tensor) -> None:
    tower, _ = tower_and_model(-2)
    expected = tower(pixels)
    for module in (tower.vision_model.encoder.layers[-1], tower.vision_model.post_layernorm):
        for parameter in module.parameters():
            parameter.fill_(float("nan"))
    assert torch.equal(tower(pixels), expected)


def test_every_layer_is_kept_for_the_checkpoint() -> None:
    tower, _ = tower_and_model(-2)
    assert len(tower.vision_model.encoder.layers) == 4
    assert tower.used_layers == 3


# ---- behind a stem ---------------------------------------------------------------------------------------------------


def tower_behind_stem(whole: SiglipVisionConfig) -> VisionTower:
    torch.manual_seed(3)
    return VisionTower(whole, -1, [4, 6]).eval()


def config_of_sixteens() -> SiglipVisionConfig:
    whole = config()
    whole.image_size, whole.patch_size = 64, 16
    return whole


@torch.inference_mode()
def test_behind_a_stem_the_encoder_sees_its_features() -> None:
    whole = config_of_sixteens()
    tower = tower_behind_stem(whole)
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    hidden, seen = tower.dense(pixels)
    assert tower.stem is not None
    assert seen.shape == (2, 6, 16, 16)
    assert torch.equal(seen, tower.stem(pixels))
    inner = tower.vision_model.config
    assert (inner.image_size, inner.patch_size, inner.num_channels) == (16, 4, 6)
    model = SiglipVisionModel._from_config(inner).eval()
    model.load_state_dict(tower.vision_model.state_dict())
    assert torch.equal(hidden, model(seen, output_hidden_states=True).hidden_states[-1])
    assert torch.equal(tower(pixels), hidden)
    assert hidden.shape == (2, 16, 24)


def test_the_configuration_of_a_tower_stays_as_it_was() -> None:
    whole = config_of_sixteens()
    tower_behind_stem(whole)
    assert (whole.image_size, whole.patch_size, whole.num_channels) == (64, 16, 3)


@torch.inference_mode()
def test_without_a_stem_the_pixels_are_what_is_seen(pixels: torch.Tensor) -> None:
    tower, _ = tower_and_model(-2)
    assert tower.stem is None
    hidden, seen = tower.dense(pixels)
    assert seen is pixels
    assert torch.equal(hidden, tower(pixels))
