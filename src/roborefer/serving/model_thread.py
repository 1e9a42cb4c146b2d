"""What runs in the model's thread: it looks at new pictures, then answers a batch, and keeps failures apart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.depth import Depth, DepthMap
from roborefer.models.answering import Answer, Question
from roborefer.models.encoded_image import EncodedImage
from roborefer.predictor import Predictor, PromptInput
from roborefer.serving.asks import Ask, EstimatedDepth, PromptAsk, Reply
from roborefer.serving.decoding import DecodedPicture, DecodedPrompt
from roborefer.serving.preparation import PreparedPicture
from roborefer.serving.refusals import ModelFailed

# As of Predictor.query, where the ask names no bound.
_QUERY_TOKENS = 512

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Job:
    """An ask whose pictures are ready.

    Attributes:
        ask: What is asked.
        picture: About what.
        stopped: Whether nobody waits for it any more.
        on_text: Called with the text so far, from the model's thread.
    """

    ask: Ask | PromptAsk
    picture: PreparedPicture
    stopped: Callable[[], bool]
    on_text: Callable[[str], None] | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """What became of jobs.

    Attributes:
        outcomes: One per job: a reply, why there is none, or None where nobody waits for one any more.
        looks: Pictures that the model saw for the first time, and what it made of them.
        answer_s: How long writing took, seconds.
    """

    outcomes: list[Reply | Exception | None]
    looks: dict[PreparedPicture, EncodedImage] = field(default_factory=dict)
    answer_s: float = 0.0


class ModelThread:
    """Answers jobs; everything here runs in one thread, except looks at several new pictures.

    Args:
        predictor: With the model.
        max_new_tokens: Longest answer.
        looks: New pictures that are looked at side by side, in a thread each.
    """

    def __init__(self, predictor: Predictor, max_new_tokens: int, looks: int = 1) -> None:
        self._predictor, self._max_new_tokens = predictor, max_new_tokens
        self._lookers = ThreadPoolExecutor(looks, "look") if looks > 1 else None

    def close(self) -> None:
        """Look at nothing more."""
        if self._lookers is not None:
            self._lookers.shutdown(wait=False, cancel_futures=True)

    def warm_up(self) -> None:
        """Answer a short question, so that no caller pays for what is only done once."""
        encoded = self._predictor.encode_image(Image.new("RGB", (64, 64)))
        self._predictor.answer_together([self._predictor.question(encoded, "the middle", max_new_tokens=2)])

    def answer(self, jobs: Sequence[Job]) -> Batch:
        """Answer questions about any pictures together, or a single prompt. It never raises for a job's fault."""
        if isinstance(jobs[0].ask, PromptAsk):
            return self._answer_prompt(jobs[0])
        outcomes: dict[Job, Reply | Exception | None] = dict.fromkeys(jobs)
        wanted = [job for job in jobs if not job.stopped()]
        seen = self._seen([job.picture for job in wanted])
        asked: dict[Job, tuple[EncodedImage, Question]] = {}
        for job in wanted:
            encoded = seen[job.picture]
            if isinstance(encoded, Exception):
                outcomes[job] = encoded
                continue
            try:
                asked[job] = encoded, self._question(job, encoded)
            except Exception as error:
                outcomes[job] = _told_apart(error)
        looks = {
            picture: encoded
            for picture, encoded in seen.items()
            if picture.encoded is None and not isinstance(encoded, Exception)
        }
        started = time.perf_counter()
        answers = self._write([question for _, question in asked.values()])
        answer_s = time.perf_counter() - started
        for (job, (encoded, _)), answer in zip(asked.items(), answers, strict=True):
            look_ms = sum(encoded.timing_ms.values()) if job.picture in looks else 0.0
            times = {"look": look_ms, "answer": answer_s * 1e3}
            outcomes[job] = answer if isinstance(answer, Exception) else self._reply(job, encoded, answer, times)
        return Batch(list(outcomes.values()), looks, answer_s)

    def _seen(self, pictures: Sequence[PreparedPicture]) -> dict[PreparedPicture, EncodedImage | Exception]:
        """Pictures as the model sees them, each looked at once; or why one cannot be looked at."""
        seen: dict[PreparedPicture, EncodedImage | Exception] = {
            picture: picture.encoded for picture in pictures if picture.encoded is not None
        }
        new = [picture for picture in dict.fromkeys(pictures) if picture.encoded is None]
        # One alone stays in this thread, which has the model's tensors in its core's cache.
        found = map(self._look, new) if self._lookers is None or len(new) < 2 else self._lookers.map(self._look, new)
        return seen | dict(zip(new, found, strict=True))

    def _look(self, picture: PreparedPicture) -> EncodedImage | Exception:
        decoded = picture.decoded
        assert isinstance(decoded, DecodedPicture)  # an Ask's picture that is not encoded yet
        try:
            return self._predictor.encode_image(decoded.image, decoded.depth)
        except Exception as error:
            return _told_apart(error)

    def _question(self, job: Job, encoded: EncodedImage) -> Question:
        ask = job.ask
        assert isinstance(ask, Ask)  # prompts are answered alone
        if ask.kind == "query":
            length = _QUERY_TOKENS if ask.max_new_tokens is None else ask.max_new_tokens
            question = Question(encoded, ask.text, length, on_text=job.on_text, stopped=job.stopped)
        else:
            question = self._predictor.question(
                encoded,
                ask.text,
                reasoning=ask.reasoning,
                max_new_tokens=ask.max_new_tokens,
                on_text=job.on_text,
                stopped=job.stopped,
            )
        return replace(question, max_new_tokens=min(question.max_new_tokens, self._max_new_tokens))

    def _write(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        """Answers; where writing them together fails, halves are tried, so that only those at fault fail."""
        if not questions:
            return []
        try:
            return list(self._predictor.answer_together(questions))
        except Exception as error:
            if len(questions) == 1:
                return [_told_apart(error)]
            _log.warning("a batch of %d failed (%r): trying its halves", len(questions), error)
            middle = len(questions) // 2
            return self._write(questions[:middle]) + self._write(questions[middle:])

    def _reply(
        self, job: Job, encoded: EncodedImage, answer: Answer, times: dict[str, float]
    ) -> Reply | Exception | None:
        ask = job.ask
        if answer.finish == "cancelled" or not isinstance(ask, Ask):
            return None
        prediction = None
        if ask.kind == "point":
            try:
                prediction = self._predictor.prediction(
                    encoded, answer, ask.intrinsics, world_from_camera=ask.world_from_camera
                )
            except Exception as error:
                return _told_apart(error)
        return Reply(
            text=answer.text,
            prediction=prediction,
            image_size=encoded.image_size,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            finish=answer.finish,
            timing_ms=times,
        )

    # ---- prompts in the published form -----------------------------------------------------------------------------

    def _answer_prompt(self, job: Job) -> Batch:
        if job.stopped():
            return Batch([None])
        started = time.perf_counter()
        try:
            reply = self._written_prompt(job)
        except Exception as error:
            return Batch([_told_apart(error)])
        seconds = time.perf_counter() - started
        return Batch([replace(reply, timing_ms={"look": 0.0, "answer": seconds * 1e3})], answer_s=seconds)

    def _written_prompt(self, job: Job) -> Reply:
        ask, prompt = job.ask, job.picture.decoded
        assert isinstance(prompt, DecodedPrompt)  # a PromptAsk's parts
        length = min(ask.max_new_tokens or _QUERY_TOKENS, self._max_new_tokens)
        ids = self._predictor.generate_ids(self._prompt_inputs(prompt), max_new_tokens=length)
        processor = self._predictor.processor
        text = processor.decode(ids)
        if job.on_text is not None:
            job.on_text(text)
        words = [part for part in prompt.parts if isinstance(part, str)]
        images = [part for part in prompt.parts if isinstance(part, Image.Image)]
        return Reply(
            text=text,
            prediction=None,
            image_size=images[0].size if images else None,
            prompt_tokens=sum(len(processor.tokenizer(part)["input_ids"]) for part in words),
            completion_tokens=len(ids),
            finish="length" if len(ids) >= length else "stop",
        )

    def _prompt_inputs(self, prompt: DecodedPrompt) -> list[PromptInput]:
        inputs: list[PromptInput] = []
        picture: Image.Image | None = None
        for part in prompt.parts:
            if isinstance(part, EstimatedDepth):
                estimator = self._predictor.depth_estimator
                if picture is None or estimator is None:
                    raise InputError("expected a picture before the depth that is to be estimated, got none")
                inputs.append(_as_input(estimator.estimate(picture)))
            elif isinstance(part, DepthMap):
                inputs.append(_as_input(part))
            else:
                picture = part if isinstance(part, Image.Image) else picture
                inputs.append(part)
        return inputs


def _as_input(depth: DepthMap) -> Depth:
    numbers = depth.metres if depth.picture is None else depth.picture
    assert numbers is not None  # a DepthMap holds one of the two
    return Depth(numbers)


def _told_apart(error: Exception) -> Exception:
    """What the caller is told: an error that it can mend as it is, anything else as a defect that the log shows."""
    if isinstance(error, InputError):
        return error
    _log.error("the model failed on a question", exc_info=error)
    return ModelFailed()
