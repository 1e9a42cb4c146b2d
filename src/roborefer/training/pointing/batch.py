"""From views to tensors: prefixes that all questions of a picture share, and question rows grouped by length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from roborefer.errors import InputError
from roborefer.models.compact_tokenizer import coordinate_ids, opening_id
from roborefer.models.processor import SpatialProcessor
from roborefer.models.projector import tokens_per_tile
from roborefer.models.prompt import DEPTH_TOKEN, IGNORE_INDEX, IMAGE_TOKEN
from roborefer.training.pointing.labels import DenseLabels
from roborefer.training.pointing.shared_prefix import RowGroup
from roborefer.training.pointing.targets import region_cells, target_distribution
from roborefer.training.pointing.taught_view import TaughtPoint, TaughtQuestion, TaughtView

Modality = Literal["rgbd", "rgb", "depth"]

# The questions of a batch are cut into groups by length at these shares, and padded to the longest of their group for
# attention: most are of like length, and few have steps.
_GROUP_ENDS = (0.3, 0.6, 0.85, 0.93, 1.0)
# Behind an opening stand "0.341", ",", " " and "0.610".
_POINT_TOKENS = 4


@dataclass(frozen=True)
class Modalities:
    """How often pictures come without depth, and without anything but depth.

    Attributes:
        rgb: Share of batches in which depth is left out of the prompt.
        depth: Share of batches whose pictures are plain gray, so that depth has to be used.
    """

    rgb: float = 0.25
    depth: float = 0.05

    def draw(self, random: np.random.Generator) -> Modality:
        """What a batch is shown."""
        value = random.random()
        if value < self.rgb:
            return "rgb"
        return "depth" if value < self.rgb + self.depth else "rgbd"


@dataclass(frozen=True)
class _Row:
    """One question: token ids, labels, and its points with the position of the token that opens each."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    points: tuple[tuple[int, TaughtPoint], ...]


