"""A model in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from roborefer.errors import InputError
from roborefer.evaluation.asking import DepthMode, Question, Reply
from roborefer.evaluation.runner import RunResults, RunSettings, evaluate
from roborefer.evaluation.samples import Benchmark
from roborefer.geometry.depth import DepthMap, read_depth
from roborefer.images import one_line, read_image

if TYPE_CHECKING:
    from roborefer.predictor import Predictor

MAX_NEW_TOKENS = 128
MAX_NEW_TOKENS_REASONING = 768


class LocalBackend:
    """Asks a predictor; questions about one picture are answered as one batch.

    Args:
        load: Gives the predictor; called when the first question comes, so that a run that has nothing left to ask
            loads nothing.
        depth_mode: Whether the model sees no depth, the benchmark's, or an estimate.
        max_new_tokens: Bound on a reply's length; 128, or 768 with reasoning.
    """

    def __init__(
        self, load: Callable[[], Predictor], *, depth_mode: DepthMode = "none", max_new_tokens: int | None = None
    ) -> None:
        self._load = load
        self._predictor: Predictor | None = None
        self.depth_mode = depth_mode
        self.max_new_tokens = max_new_tokens

    @property
    def predictor(self) -> Predictor:
        """The model, loaded once."""
        if self._predictor is None:
            self._predictor = self._load()
        return self._predictor

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        first = questions[0]
        if len(first.images) != 1:
            return [self._ask_about_several(question) for question in questions]
        picture = read_image(first.images[0])
        encoded = self.predictor.encode_image(picture, self._depth(first))
        replies: dict[int, str] = {}
        for pointing in (True, False):
            indices = [index for index, question in enumerate(questions) if question.pointing is pointing]
            if not indices:
                continue
            texts = self.predictor.query(
                encoded,
                [questions[index].text for index in indices],
                max_new_tokens=self._room(first.reasoning),
                # Random weights write no format of their own.
                constrained=pointing and self.predictor.untrained,
            )
            replies.update(zip(indices, texts, strict=True))
        return [Reply(replies[index]) for index in range(len(questions))]

    def _depth(self, question: Question) -> DepthMap | str | None:
        if self.depth_mode == "given":
            assert question.depth is not None  # the run saw to it
            return read_depth(question.depth)
        return "estimate" if self.depth_mode == "estimated" else None

    def _ask_about_several(self, question: Question) -> Reply:
        if self.depth_mode != "none":
            raise InputError("expected --depth none for questions about several pictures: their depth is not given")
        pictures = [read_image(source) for source in question.images]
        predictor = self.predictor
        try:
            text = predictor.generate([*pictures, question.text], max_new_tokens=self._room(question.reasoning))
        except InputError as error:  # a model that sees one picture at a time fails here, not elsewhere
            return Reply(None, one_line(error))
        return Reply(text)

    def _room(self, reasoning: bool) -> int:
        return self.max_new_tokens or (MAX_NEW_TOKENS_REASONING if reasoning else MAX_NEW_TOKENS)


def evaluate_predictor(
    predictor: Predictor,
    benchmark: Benchmark,
    *,
    depth: DepthMode = "none",
    reasoning: bool = False,
    out: Path | None = None,
    max_new_tokens: int | None = None,
) -> RunResults:
    """Judges a model that is loaded already, one in training for example.

    Args:
        predictor: The model.
        benchmark: Of :func:`roborefer.evaluation.benchmarks.opening.open_benchmark`.
        depth: What depth it sees.
        reasoning: Whether it is asked to reason.
        out: A new folder for the answers; nothing is written where None.
        max_new_tokens: Bound on a reply's length; 128, or 768 with reasoning.
    """
    backend = LocalBackend(lambda: predictor, depth_mode=depth, max_new_tokens=max_new_tokens)
    settings = RunSettings("a loaded model", depth=depth, reasoning=reasoning)
    return evaluate(benchmark, backend, settings, out)
