"""Thousands of requests of all protocols to a real server, some of them broken: is any lost, and does it stay well?

Every good request must be answered with exactly what the bare model answers to it, every broken one with the 4xx that
fits it (pictures cut short, decompression bombs, wrong types, broken JSON and forms, NaN and huge numbers, slow
senders), callers that leave in the middle must leave nothing behind, and in the end the server must have an empty
queue, no more memory (50 MB at most), no more open files, a log without a failure, and must have written no file.

The server is a process of its own on a free port of this machine, with an empty folder for its files and room for half
of the pictures that it is asked about, so that its memory of pictures is full from the beginning. It is stopped in the
end. The exit status is 1 if anything was not as it must be.

Usage:
    python benchmarks/soak.py --requests 500                      # a short one to try it out
    python benchmarks/soak.py --output benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tqdm import tqdm

from reporting import machine, percentiles, write_report
from server_process import ServerProcess, client_of, served, stop_with_this_process
from soak_faults import MAX_BODY_MB, Fault, FaultMaker
from soak_questions import INSTRUCTIONS, LONGEST_ANSWER, Question, make_pictures, make_questions
from soak_sending import LEFT, send_fault

MOST_GROWTH_MB = 50.0
_ANSWERS_WITHIN_S = 90.0
_WARM_UP_S = 600.0
_SHOWN_VIOLATIONS = 20
_SAMPLES = 20


@dataclass(frozen=True)
class Soak:
    """What is sent.

    Attributes:
        requests: How many, after the warm-up.
        broken: Share of broken ones.
        callers: How many at a time.
        seconds: No request is begun later than that.
        pictures: How many different ones.
        upload_seconds: How long the server lets a request take to be sent.
        threads: Of the model.
        seed: Decides pictures and order.
    """

    requests: int = 10_000
    broken: float = 0.05
    callers: int = 16
    seconds: float = 540.0
    pictures: int = 16
    upload_seconds: float = 5.0
    threads: int = 2
    seed: int = 0


@dataclass
class Tally:
    """What became of the requests."""

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def count(self) -> int:
        """Requests that are over."""
        return sum(self.answered.values()) + sum(self.refused.values())


def main() -> None:
    arguments = _parse_arguments()
    stop_with_this_process()
    names = ("requests", "broken", "callers", "seconds", "pictures", "upload_seconds", "threads", "seed")
    settings = Soak(**{name: getattr(arguments, name) for name in names})
    report = {"command": "python " + " ".join(sys.argv), "machine": machine(), "model": arguments.model or "packaged"}
    report |= soak(arguments.model, settings)
    write_report(arguments.output, report)
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["violations"] else 0)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Soak()
    parser.add_argument("--model", default="", help="a checkpoint folder; the packaged model if left out")
    parser.add_argument("--requests", type=int, default=default.requests)
    parser.add_argument("--broken", type=float, default=default.broken, help="share of broken ones, 0-1")
    parser.add_argument("--callers", type=int, default=default.callers, help="requests at a time")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="no request is begun later than that")
    parser.add_argument("--pictures", type=int, default=default.pictures, help="different pictures")
    parser.add_argument(
        "--upload-seconds", type=float, default=default.upload_seconds, help="until a slow sender's end"
    )
    parser.add_argument("--threads", type=int, default=default.threads, help="of the model")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--output", type=Path, default=None, help="JSON file")
    return parser.parse_args()


def soak(model: str, settings: Soak) -> dict[str, Any]:
    """Run it; what came of it, with ``violations`` of what must hold.

    Args:
        model: A checkpoint folder; the packaged model if empty.
        settings: What is sent.
    """
    questions, kept_mb = _questions(model, settings)
    faults = FaultMaker(settings.seed).faults()
    options = ["--max-new-tokens", str(LONGEST_ANSWER), "--max-body-mb", str(MAX_BODY_MB)]
    options += ["--cache-mb", f"{kept_mb / 2:.3f}", "--max-upload-seconds", str(settings.upload_seconds)]
    with served(model, options, threads=settings.threads) as server:
        return asyncio.run(_Run(server, settings, questions, faults).report())


def _questions(model: str, settings: Soak) -> tuple[list[Question], float]:
    """Good requests with their answers, and the memory for all of their pictures, MiB."""
    import torch

    import roborefer

    torch.set_num_threads(settings.threads)
    predictor = roborefer.load(model or None, "cpu")
    pictures = make_pictures(predictor, settings.pictures, settings.seed)
    return make_questions(predictor, pictures, INSTRUCTIONS), sum(picture.num_bytes for picture in pictures) / (1 << 20)


class _Run:
    """One run against one server."""

    def __init__(
        self, server: ServerProcess, settings: Soak, questions: Sequence[Question], faults: Sequence[Fault]
    ) -> None:
        self._server, self._settings = server, settings
        self._questions, self._faults = questions, faults
        self._tally = Tally()
        self._random = np.random.default_rng(settings.seed)

    async def report(self) -> dict[str, Any]:
        """Warm up, send everything, and look at what is left."""
        await self._send([*self._questions, *self._faults], "warm-up", time.monotonic() + _WARM_UP_S)
        self._tally = Tally(violations=self._tally.violations)
        before = await self._settled()
        started = time.monotonic()
        await self._send(list(self._plan()), "soak", started + self._settings.seconds)
        seconds = time.monotonic() - started
        after = await self._settled()
        async with client_of(self._server.url, timeout_s=_ANSWERS_WITHIN_S) as client:
            metrics = (await client.get("/metrics")).text
        self._judge(before, after, metrics)
        return self._told(before, after, metrics, seconds)

    def _plan(self) -> Iterator[Question | Fault]:
        """Every kind about equally often, in an order that the seed decides."""
        broken = round(self._settings.requests * self._settings.broken)
        good = self._settings.requests - broken
        chosen: list[Question | Fault] = [*_spread(self._questions, good), *_spread(self._faults, broken)]
        return (chosen[place] for place in self._random.permutation(len(chosen)))

    async def _send(self, requests: Sequence[Question | Fault], name: str, deadline: float) -> None:
        callers = self._settings.callers
        coming = iter(requests)
        every = max(1, len(requests) // _SAMPLES)
        with tqdm(total=len(requests), desc=name, unit="request", disable=None) as bar:

            async def call(client: httpx.AsyncClient) -> None:
                for request in coming:
                    if time.monotonic() > deadline:
                        return
                    await (self._ask(request, client) if isinstance(request, Question) else self._break(request))
                    bar.update()
                    if self._tally.count() % every == 0:
                        self._tally.memory_mb.append(round(self._server.memory_mb(), 1))

            async with (
                client_of(self._server.url, timeout_s=_ANSWERS_WITHIN_S, connections=callers) as client,
                asyncio.TaskGroup() as group,
            ):
                for _ in range(callers):
                    group.create_task(call(client))

    async def _ask(self, question: Question, client: httpx.AsyncClient) -> None:
        started = time.perf_counter()
        method = "GET" if question.body is None else "POST"
        try:
            reply = await client.request(method, question.path, content=question.body, headers=question.headers)
            self._tally.seconds.append(time.perf_counter() - started)
            wrong = wrong_answer(question, reply)
        except httpx.HTTPError as error:
            wrong = f"lost ({error!r})"
        self._tally.answered[question.kind] += 1
        if wrong is not None:
            self._tally.violations.append(f"{question.kind}: {wrong}")

    async def _break(self, fault: Fault) -> None:
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                outcome = await send_fault(self._server.port, fault, self._random.uniform(0, 0.1))
        except (OSError, EOFError, TimeoutError) as error:
            outcome = f"no answer ({error!r})"
        expected = LEFT if fault.status == 0 else str(fault.status)
        self._tally.refused[f"{fault.kind}: {outcome}"] += 1
        if outcome != expected:
            self._tally.violations.append(f"{fault.kind}: expected {expected}, got {outcome}")

    # ---- what is left ----------------------------------------------------------------------------------------------

    async def _settled(self) -> dict[str, float]:
        """What the server takes once nobody has asked for a moment."""
        await asyncio.sleep(1.0)
        server = self._server
        return {
            "memory_mb": round(server.memory_mb(), 1),
            "open_files": server.process.num_fds(),
            "threads": server.process.num_threads(),
            "bytes_written": server.bytes_written(),
        }

    def _judge(self, before: dict[str, float], after: dict[str, float], metrics: str) -> None:
        found = self._tally.violations
        grown = after["memory_mb"] - before["memory_mb"]
        if grown > MOST_GROWTH_MB:
            found.append(f"memory grew by {grown:.0f} MB")
        if after["open_files"] > before["open_files"]:
            found.append(f"{after['open_files']:.0f} files are open, {before['open_files']:.0f} were after the warm-up")
        if after["bytes_written"] > before["bytes_written"] or self._server.files_left():
            found.append(f"files were written: {self._server.files_left()}")
        for name in ("roborefer_queue_length", "roborefer_running"):
            if _metric(metrics, name) != 0:
                found.append(f"{name} is {_metric(metrics, name):g} in the end")
        found += [f"the server answered {line}" for line in metrics.splitlines() if 'status="5' in line]
        if "Traceback" in self._log() or "ERROR" in self._log():
            found.append(f"the server's log has failures: {self._log()[-3000:]}")
        if self._tally.count() < self._settings.requests:
            found.append(f"{self._tally.count()} of {self._settings.requests} requests were sent in time")

    def _told(self, before: dict[str, float], after: dict[str, float], metrics: str, seconds: float) -> dict[str, Any]:
        tally = self._tally
        good = sum(tally.answered.values())
        return {
            "settings": vars(self._settings),
            "requests": {"good": good, "broken": tally.count() - good},
            "seconds": round(seconds, 1),
            "requests_per_s": round(tally.count() / seconds, 1),
            "latency_ms": percentiles([1e3 * value for value in tally.seconds]),
            "after_warm_up": before,
            "at_the_end": after,
            "memory_mb_meanwhile": tally.memory_mb,
            "batch_size": round(
                _metric(metrics, "roborefer_batch_size_sum") / _metric(metrics, "roborefer_batch_size_count"), 2
            ),
            "cache_hits": _metric(metrics, "roborefer_cache_hits_total"),
            "cache_misses": _metric(metrics, "roborefer_cache_misses_total"),
            "log_lines": len(self._server.log),
            "good": dict(sorted(tally.answered.items())),
            "broken": dict(sorted(tally.refused.items())),
            "violations": tally.violations[:_SHOWN_VIOLATIONS],
            "violation_count": len(tally.violations),
        }

    def _log(self) -> str:
        return "".join(self._server.log)


def wrong_answer(question: Question, reply: httpx.Response) -> str | None:
    """What is wrong with a reply, if anything."""
    if reply.status_code != 200:
        return f"answered with {reply.status_code}: {reply.text[:200]}"
    try:
        found = question.read(reply.content)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        return f"a reply of another form ({error!r}): {reply.text[:200]}"
    return None if found == question.expected else f"expected {question.expected}, got {found}"


def _spread(items: Sequence[Any], number: int) -> Iterator[Any]:
    return (items[place % len(items)] for place in range(number))


def _metric(metrics: str, name: str) -> float:
    return float(next(line.split()[-1] for line in metrics.splitlines() if line.startswith(f"{name} ")))


if __name__ == "__main__":
    main()
