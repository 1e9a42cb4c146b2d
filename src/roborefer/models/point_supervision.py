"""What fine-tuning teaches a point head: the coordinates that stand in the answers.

A generic training record knows its points only as text. Behind each supervised opening ``[(`` the coordinate's tokens
become the target of the heatmap, and no longer of the words. Training from scratch, which knows whole regions, is in
``roborefer.training.pointing``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from roborefer.models.attention import full_attention_mask
from roborefer.models.compact_tokenizer import PointTokens
from roborefer.models.fusion import pack, with_newline
from roborefer.models.point_head import DenseFeatures, PointHead
from roborefer.models.prompt import IGNORE_INDEX

_SPREAD_CELLS = 0.7  # of the target around a point, standard deviation
_FIRST_LOOK = 0.3
# Of a point next to a word: as much as the words of the shortest answer around it.
_POINT_WEIGHT = 4.0


def loss_with_points(
    model: Any,
    input_ids: Tensor,
    attention_mask: Tensor | None,
    pixel_values: Tensor | None,
    depth_values: Tensor | None,
    labels: Tensor,
    *,
    packed: bool,
) -> Tensor:
    """The loss of a model with a point head: cross-entropy of supervised words, and of points :func:`point_loss`.

    The sum over words, and over points times four, is divided by the number of supervised tokens, coordinates
    included: losses of batches that are weighed by that number add up, however a step is cut into batches.

    Args:
        model: A ``SpatialVLM`` with a point head.
        input_ids, attention_mask, pixel_values, depth_values, labels, packed: Of its ``forward``.
    """
    images, depths, seen = see_pictures(model, pixel_values, depth_values)
    fused = model.fuse(input_ids, attention_mask, images, depths, labels)
    count = (fused.labels[:, 1:] != IGNORE_INDEX).sum().clamp(min=1)
    pictures, depth_pictures = (
        last_pictures(input_ids, token) for token in (model.image_token_id, model.depth_token_id)
    )
    # In a text without any picture a point is nowhere to be seen: there coordinates are words like others.
    with_picture = torch.tensor([picture is not None for picture in pictures], device=labels.device)
    points, words = take_points(fused.labels, model.point_tokens, with_picture)
    fused = replace(fused, labels=words)
    lengths = fused.attention_mask.sum(dim=1)
    if packed:
        embeddings, positions, words = pack(fused)
        options = {
            "attention_mask": full_attention_mask(model.llm.config.layer_types),
            "packed_lengths": lengths.tolist(),
        }
    else:
        embeddings, positions, options = fused.inputs_embeds, None, {"attention_mask": fused.attention_mask}
    hidden = model.llm.model(
        inputs_embeds=embeddings, position_ids=positions, use_cache=False, **options
    ).last_hidden_state
    loss: Tensor = model.supervised_loss(hidden, words, count)
    if len(points.row):
        if packed:
            states = hidden[0, points.place + (lengths.cumsum(0) - lengths)[points.row]]
        else:
            states = hidden[points.row, points.place]
        dense = dense_of_points(model.point_head, seen, pictures, depth_pictures, points.row)
        loss = loss + _POINT_WEIGHT * point_loss(model.point_head, states, dense, points.xy).sum() / count
    return loss + _idle_parts(model, hidden[0, :1], seen) if model.run_every_part else loss


def _idle_parts(model: Any, states: Tensor, seen: TowerFeatures) -> Tensor:
    """A 0 in which the head, and what saw a blank tile, had a part.

    Args:
        model: A ``SpatialVLM`` with a point head.
        states: (1, H) of the decoder.
        seen: Of the batch.
    """
    first_tiles = (None if part is None else (part[0][:1], part[1][:1]) for part in (seen.vision, seen.depth))
    dense = model.point_head.look(*first_tiles)
    found = point_loss(model.point_head, states, dense, torch.full((1, 2), 0.5, device=model.device))
    return 0.0 * (found.sum() + sum(block.sum() for block in seen.blank))


def see_pictures(
    model: Any, pixel_values: Tensor | None, depth_values: Tensor | None
) -> tuple[list[Tensor], list[Tensor], TowerFeatures]:
    """Features for every media token of a batch, and what the towers gave for them.

    Args:
        model: A ``SpatialVLM`` with a point head. With ``run_every_part`` a tower without pictures sees a blank tile.
        pixel_values, depth_values: Of its ``forward``.
    """
    images, vision, no_image = _see(model, model.vision_tower, model.mm_projector, pixel_values)
    depths, depth, no_depth = _see(model, model.depth_tower, model.depth_projector, depth_values)
    return images, depths, TowerFeatures(vision, depth, (*no_image, *no_depth))


def _see(
    model: Any, tower: Any, projector: Any, pixels: Tensor | None
) -> tuple[list[Tensor], tuple[Tensor, Tensor] | None, list[Tensor]]:
    """What the language model reads of each picture, what the tower gave, and what is read of a blank tile instead."""
    blank = pixels is None or not len(pixels)
    if tower is None or (blank and not model.run_every_part):
        return [], None, []
    if pixels is None or blank:
        pixels = torch.zeros(1, 3, model.config.tile_size, model.config.tile_size)
    features = tower.dense(pixels.to(device=model.device, dtype=model.dtype))
    blocks = list(with_newline(projector(features[0]), model.newline()))
    return ([], features, blocks) if blank else (blocks, features, [])


@dataclass(frozen=True, eq=False)
class SupervisedPoints:
    """The points of a batch's answers.

    Attributes:
        row, place: (K,) int64: where each opens in the fused batch.
        xy: (K, 2) float32, 0-1.
    """

    row: Tensor
    place: Tensor
    xy: Tensor


def take_points(labels: Tensor, tokens: PointTokens | None, with_picture: Tensor) -> tuple[SupervisedPoints, Tensor]:
    """The points of supervised text, and labels (B, F) in which their coordinates are no words to be learned.

    Args:
        labels: (B, F) int64, ``IGNORE_INDEX`` where nothing is supervised.
        tokens: Of the tokenizer.
        with_picture: (B,) bool: rows in which a point can be looked for; the others keep their words.
    """
    if tokens is None:
        raise ValueError("expected a tokenizer in which points are tokens, for a model with a point head; got another")
    value_of = torch.full((max(tokens.coordinates) + 2,), -1, device=labels.device)
    value_of[torch.tensor(tokens.coordinates, device=labels.device)] = torch.arange(
        len(tokens.coordinates), device=labels.device
    )
    values = value_of[labels.clamp(min=-1, max=len(value_of) - 1)]
    rows, places, points = [], [], []
    left = labels.clone()
    for row, place in ((labels == tokens.opening) & with_picture[:, None]).nonzero().tolist():
        # x, a comma, perhaps a blank, y
        found = [index for index in range(place + 1, min(place + 5, labels.shape[1])) if values[row, index] >= 0]
        if len(found) == 2 and found[0] == place + 1:
            rows.append(row)
            places.append(place)
            points.append([int(values[row, index]) / (len(tokens.coordinates) - 1) for index in found])
            left[row, found] = IGNORE_INDEX
    device = labels.device
    taken = SupervisedPoints(
        torch.tensor(rows, dtype=torch.long, device=device),
        torch.tensor(places, dtype=torch.long, device=device),
        torch.tensor(points, dtype=torch.float32, device=device).reshape(-1, 2),
    )
    return taken, left


@dataclass(frozen=True, eq=False)
class TowerFeatures:
    """What the towers gave for all pictures of a batch; see :meth:`VisionTower.dense`.

    Attributes:
        vision: Patches and stem features of the pictures, in prompt order; None without any.
        depth: Of the depth pictures, if there are any.
        blank: What the language model would have read of blank tiles.
    """

    vision: tuple[Tensor, Tensor] | None
    depth: tuple[Tensor, Tensor] | None
    blank: tuple[Tensor, ...] = ()


def last_pictures(input_ids: Tensor, token: int) -> list[int | None]:
    """For each row of a batch (B, S), which of all its pictures is the row's last; None in a row without any."""
    counts = (input_ids == token).sum(dim=1).tolist()
    last, seen = [], 0
    for count in counts:
        seen += count
        last.append(seen - 1 if count else None)
    return last