class PointingCollator:
    """Views -> the keyword arguments of :class:`PointingLoss`. All views of a batch have the same modality.

    Args:
        processor: With a compact tokenizer, so that an opening and each coordinate are one token.
        side: Cells along each side of the heatmap.
        modalities: Of training; None for all that the model takes, without augmentation.
    """

    def __init__(self, processor: SpatialProcessor, side: int, modalities: Modalities | None) -> None:
        self._processor, self._side, self._modalities = processor, side, modalities
        self._opening = opening_id(processor.tokenizer)
        self._coordinates = frozenset(coordinate_ids(processor.tokenizer))
        self._prefixes = {with_depth: _prefix_ids(processor, with_depth=with_depth) for with_depth in (False, True)}
        config = processor.config
        patches = (config.tile_size // config.vision_config.patch_size) ** 2
        self._image_features = tokens_per_tile(config.mm_projector_type, patches)
        self._depth_features = 0
        if config.depth_projector_type is not None:
            self._depth_features = tokens_per_tile(config.depth_projector_type, patches)

    def __call__(self, views: Sequence[tuple[TaughtView, int]]) -> dict[str, Any]:
        """Each view comes with the seed of its chance.

        Raises:
            InputError: the views have no question at all.
        """
        modality = self._modality(seed=views[0][1])
        with_depth = modality != "rgb"
        rows = [
            (picture, self._row(question, with_depth=with_depth))
            for picture, (view, _) in enumerate(views)
            for question in view.questions
        ]
        if not rows:
            raise InputError(f"expected views with questions, got {len(views)} without any: generate other scenes")
        prefix = self._prefixes[with_depth]
        # A newline stands behind the features of each picture, and both stand in place of the media token.
        features = self._image_features + (self._depth_features if with_depth else 0)
        return {
            "prefix_ids": torch.tensor(prefix),
            **self._pictures(views, modality),
            **_dense_labels([view.labels for view, _ in views]),
            **self._questions(sorted(rows, key=_length), len(views), first_position=len(prefix) + features),
        }

    def _modality(self, seed: int) -> Modality:
        if not self._processor.config.has_depth:
            return "rgb"
        return "rgbd" if self._modalities is None else self._modalities.draw(np.random.default_rng((seed, 1)))

    def _pictures(self, views: Sequence[tuple[TaughtView, int]], modality: Modality) -> dict[str, Tensor]:
        """``pixel_values`` and, unless they are left out, ``depth_values``: (B, 3, S, S) each."""
        pixels = np.concatenate(
            [self._processor.tile(self._augmented(view.image, seed)).pixels for view, seed in views]
        )
        if modality == "depth":
            pixels = np.zeros_like(pixels)
        pictures = {"pixel_values": torch.from_numpy(pixels)}
        if modality != "rgb":
            depths = [self._processor.tile(view.depth, depth=True).pixels for view, _ in views]
            pictures["depth_values"] = torch.from_numpy(np.concatenate(depths))
        return pictures

    def _augmented(self, image: Image.Image, seed: int) -> Image.Image:
        """In training: a little brighter or darker, with more or less contrast and colour."""
        if self._modalities is None:
            return image
        random = np.random.default_rng((seed, 2))
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = enhance(image).enhance(random.uniform(0.75, 1.25))
        return image

    def _row(self, question: TaughtQuestion, *, with_depth: bool) -> _Row:
        """Token ids behind the shared prefix, labels, and where points open."""
        pictures = (1,), (1,) if with_depth else ()
        asked = self._processor.encode_question(self._prefixes[with_depth], question.text, *pictures)
        answered = self._processor.tokenizer(question.answer, add_special_tokens=False)["input_ids"]
        ids = [*asked, *answered, *self._processor.stop_token_ids]
        opened = [index for index, token in enumerate(ids) if token == self._opening and index >= len(asked)]
        labels = [IGNORE_INDEX] * len(asked) + ids[len(asked) :]
        for start in opened:
            # The coordinate is read from the heatmap: x and y teach the text nothing.
            for index in range(start + 1, min(start + 1 + _POINT_TOKENS, len(ids))):
                labels[index] = IGNORE_INDEX if ids[index] in self._coordinates else ids[index]
        taught = question.points if len(opened) == len(question.points) else ()
        # What follows a point is always the same, and needs no lesson every time.
        end = opened[0] + 1 if question.ends_at_opening and len(opened) == 1 else len(ids)
        return _Row(tuple(ids[:end]), tuple(labels[:end]), tuple(zip(opened, taught, strict=False)))

    def _questions(self, rows: Sequence[tuple[int, _Row]], pictures: int, first_position: int) -> dict[str, Any]:
        """Tokens of all questions in one line, the groups that they make, and the points that they hold."""
        ids: list[int] = []
        targets: list[int] = []
        positions: list[int] = []
        points: list[list[tuple[int, TaughtPoint]]] = [[] for _ in range(pictures)]
        for picture, row in rows:
            points[picture] += [(len(ids) + place, point) for place, point in row.points if _is_known(point)]
            ids += row.ids
            targets += [*row.labels[1:], IGNORE_INDEX]
            positions += range(first_position, first_position + len(row.ids))
        return {
            "input_ids": torch.tensor(ids),
            "targets": torch.tensor(targets),
            "positions": torch.tensor(positions),
            "groups": _row_groups(rows),
            **self._points(points),
        }

    def _points(self, pictures: Sequence[Sequence[tuple[int, TaughtPoint]]]) -> dict[str, Tensor]:
        """Points by picture: where they open, and the regions that are right; padded to the most of any picture."""
        most, cells = max(1, *(len(points) for points in pictures)), self._side**2
        tokens = torch.zeros(len(pictures), most, dtype=torch.long)
        known = torch.zeros(len(pictures), most, dtype=torch.bool)
        regions = torch.zeros(len(pictures), most, 3, cells)
        wanted = torch.zeros(len(pictures), most, cells)
        first = torch.zeros(len(pictures), most, cells)
        for picture, points in enumerate(pictures):
            for number, (token, point) in enumerate(points):
                assert point.region is not None
                region = region_cells(point.region, self._side)
                center = None if point.is_place else (point.x, point.y)
                tokens[picture, number], known[picture, number] = token, True
                regions[picture, number] = torch.from_numpy(region)
                wanted[picture, number] = torch.from_numpy(target_distribution(region, center, self._side))
                first[picture, number] = self._first_look(point, wanted[picture, number])
        return {
            "point_tokens": tokens,
            "point_known": known,
            "point_regions": regions,
            "point_wanted": wanted,
            "point_first": first,
        }

    def _first_look(self, point: TaughtPoint, wanted: Tensor) -> Tensor:
        """Where the first scores should lead: to the things that describe the point, or to the point itself."""
        anchors = [region_cells(anchor, self._side) for anchor in point.anchors if anchor.any()]
        if not anchors:
            return wanted
        return torch.from_numpy(np.mean([target_distribution(cells, None, self._side) for cells in anchors], axis=0))


def _length(row: tuple[int, _Row]) -> int:
    return len(row[1].ids)


def _is_known(point: TaughtPoint) -> bool:
    return point.region is not None and bool(point.region.any())


def _dense_labels(labels: Sequence[DenseLabels]) -> dict[str, Tensor]:
    """Those of all pictures, by name: (B, SIDE*SIDE) or (B, SIDE*SIDE, 3)."""
    return {
        "category": torch.from_numpy(np.stack([shown.category for shown in labels])),
        "color": torch.from_numpy(np.stack([shown.color for shown in labels])),
        "place": torch.from_numpy(np.stack([shown.place for shown in labels])),
        "known": torch.from_numpy(np.stack([shown.known for shown in labels])),
    }


def _row_groups(rows: Sequence[tuple[int, _Row]]) -> list[RowGroup]:
    """Rows, sorted by length, cut into groups and padded within them."""
    bounds = sorted({round(len(rows) * share) for share in (0.0, *_GROUP_ENDS)})
    groups, start = [], 0
    for first, end in pairwise(bounds):
        lengths = [len(row.ids) for _, row in rows[first:end]]
        tokens = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
        for number, length in enumerate(lengths):
            tokens[number, :length] = torch.arange(start, start + length)
            start += length
        filled = torch.arange(tokens.shape[1])[None] < torch.tensor(lengths)[:, None]
        pictures = torch.tensor([picture for picture, _ in rows[first:end]])
        groups.append(RowGroup(tokens, filled.flatten().nonzero()[:, 0], pictures))
    return groups


def _prefix_ids(processor: SpatialProcessor, *, with_depth: bool) -> list[int]:
    """The prompt up to and with its last media token: what all questions of a picture begin with."""
    text, depths = (IMAGE_TOKEN + DEPTH_TOKEN, [1]) if with_depth else (IMAGE_TOKEN, [])
    ids = processor.encode_text(text, [1], depths)
    media = processor.tokenizer.convert_tokens_to_ids(DEPTH_TOKEN if with_depth else IMAGE_TOKEN)
    return ids[: ids.index(media) + 1]
