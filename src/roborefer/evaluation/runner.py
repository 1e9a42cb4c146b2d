"""A run: asks what has not been answered yet, writes each answer down, and scores them all."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import MappingProxyType
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.asking import Backend, DepthMode, Question, Reply
from roborefer.evaluation.journal import ANSWERS, AnswerLine, Journal, forget, opened_journal, read_answers
from roborefer.evaluation.packed_mask import PackedMask, pack_mask
from roborefer.evaluation.profiles import DEFAULT_PROFILE, PROFILES, Profile, question_text
from roborefer.evaluation.protocols import DEFAULT_PROTOCOL, ProtocolName
from roborefer.evaluation.samples import (
    Benchmark,
    MaskTarget,
    Sample,
    Source,
    is_pointing,
    read_mask,
)
from roborefer.evaluation.scoring import has_protocols, score_answer
from roborefer.evaluation.summary import ScoredSample, Summary, summarize
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.atomic_files import make_folder, write_json

RUN = "run.json"
RUN_FORMAT = "roborefer-evaluation-run-1"


@dataclass(frozen=True)
class RunSettings:
    """What the answers of a run depend on.

    Attributes:
        model: Whom it asks, as shown.
        fingerprint: What tells a model's weights apart; empty where that cannot be known.
        depth: What depth the model sees.
        reasoning: Whether it is asked to reason.
        profile: How it is asked and read.
        options: What else the backend's answers depend on.
    """

    model: str
    fingerprint: str = ""
    depth: DepthMode = "none"
    reasoning: bool = False
    profile: str = DEFAULT_PROFILE
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResults:
    """A run over a benchmark: every sample with its answer and score, and the summary.

    Attributes:
        benchmark: What was asked.
        settings: Of the run.
        answers: By key, for every sample.
        scored: In the benchmark's order.
        summary: Of the scores.
    """

    benchmark: Benchmark
    settings: RunSettings
    answers: Mapping[str, AnswerLine]
    scored: tuple[ScoredSample, ...]
    summary: Summary

    @property
    def failed(self) -> list[AnswerLine]:
        """Requests that failed, in the benchmark's order."""
        lines = (self.answers[item.sample.key] for item in self.scored)
        return [line for line in lines if line.raw is None]


def evaluate(
    benchmark: Benchmark,
    backend: Backend,
    settings: RunSettings,
    out: Path | None = None,
    *,
    batch_size: int = 16,
    workers: int = 1,
    retry_failed: bool = False,
    protocol: ProtocolName = DEFAULT_PROTOCOL,
    seed: int = 0,
    on_answers: Callable[[int], object] | None = None,
) -> RunResults:
    """Runs a benchmark, or goes on with a run that was cut off, and scores it.

    Args:
        benchmark: What to ask.
        backend: Whom.
        settings: What the answers depend on.
        out: The run's folder, which takes ``run.json`` and ``answers.jsonl``; nothing is written where None.
        batch_size: Most questions about one picture that the backend is given at once.
        workers: Threads that ask at the same time.
        retry_failed: Ask again what failed in an earlier run.
        protocol: By which the summary's scores are.
        seed: Of the bootstrap.
        on_answers: Told how many answers came, those of an earlier run first.

    Raises:
        InputError: The folder holds another run, a mask of a question not asked yet cannot be used, or the backend
            cannot be asked at all.
    """
    _check_protocol(benchmark, protocol)
    profile = PROFILES[settings.profile]
    questions = {sample.key: ask_about(sample, profile, settings) for sample in benchmark.samples}
    answers: dict[str, AnswerLine] = {}
    if out is not None:
        answers = _earlier_answers(out, benchmark, settings, questions, retry_failed)
    tell = on_answers or (lambda count: None)
    tell(sum(key in answers for key in questions))
    pending = [sample for sample in benchmark.samples if sample.key not in answers]
    checked = _checked_masks(pending)
    with opened_journal(out / ANSWERS) if out is not None else nullcontext() as journal:
        for lines in _ask_all(pending, questions, backend, batch_size, workers):
            _write_down(journal, lines)
            answers.update((line.key, line) for line in lines)
            tell(len(lines))
    return score_run(benchmark, settings, answers, protocol, seed, checked)