def dense_of_points(
    head: PointHead,
    seen: TowerFeatures,
    pictures: list[int | None],
    depth_pictures: list[int | None],
    rows: Tensor,
) -> DenseFeatures:
    """Features (K, S*S, P) of the last picture of each point's row, with the row's last depth if it has one.

    Args:
        head: Of the model.
        seen: By the towers.
        pictures, depth_pictures: Of each row, from :func:`last_pictures`.
        rows: (K,) the points' rows, each of which has a picture.
    """
    if seen.vision is None:
        raise ValueError("expected the features of pictures, got none")
    keys: dict[int, Tensor] = {}
    for with_depth in (False, True):
        chosen = [row for row in sorted(set(rows.tolist())) if (depth_pictures[row] is not None) is with_depth]
        if not chosen:
            continue
        vision = tuple(part[[pictures[row] for row in chosen]] for part in seen.vision)
        depth = None
        if with_depth and seen.depth is not None:
            depth = tuple(part[[depth_pictures[row] for row in chosen]] for part in seen.depth)
        found = head.look(vision, depth).keys  # type: ignore[arg-type]
        keys.update(zip(chosen, found, strict=True))
    return DenseFeatures(torch.stack([keys[row] for row in rows.tolist()]), head.side)


def point_loss(head: PointHead, states: Tensor, dense: DenseFeatures, xy: Tensor) -> Tensor:
    """(K,): of each point the heatmap's cross-entropy plus the offset's error (in cells, mean of x and y).

    Args:
        head: Of the model.
        states: (K, H) decoder states behind the openings.
        dense: Features of each point's picture, (K, S*S, P).
        xy: (K, 2), 0-1.
    """
    side = dense.side
    first, scores, query = (tensor[:, 0] for tensor in head.match(states[:, None], dense.keys))
    scaled = (xy * side).clamp(0, side - 1e-3)
    cell = scaled.floor()
    middle = torch.arange(side, device=xy.device) + 0.5
    distance = (middle[None, :] - scaled[:, :1]) ** 2, (middle[None, :] - scaled[:, 1:]) ** 2
    nearness = -(distance[1][:, :, None] + distance[0][:, None, :]).flatten(1) / (2 * _SPREAD_CELLS**2)
    wanted = torch.softmax(nearness, dim=-1)
    log_final = F.log_softmax(scores.float(), dim=-1)
    log_first = F.log_softmax(first.float(), dim=-1)
    heatmap = -(wanted * (log_final + _FIRST_LOOK * log_first)).sum(dim=-1)
    index = (cell[:, 1] * side + cell[:, 0]).long()
    keys = dense.keys[torch.arange(len(index), device=index.device), index]
    error: Tensor = (head.offsets(query, keys) - (scaled - cell)).abs().mean(dim=-1)
    return heatmap + error
