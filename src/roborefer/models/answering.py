"""Questions about pictures that were looked at, answered together, each as if it were asked alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from roborefer.models.encoded_image import EncodedImage
from roborefer.models.generation import Finish, OpenSequence, PointGuide, generate_together
from roborefer.models.point_head import Heatmap
from roborefer.models.point_reading import PointReader
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked about a picture.

    Attributes:
        image: The picture, as the model that answers has seen it.
        text: The whole text that the model is asked.
        max_new_tokens: Bound on the answer's length.
        constrained: Let the model choose only the digits of one point.
        on_text: Called with the text so far, as it appears.
        stopped: Asked between tokens; the answer ends, as "cancelled", where it says True.
    """

    image: EncodedImage
    text: str
    max_new_tokens: int
    constrained: bool = False
    on_text: Callable[[str], None] | None = None
    stopped: Callable[[], bool] | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model wrote.

    Attributes:
        text: Without the token that ended it.
        heatmaps: Of the points in the text, in its order; of a model with a point head.
        notes: What a reader should know.
        prompt_tokens: Tokens that the model read, those of the picture among them.
        completion_tokens: Tokens that it wrote.
        finish: Why it ended.
    """

    text: str
    heatmaps: tuple[Heatmap, ...]
    notes: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    finish: Finish


def answer_together(model: SpatialVLM, processor: SpatialProcessor, questions: Sequence[Question]) -> list[Answer]:
    """One answer per question, with the text that it has when it is asked alone.

    Args:
        model: In evaluation mode; the one that looked at the pictures.
        processor: Of the same checkpoint.
        questions: Any number, about any pictures.
    """
    prompts = [_question_ids(processor, question) for question in questions]
    limit = model.config.model_max_length
    rooms = [max(limit - question.image.prefix.length, 1) for question in questions]
    reader = None
    if model.point_head is not None:
        reader = PointReader(model.point_head, [question.image.dense for question in questions], processor.tokenizer)
    opened = [
        OpenSequence(
            embeddings=_embed(model, ids[:room]),
            max_new_tokens=question.max_new_tokens,
            prefix=question.image.prefix,
            guide=PointGuide(processor.tokenizer) if question.constrained else None,
            on_token=None if question.on_text is None else _TextSoFar(processor, question.on_text),
            stopped=question.stopped,
        )
        for question, ids, room in zip(questions, prompts, rooms, strict=True)
    ]
    written = generate_together(model.llm, opened, stop_token_ids=processor.stop_token_ids, reader=reader)
    return [
        Answer(
            text=processor.decode(continuation.ids),
            heatmaps=() if reader is None else tuple(reader.heatmaps[index]),
            notes=(f"the prompt was cut at {limit} tokens",) if len(ids) > room else (),
            prompt_tokens=question.image.prefix.length + min(len(ids), room),
            completion_tokens=len(continuation.ids),
            finish=continuation.finish,
        )
        for index, (question, ids, room, continuation) in enumerate(
            zip(questions, prompts, rooms, written, strict=True)
        )
    ]


class _TextSoFar:
    """Turns tokens, as they appear, into the text so far."""

    def __init__(self, processor: SpatialProcessor, on_text: Callable[[str], None]) -> None:
        self._processor, self._on_text = processor, on_text
        self._ids: list[int] = []

    def __call__(self, token: int) -> None:
        self._ids.append(token)
        self._on_text(self._processor.decode(self._ids))


def _question_ids(processor: SpatialProcessor, question: Question) -> list[int]:
    image = question.image
    return processor.encode_question(image.prefix_ids, question.text, image.image_counts, image.depth_counts)


def _embed(model: SpatialVLM, ids: Sequence[int]) -> Tensor:
    with torch.inference_mode():
        embeddings: Tensor = model.get_input_embeddings()(torch.tensor(ids, device=model.device))
    return embeddings
