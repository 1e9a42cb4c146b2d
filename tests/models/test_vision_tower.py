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