def score_run(
    benchmark: Benchmark,
    settings: RunSettings,
    answers: Mapping[str, AnswerLine],
    protocol: ProtocolName = DEFAULT_PROTOCOL,
    seed: int = 0,
    masks: Mapping[str, PackedMask] = MappingProxyType({}),
) -> RunResults:
    """Scores answers that are there already.

    Args:
        benchmark: What was asked.
        settings: Of the run.
        answers: By key; a sample without one counts as failed.
        protocol: By which the summary's scores are.
        seed: Of the bootstrap.
        masks: Those that were read already, by key.

    Raises:
        InputError: A sample's mask or depth cannot be used.
    """
    profile = PROFILES[settings.profile]
    known = dict(answers)
    scored = []
    for sample in benchmark.samples:
        line = known.setdefault(sample.key, AnswerLine(sample.key, sample.task, "", None, "it was never asked"))
        score = score_answer(
            sample,
            line.raw,
            profile,
            seen_size=line.seen_size,
            reasoning=settings.reasoning,
            mask=masks[sample.key].unpacked() if sample.key in masks else None,
        )
        scored.append(ScoredSample(sample, score, failed=line.raw is None))
    return RunResults(benchmark, settings, known, tuple(scored), summarize(scored, protocol, seed))


def ask_about(sample: Sample, profile: Profile, settings: RunSettings) -> Question:
    """The question that a sample is asked with.

    Raises:
        InputError: Depth is to be given, and the sample has none.
    """
    if settings.depth == "given" and sample.depth is None:
        raise InputError(
            f"expected depth files for --depth given, got none for {sample.key}: choose --depth none or estimated"
        )
    return Question(
        text=question_text(sample, profile, reasoning=settings.reasoning),
        images=sample.images,
        depth=sample.depth if settings.depth == "given" else None,
        object=sample.object,
        pointing=is_pointing(sample),
        reasoning=settings.reasoning,
    )


def _checked_masks(samples: Sequence[Sample]) -> dict[str, PackedMask]:
    """Reads the masks of questions that are to be asked, so that one that is of no use is found before."""
    packed = {
        sample.key: pack_mask(read_mask(sample.target, sample.image_size))
        for sample in samples
        if isinstance(sample.target, MaskTarget)
    }
    return {key: mask for key, mask in packed.items() if mask is not None}


def _check_protocol(benchmark: Benchmark, protocol: ProtocolName) -> None:
    if protocol != DEFAULT_PROTOCOL and not any(has_protocols(sample.target) for sample in benchmark.samples):
        raise InputError(
            f"expected --protocol {DEFAULT_PROTOCOL} for {benchmark.name}, got {protocol}: that rule is about masks as "
            "RefSpatial-Bench has them"
        )


# ---- earlier answers -------------------------------------------------------------------------------------------------


def _earlier_answers(
    out: Path, benchmark: Benchmark, settings: RunSettings, questions: Mapping[str, Question], retry_failed: bool
) -> dict[str, AnswerLine]:
    make_folder(out)
    content = {"format": RUN_FORMAT, "benchmark": benchmark.name, "settings": asdict(settings)}
    path = out / RUN
    answers = read_answers(out / ANSWERS) if path.exists() else {}
    if not answers:  # a run that was refused before its first answer is none
        if not path.exists() and (out / ANSWERS).exists():
            raise InputError(
                f"expected a new folder or one of this run, got {source_name(out)} with answers and no {RUN}: "
                "choose another --out"
            )
        write_json(path, content)
        return {}
    _check_same_run(path, content)
    for key, line in answers.items():
        if key in questions and line.question != questions[key].text:
            raise InputError(
                f"expected the answers of this run in {source_name(out)}, got one to another question for {key}: "
                "choose another --out"
            )
    failed = {key for key, line in answers.items() if line.raw is None}
    if retry_failed and failed:
        forget(out / ANSWERS, failed)
        answers = {key: line for key, line in answers.items() if key not in failed}
    return answers


