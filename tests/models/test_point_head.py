"""PointHead: dense features of both towers, the match in two looks, and the points of a heatmap."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from roborefer.models.heatmap_hills import find_hills
from roborefer.models.point_head import DenseFeatures, Heatmap, LookAgain, PointHead
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.structures import Point

from .pointing_models import SIDE, TILE, compact_tokenizer, pointing_config, pointing_model
from .tiny_models import tiny_config, tiny_model


@pytest.fixture(scope="module")
def model() -> SpatialVLM:
    return pointing_model()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- looking ---------------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_model_looks_as_it_encodes_media(model: SpatialVLM) -> None:
    pixels, depth = noise(2, 3, TILE, TILE), noise(2, 3, TILE, TILE, seed=1)
    images, depths, dense = model.look(pixels, depth)
    blocks = [None, None]
    assert torch.allclose(images, torch.stack(model.encode_media(pixels, blocks, depth=False)), atol=1e-5)
    assert depths is not None
    assert torch.allclose(depths, torch.stack(model.encode_media(depth, blocks, depth=True)), atol=1e-5)
    newline = model.get_input_embeddings()(torch.tensor(compact_tokenizer()("\n")["input_ids"]))
    assert images.shape == depths.shape == (2, 5, 32)
    assert torch.equal(images[:, -1], newline.expand(2, -1))
    assert (dense.keys.shape, dense.side) == ((2, SIDE * SIDE, 16), SIDE)


@torch.no_grad()
def test_each_picture_is_looked_at_alone(model: SpatialVLM) -> None:
    pixels, depth = noise(2, 3, TILE, TILE), noise(2, 3, TILE, TILE, seed=1)
    together = model.look(pixels, depth)[2].keys
    for index in range(2):
        alone = model.look(pixels[index : index + 1], depth[index : index + 1])[2].keys
        assert torch.allclose(alone[0], together[index], rtol=1e-4, atol=1e-2)


@torch.no_grad()
def test_depth_adds_to_what_is_seen(model: SpatialVLM) -> None:
    pixels = noise(1, 3, TILE, TILE)
    images, depths, dense = model.look(pixels, None)
    assert depths is None
    with_depth = model.look(pixels, noise(1, 3, TILE, TILE, seed=1))
    assert torch.equal(with_depth[0], images)
    assert not torch.allclose(with_depth[2].keys, dense.keys, atol=1e-2)


@torch.no_grad()
def test_an_rgb_model_has_a_head_without_depth() -> None:
    model = pointing_model(pointing_config(depth=False))
    assert model.point_head is not None
    assert model.point_head.from_depth is None
    assert model.look(noise(1, 3, TILE, TILE), None)[1] is None


def blown_up(grid: Tensor) -> Tensor:
    """(C, 4, 4) -> (C, 8, 8), bilinear: the middle of each new cell lies a quarter of an old one off an old middle."""
    large = torch.zeros(len(grid), 8, 8)
    for row in range(8):
        for column in range(8):
            y, x = (min(max((place + 0.5) / 2 - 0.5, 0.0), 3.0) for place in (row, column))
            top, left = int(y), int(x)
            bottom, right = min(top + 1, 3), min(left + 1, 3)
            upper = grid[:, top, left] * (1 - x + left) + grid[:, top, right] * (x - left)
            lower = grid[:, bottom, left] * (1 - x + left) + grid[:, bottom, right] * (x - left)
            large[:, row, column] = upper * (1 - y + top) + lower * (y - top)
    return large


@pytest.mark.parametrize("with_depth", [False, True])
@torch.no_grad()
def test_features_are_mixed_cell_by_cell(model: SpatialVLM, with_depth: bool) -> None:
    head = model.point_head
    assert head is not None
    assert head.from_depth is not None
    assert head.from_depth_stem is not None
    vision = noise(1, 16, 16), noise(1, 16, SIDE, SIDE, seed=1)
    depth = (noise(1, 16, 16, seed=2), noise(1, 12, SIDE, SIDE, seed=3)) if with_depth else None
    towers = [(vision, head.from_vision, head.from_vision_stem)]
    if depth is not None:
        towers.append((depth, head.from_depth, head.from_depth_stem))
    features = head.position[0].clone()
    for (patches, fine), from_patch, from_stem in towers:
        coarse = torch.stack([from_patch(patch) for patch in patches[0]]).T.reshape(-1, 4, 4)
        features += blown_up(coarse) + from_stem(fine)[0]
    mixed = features + F.gelu(F.conv2d(F.gelu(features), head.mix.weight, head.mix.bias, padding=1))
    keys = head.look(vision, depth).keys[0]
    for cell in range(SIDE * SIDE):
        key = head.key.weight[:, :, 0, 0] @ mixed[:, cell // SIDE, cell % SIDE] + head.key.bias
        assert torch.allclose(keys[cell], key, atol=1e-4)


@torch.no_grad()
def test_a_cell_sees_its_own_place(model: SpatialVLM) -> None:
    """Without the global view of the towers, only cells near a change see it."""
    head = model.point_head
    assert head is not None
    coarse, fine = torch.zeros(1, 16, 16), torch.zeros(1, 16, SIDE, SIDE)
    before = head.look((coarse, fine), None).keys
    fine[0, :, 2, 5] = 3.0
    changed = (head.look((coarse, fine), None).keys - before).abs().amax(dim=-1).reshape(SIDE, SIDE) > 1e-6
    rows, columns = changed.nonzero().T
    assert changed[2, 5]
    assert (rows - 2).abs().max() == (columns - 5).abs().max() == 1


def test_a_model_that_spells_cannot_look() -> None:
    with pytest.raises(ValueError, match="expected a model with a point head, got one that writes coordinates as text"):
        tiny_model().look(noise(1, 3, 56, 56), None)
    with pytest.raises(ValueError, match="expected a configuration with vision_stem and point_head_size"):
        PointHead(tiny_config())


def test_places_start_as_waves(model: SpatialVLM) -> None:
    position = PointHead(pointing_config()).position[0]
    assert position.shape == (16, SIDE, SIDE)
    for channel in range(4):
        frequency = math.pi * 2 ** (channel * math.log2(SIDE) / 3)
        for cell in (0, 3, 7):
            place = (cell + 0.5) / SIDE
            for wave, shift in ((math.sin(place * frequency), 0), (math.cos(place * frequency), 4)):
                assert torch.allclose(position[channel + shift, :, cell], torch.tensor(0.1 * wave), atol=1e-5)
                assert torch.allclose(position[8 + channel + shift, cell], torch.tensor(0.1 * wave), atol=1e-5)


# ---- matching --------------------------------------------------------------------------------------------------------


def looked_again(layer: LookAgain, query: Tensor, cells: Tensor) -> Tensor:
    """What a layer makes of one query (P,), head by head and cell by cell."""
    asked = layer.to_query(layer.norm(query)).chunk(4)
    memories = [layer.to_memory(cell).chunk(2) for cell in cells]
    seen = []
    for head in range(4):
        keys, values = ([part.chunk(4)[head] for part in parts] for parts in zip(*memories, strict=True))
        scores = torch.stack([asked[head] @ key / len(key) ** 0.5 for key in keys])
        seen.append(sum(share * value for share, value in zip(scores.softmax(0), values, strict=True)))
    query = query + layer.out(torch.cat(seen))
    return query + layer.mlp(layer.mlp_norm(query))


@pytest.mark.parametrize("layers", [0, 2])
@torch.no_grad()
def test_each_look_knows_what_the_one_before_found(layers: int) -> None:
    model = pointing_model(pointing_config(point_head_layers=layers))
    head = model.point_head
    assert head is not None
    hidden, keys = noise(2, 3, 32), noise(2, SIDE * SIDE, 16, seed=1)
    first, final, query = head.match(hidden, keys)
    for picture in range(2):
        for question in range(3):
            asked = head.query(hidden[picture, question])
            scores = torch.stack([asked @ key / 4 for key in keys[picture]])
            assert torch.allclose(first[picture, question], scores, atol=1e-4)
            found = sum(share * key for share, key in zip(scores.softmax(0), keys[picture], strict=True))
            asked = asked + head.second_query(torch.cat([asked, found]))
            for layer in head.layers:
                asked = looked_again(layer, asked, keys[picture])
            assert torch.allclose(query[picture, question], asked, atol=1e-4)
            scores = torch.stack([asked @ key / 4 for key in keys[picture]])
            assert torch.allclose(final[picture, question], scores, atol=1e-4)


# ---- points ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_heatmap_is_read_cell_by_cell(model: SpatialVLM, dtype: torch.dtype) -> None:
    head = pointing_model(dtype=dtype).point_head
    assert head is not None
    dense = DenseFeatures(noise(1, SIDE * SIDE, 16, seed=3).to(dtype), SIDE)
    hidden = noise(32, seed=4).to(dtype)
    heatmap = head.read(hidden, dense)
    assert heatmap.probabilities.dtype == torch.float32
    assert heatmap.probabilities.shape == (SIDE, SIDE)
    assert float(heatmap.probabilities.sum()) == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        _, scores, query = head.match(hidden[None, None], dense.keys)
        assert torch.equal(heatmap.probabilities.flatten(), scores[0, 0].float().softmax(0))
        for point, hill in zip(heatmap.points, find_hills(heatmap.probabilities), strict=True):
            x = y = 0.0
            for cell, weight in zip(hill.cells.tolist(), hill.weights.tolist(), strict=True):
                row, column = divmod(cell, SIDE)
                inside = head.offsets(query[0], dense.keys[0, cell : cell + 1])[0]
                x += weight * (column + float(inside[0])) / SIDE
                y += weight * (row + float(inside[1])) / SIDE
            assert (point.x, point.y) == pytest.approx((x, y), abs=1e-5 if dtype == torch.float32 else 1e-2)
            assert point.score == hill.share


def test_two_looks_for_one_point_count_alike(model: SpatialVLM) -> None:
    assert model.point_head is not None
    dense = DenseFeatures(noise(1, SIDE * SIDE, 16, seed=3), SIDE)
    one, other = (model.point_head.read(noise(32, seed=seed), dense) for seed in (4, 5))
    ours, theirs = (
        model.point_head.read(noise(32, seed=seed), dense, before).probabilities
        for seed, before in ((4, other), (5, one))
    )
    assert torch.allclose(ours, theirs)
    assert float(ours.sum()) == pytest.approx(1, abs=1e-5)
    assert not torch.allclose(ours, one.probabilities)
    # One that is sure leaves the other its say only where it looks itself.
    cell = torch.zeros(SIDE, SIDE)
    cell[2, 3] = 1
    sure = replace(one, probabilities=cell)
    assert torch.equal(model.point_head.read(noise(32, seed=4), dense, sure).probabilities, cell)
    nothing = replace(one, probabilities=torch.zeros(SIDE, SIDE))
    alone = model.point_head.read(noise(32, seed=4), dense, nothing)
    assert torch.equal(alone.probabilities, one.probabilities)


def test_what_a_heatmap_writes_has_three_digits() -> None:
    heatmap = Heatmap(torch.ones(1, 1), (Point(0.12345, 0.9999, score=1.0), Point(0.5, 0.5)))
    assert heatmap.written == (0.123, 1.0)
