"""What a batch should cost, computed slowly: one question at a time through the whole model, one point at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from roborefer.models.compact_tokenizer import coordinate_ids, opening_id
from roborefer.models.point_head import DenseFeatures, PointHead
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import DEPTH_TOKEN, IMAGE_TOKEN
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.training.pointing.labels import SIDE, category_count, color_count
from roborefer.training.pointing.loss import LossWeights, PointingLoss
from roborefer.training.pointing.targets import region_cells, target_distribution
from roborefer.training.pointing.taught_view import TaughtPoint, TaughtQuestion, TaughtView


@dataclass
class Costs:
    """Every single term, to be averaged."""

    text: list[Tensor] = field(default_factory=list)
    heatmap: list[Tensor] = field(default_factory=list)
    hit: list[Tensor] = field(default_factory=list)
    offset: list[Tensor] = field(default_factory=list)
    things: list[tuple[Tensor, float]] = field(default_factory=list)
    places: list[Tensor] = field(default_factory=list)

    def total(self, weights: LossWeights) -> Tensor:
        things = sum(cost * weight for cost, weight in self.things) / sum(weight for _, weight in self.things)
        return (
            weights.text * mean(self.text)
            + weights.heatmap * mean(self.heatmap)
            + weights.hit * mean(self.hit)
            + weights.offset * mean(self.offset)
            + weights.dense * (things + mean(self.places))
        )


def mean(costs: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(costs)).mean()


def slow_costs(lesson: PointingLoss, processor: SpatialProcessor, views: Sequence[TaughtView], *, depth: bool) -> Costs:
    """The costs of all questions and pictures. The model is in evaluation mode, in float32."""
    costs = Costs()
    for view in views:
        model = lesson.model
        pixels = torch.from_numpy(processor.tile(view.image).pixels)
        depths = torch.from_numpy(processor.tile(view.depth, depth=True).pixels) if depth else None
        dense = model.look(pixels, depths)[2]
        for question in view.questions:
            ids, start = prompt_and_answer(processor, question, depth=depth)
            hidden = states(model, ids, pixels, depths)
            _add_question(costs, lesson, dense, question, ids[start:], hidden[-len(ids[start:]) - 1 :], processor)
        _add_picture(costs, lesson, dense, view)
    return costs


def prompt_and_answer(processor: SpatialProcessor, question: TaughtQuestion, *, depth: bool) -> tuple[list[int], int]:
    """All tokens of a question and its answer, and where the answer starts."""
    asked = processor.encode_text(
        IMAGE_TOKEN + (DEPTH_TOKEN if depth else "") + question.text, [1], [1] if depth else []
    )
    answered = processor.tokenizer(question.answer, add_special_tokens=False)["input_ids"]
    if question.ends_at_opening:
        answered = answered[: answered.index(opening_id(processor.tokenizer)) + 1]
    else:
        answered = [*answered, *processor.stop_token_ids]
    return [*asked, *answered], len(asked)


def states(model: SpatialVLM, ids: Sequence[int], pixels: Tensor, depths: Tensor | None) -> Tensor:
    """(S, H) final hidden states of a prompt, by the model's own fusion and language model."""
    images = model.encode_media(pixels, [None], depth=False)
    depth_features = [] if depths is None else model.encode_media(depths, [None], depth=True)
    fused = model.fuse(torch.tensor([list(ids)]), None, images, depth_features)
    output = model.llm.model(inputs_embeds=fused.inputs_embeds, use_cache=False)
    hidden: Tensor = output.last_hidden_state[0]
    return hidden


def _add_question(
    costs: Costs,
    lesson: PointingLoss,
    dense: DenseFeatures,
    question: TaughtQuestion,
    answered: Sequence[int],
    hidden: Tensor,
    processor: SpatialProcessor,
) -> None:
    """``hidden`` (A + 1, H): behind the question, and behind each token of its answer."""
    opening, coordinates = opening_id(processor.tokenizer), set(coordinate_ids(processor.tokenizer))
    points = list(question.points)
    spelled = 0  # tokens of a point that are left
    for place, token in enumerate(answered):
        if not (spelled and token in coordinates):
            logits = lesson.model.llm.lm_head(hidden[place])
            costs.text.append(logits.logsumexp(0) - logits[token])
        spelled = max(0, spelled - 1)
        if token == opening:
            spelled = 4
            _add_point(costs, lesson.model.point_head, dense, points.pop(0), hidden[place + 1])
    assert not points


def _add_point(costs: Costs, head: PointHead | None, dense: DenseFeatures, point: TaughtPoint, hidden: Tensor) -> None:
    if point.region is None or not point.region.any():
        return
    assert head is not None
    cells = torch.from_numpy(region_cells(point.region, dense.side))
    center = None if point.is_place else (point.x, point.y)
    wanted = torch.from_numpy(target_distribution(cells.numpy(), center, dense.side))
    first_wanted = wanted
    if point.anchors:
        found = [target_distribution(region_cells(anchor, dense.side), None, dense.side) for anchor in point.anchors]
        first_wanted = sum(torch.from_numpy(each) for each in found) / len(found)
    first, final, query = head.match(hidden[None, None], dense.keys)
    first, final = first[0, 0].log_softmax(0), final[0, 0].log_softmax(0)
    heatmap = hit = torch.zeros(())
    best, best_value = 0, -float("inf")
    for cell in range(dense.side**2):
        heatmap = heatmap - wanted[cell] * final[cell] - 0.3 * first_wanted[cell] * first[cell]
        hit = hit + final[cell].exp() * cells[0, cell]
        value = float(final[cell].detach() + cells[0, cell].clamp_min(1e-6).log())
        if value > best_value:
            best, best_value = cell, value
    said = head.offsets(query[0], dense.keys[0, best : best + 1])[0]
    costs.heatmap.append(heatmap)
    costs.hit.append(-hit.clamp_min(1e-4).log())
    costs.offset.append(((said[0] - cells[1, best]).abs() + (said[1] - cells[2, best]).abs()) / 2)


def _add_picture(costs: Costs, lesson: PointingLoss, dense: DenseFeatures, view: TaughtView) -> None:
    """Dense lessons: the grid of the model's cells, brought to that of the labels."""
    grid = dense.keys[0].T.reshape(1, -1, dense.side, dense.side)
    grid = torch.nn.functional.interpolate(grid, size=SIDE, mode="bilinear")
    said = lesson.lessons(grid)[0]
    categories, colors, labels = category_count(), color_count(), view.labels
    for cell in range(SIDE * SIDE):
        here = said[:, cell // SIDE, cell % SIDE]
        cost = torch.zeros(())
        for logits, right in (
            (here[:categories], labels.category[cell]),
            (here[categories : categories + colors], labels.color[cell]),
        ):
            cost = cost + logits.logsumexp(0) - logits[int(right)]
        costs.things.append((cost, 1.2 if labels.category[cell] else 0.2))
        if labels.known[cell]:
            away = (here[categories + colors :] - torch.from_numpy(labels.place[cell])).abs()
            costs.places.append(torch.where(away < 0.1, away**2 / 0.2, away - 0.05).sum())