def _check_same_run(path: Path, content: Mapping[str, Any]) -> None:
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        parts = {**earlier["settings"], "benchmark": earlier["benchmark"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot read {source_name(path)}: {one_line(error)}; choose another --out") from error
    wanted = json.loads(json.dumps({**content["settings"], "benchmark": content["benchmark"]}))
    other = [name for name in wanted if parts.get(name) != wanted[name]]
    if other:
        names = {"fingerprint": "weights"}
        raise InputError(
            f"expected a new folder or one of this run, got {source_name(path.parent)} of a run with other "
            f"{', '.join(names.get(name, name) for name in other)}: choose another --out"
        )


# ---- asking ----------------------------------------------------------------------------------------------------------


def _write_down(journal: Journal | None, lines: Sequence[AnswerLine]) -> None:
    if journal is not None:
        journal.add(lines)


def _ask_all(
    pending: Sequence[Sample], questions: Mapping[str, Question], backend: Backend, batch_size: int, workers: int
) -> Iterator[list[AnswerLine]]:
    """Answers as they come, a batch at a time."""
    batches = list(_batches(pending, questions, batch_size))
    if workers == 1:
        for batch in batches:
            yield _ask(batch, questions, backend)
        return
    yield from _in_threads(batches, lambda batch: _ask(batch, questions, backend), workers)


def _in_threads(
    batches: Sequence[list[Sample]], ask: Callable[[list[Sample]], list[AnswerLine]], workers: int
) -> Iterator[list[AnswerLine]]:
    """The same, asked by several threads.

    They are daemons: whoever stops a run does not wait for requests that nobody needs any more.
    """
    waiting: SimpleQueue[list[Sample]] = SimpleQueue()
    results: SimpleQueue[list[AnswerLine] | BaseException] = SimpleQueue()
    stopped = Event()
    for batch in batches:
        waiting.put(batch)

    def work() -> None:
        while not stopped.is_set():
            try:
                results.put(ask(waiting.get_nowait()))
            except Empty:
                return
            except BaseException as error:  # handed on to whoever waits for the results
                results.put(error)

    for number in range(min(workers, len(batches))):
        Thread(target=work, name=f"ask {number}", daemon=True).start()
    try:
        for _ in batches:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    except GeneratorExit:
        raise
    except BaseException:
        # Stopped or failed: what has not begun is never asked, and what is there already is not lost.
        stopped.set()
        yield from _left_in(results)
        raise
    finally:
        stopped.set()


def _left_in(results: SimpleQueue[list[AnswerLine] | BaseException]) -> Iterator[list[AnswerLine]]:
    with suppress(Empty):
        while True:
            result = results.get_nowait()
            if not isinstance(result, BaseException):
                yield result


def _batches(
    pending: Sequence[Sample], questions: Mapping[str, Question], batch_size: int
) -> Iterator[list[Sample]]:  # fmt: skip
    """Samples about equal pictures together, in the order of the first of them."""
    if batch_size == 1:
        yield from ([sample] for sample in pending)
        return
    groups: dict[tuple[str, ...], list[Sample]] = {}
    for sample in pending:
        question = questions[sample.key]
        sources = (*question.images, *(() if question.depth is None else (question.depth,)))
        groups.setdefault(tuple(_digest(source) for source in sources), []).append(sample)
    for group in groups.values():
        for start in range(0, len(group), batch_size):
            yield group[start : start + batch_size]


def _digest(source: Source) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {source_name(source)}: {error.strerror}") from error


def _ask(batch: Sequence[Sample], questions: Mapping[str, Question], backend: Backend) -> list[AnswerLine]:
    started = time.perf_counter()
    try:
        replies: Sequence[Reply] = backend.ask([questions[sample.key] for sample in batch])
    except InputError:
        _check_pictures(batch, questions)
        raise
    seconds = round((time.perf_counter() - started) / len(batch), 3)
    return [
        AnswerLine(
            key=sample.key,
            task=sample.task,
            question=questions[sample.key].text,
            raw=reply.text,
            error=reply.error,
            seen_size=reply.seen_size,
            attempts=reply.attempts,
            seconds=seconds,
        )
        for sample, reply in zip(batch, replies, strict=True)
    ]


def _check_pictures(batch: Sequence[Sample], questions: Mapping[str, Question]) -> None:
    """Says whose picture it was, if that is why nothing could be asked."""
    for sample in batch:
        for source in questions[sample.key].images:
            try:
                read_image(source)
            except InputError as error:
                raise InputError(f"{error}; this is a picture of {sample.key}") from error
