"""How much `roborefer serve` answers, how long callers wait, and what it adds to the model's own time.

Real servers on free ports of this machine are asked over HTTP about RGB-D pictures of 640x480 (JPEG and 16-bit PNG, as
base64 in JSON), with a camera, for a point in 3D:

* ``load``: 1, 8 and 64 callers, each asking again once it is answered, about the same picture (``same``), each about a
  picture of its own that was seen before (``own``), or always about one that was never seen (``new``). Requests a
  second and latencies of a server as it is by default (``batched``) and of one that is started with ``--batch 1``
  (``one at a time``); the two take turns.
* ``added``: one caller's time over HTTP, as JSON and as a form, beyond that of the same files and words in a process of
  its own without a server, the picture seen before (``seen``) or not (``new``); medians, taken in turn.

Callers share the machine's cores with the server. Everything stays on 127.0.0.1 and stops by itself.

Usage:
    python benchmarks/serving.py --seconds 1 --rounds 1 --repeats 5       # half a minute, to try it out
    python benchmarks/serving.py --only load --callers 8 --pictures same  # a part of it
    python benchmarks/serving.py --output benchmarks/results/serving.json
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from tqdm import tqdm

from made_up_pictures import base64_of, encoded, made_up
from reporting import machine, percentiles, write_report
from server_process import client_of, served, stop_with_this_process

SIZE = (640, 480)
FOV_DEG = 60.0
INSTRUCTIONS = (
    *("the red cup", "the cup behind the plate", "free space left of the box", "the second bottle from the right"),
    *("the green object", "the nearest thing", "the bowl between the two mugs", "the handle of the pan"),
)
PICTURES = ("same", "own", "new")
SERVERS: dict[str, tuple[str, ...]] = {"batched": (), "one at a time": ("--batch", "1")}
_POINT = "/v1/point"
_JSON = "application/json"
_LONGEST_S = 120.0
# The first seconds of a load are not counted: all callers begin at once then.
_RAMP_S = 1.0
# They choose kernels, and show the server the picture.
_FIRST_CALLS = 2


def main() -> None:
    arguments = _parse_arguments()
    stop_with_this_process()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    report: dict[str, Any] = {"command": "python " + " ".join(sys.argv), "machine": machine()}
    report |= {"model": arguments.model or "packaged", "threads": arguments.threads, "image_size": SIZE}
    if arguments.only != "added":
        report["load"] = _load(arguments)
        report["times_faster"] = _times_faster(report["load"])
    if arguments.only != "load":
        report["added_ms"] = _added(arguments)
    write_report(arguments.output, report)
    print(json.dumps(report, indent=2))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="a checkpoint folder; the packaged model if left out")
    parser.add_argument("--only", choices=("load", "added"), help="one part")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--pictures", nargs="+", choices=PICTURES, default=list(PICTURES))
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load, in each round")
    parser.add_argument("--rounds", type=int, default=2, help="of all loads")
    parser.add_argument("--repeats", type=int, default=60, help="questions of each kind, for what is added")
    parser.add_argument("--threads", type=int, default=2, help="the cores that the model may use")
    parser.add_argument("--output", type=Path, default=None, help="JSON file")
    return parser.parse_args()


# ---- files and requests --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A picture and its depth, as files."""

    image: bytes
    depth: bytes

    def again(self, number: int) -> Pair:
        """The same to look at, in a file that no other number gives: with a comment behind the JPEG's first mark."""
        comment = f"{os.getpid()} {number}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        return Pair(self.image[:2] + segment + self.image[2:], self.depth)


def _pairs(number: int) -> list[Pair]:
    generator = np.random.default_rng(0)
    pairs = []
    for _ in range(number):
        picture, metres = made_up(generator, SIZE)
        depth = Image.fromarray((metres * 1000).astype(np.uint16))
        pairs.append(Pair(encoded(picture, "JPEG"), encoded(depth, "PNG")))
    return pairs


def _as_json(pair: Pair, instruction: str) -> tuple[str, bytes]:
    return _JSON, _about(_files(pair), instruction)


def _files(pair: Pair) -> bytes:
    """The part of a JSON request that is long."""
    return json.dumps({"image": base64_of(pair.image), "depth": base64_of(pair.depth)}).encode()


def _about(files: bytes, instruction: str) -> bytes:
    """A JSON request."""
    return b"%s, %s" % (files[:-1], json.dumps({"instruction": instruction, "fov": FOV_DEG}).encode()[1:])


def _as_form(pair: Pair, instruction: str) -> tuple[str, bytes]:
    files = {"image": ("image.jpg", pair.image), "depth": ("depth.png", pair.depth)}
    fields = {"instruction": instruction, "fov": str(FOV_DEG)}
    request = httpx.Request("POST", "http://localhost", data=fields, files=files)
    return request.headers["content-type"], request.read()


_FORMS: dict[str, Callable[[Pair, str], tuple[str, bytes]]] = {"json": _as_json, "form": _as_form}


# ---- load ----------------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """What one load came to, over all rounds.

    Attributes:
        milliseconds: From question to answer, of questions asked while it was counted.
        answered: Answers that came while it was counted.
        seconds: How long that was.
        batches, asks: Batches that the server answered, and questions in them.
    """

    milliseconds: list[float] = field(default_factory=list)
    answered: int = 0
    seconds: float = 0.0
    batches: float = 0.0
    asks: float = 0.0

    def told(self) -> dict[str, Any]:
        return {
            "requests_per_s": round(self.answered / self.seconds, 2),
            "latency_ms": percentiles(self.milliseconds),
            "asks_a_batch": round(self.asks / self.batches, 2) if self.batches else None,
        }


def _load(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    pairs = _pairs(max(arguments.callers))
    numbers = count()
    cells = list(product(arguments.pictures, arguments.callers, SERVERS))
    found = {cell: Measured() for cell in cells}
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(served(arguments.model, options, threads=arguments.threads)).url
            for name, options in SERVERS.items()
        }
        for url in urls.values():
            asyncio.run(_show(url, pairs))
        rounds = [cell for _ in range(arguments.rounds) for cell in cells]
        for cell in tqdm(rounds, desc="load", unit="load", disable=None):
            kind, callers, server = cell
            asyncio.run(_measure(urls[server], callers, _bodies(kind, pairs, numbers), arguments.seconds, found[cell]))
    return [
        {"pictures": kind, "callers": callers, "server": server, **found[kind, callers, server].told()}
        for kind, callers, server in cells
    ]


def _bodies(kind: str, pairs: Sequence[Pair], numbers: Iterator[int]) -> Callable[[int], Iterator[bytes]]:
    """What each caller sends, one after the other."""

    def bodies(caller: int) -> Iterator[bytes]:
        pair = pairs[0 if kind == "same" else caller]
        files = _files(pair)
        for turn in count(caller):
            if kind == "new":
                files = _files(pair.again(next(numbers)))
            yield _about(files, INSTRUCTIONS[turn % len(INSTRUCTIONS)])

    return bodies


async def _measure(
    url: str, callers: int, bodies: Callable[[int], Iterator[bytes]], seconds: float, measured: Measured
) -> None:
    """Let so many callers ask for a while, and count all but the first second."""
    async with AsyncExitStack() as stack:
        # Each with a connection of its own: one pool of many would look at all of them for every request.
        opened = [client_of(url, timeout_s=_LONGEST_S) for _ in range(callers)]
        clients = [await stack.enter_async_context(client) for client in opened]
        streams = [bodies(caller) for caller in range(callers)]
        before = await _batches(clients[0])
        started = time.perf_counter() + min(_RAMP_S, seconds / 4)
        ended = started + seconds

        async def caller(client: httpx.AsyncClient, stream: Iterator[bytes]) -> None:
            while time.perf_counter() < ended:
                body = next(stream)
                asked = time.perf_counter()
                await _ask(client, _JSON, body)
                answered = time.perf_counter()
                if asked >= started:
                    measured.milliseconds.append(1e3 * (answered - asked))
                measured.answered += started <= answered < ended

        async with asyncio.TaskGroup() as group:
            for client, stream in zip(clients, streams, strict=True):
                group.create_task(caller(client, stream))
        after = await _batches(clients[0])
    measured.seconds += seconds
    measured.batches += after[0] - before[0]
    measured.asks += after[1] - before[1]


async def _show(url: str, pairs: Sequence[Pair]) -> None:
    """Let a server see pictures, so that they were seen before."""
    async with client_of(url, timeout_s=_LONGEST_S) as client:
        for pair in tqdm(pairs, desc="pictures", unit="picture", disable=None):
            await _ask(client, *_as_json(pair, INSTRUCTIONS[0]))


async def _ask(client: httpx.AsyncClient, kind: str, body: bytes) -> dict[str, Any]:
    reply = await client.post(_POINT, content=body, headers={"content-type": kind})
    if reply.status_code != 200:
        raise RuntimeError(f"the server answered {reply.status_code}: {reply.text[:300]}")
    content: dict[str, Any] = reply.json()
    return content


async def _batches(client: httpx.AsyncClient) -> tuple[float, float]:
    """Batches that the server has answered so far, and asks in them."""
    lines = (await client.get("/metrics")).text.splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("roborefer_batch_size_"))
    return float(found["roborefer_batch_size_count"]), float(found["roborefer_batch_size_sum"])


def _times_faster(load: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What batching does for throughput."""
    speeds = {(cell["pictures"], cell["callers"], cell["server"]): cell["requests_per_s"] for cell in load}
    return [
        {"pictures": kind, "callers": callers, "times": round(speed / speeds[kind, callers, "one at a time"], 2)}
        for (kind, callers, server), speed in speeds.items()
        if server == "batched" and speeds[kind, callers, "one at a time"]
    ]


# ---- added ---------------------------------------------------------------------------------------------------------


def _added(arguments: argparse.Namespace) -> dict[str, Any]:
    """Times of one caller, with and without a server, in turn."""
    with served(arguments.model, threads=arguments.threads) as server:
        bare = _bare_model(arguments)
        pair, numbers = _pairs(1)[0], count()
        seen = bare.look(pair)
        found = {kind: _Times() for kind in ("seen", "new")}
        # The standard library's client, as what a client takes for itself is none of the server's: httpx takes 2 ms.
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=_LONGEST_S)) as client:
            for repeat in tqdm(range(_FIRST_CALLS + arguments.repeats), desc="added", unit="turn", disable=None):
                instruction = INSTRUCTIONS[repeat % len(INSTRUCTIONS)]
                for kind, times in found.items():
                    turn = {"bare": _timed(partial(bare.point, seen if kind == "seen" else pair, instruction))}
                    for name, make in _FORMS.items():
                        sent = pair if kind == "seen" else pair.again(next(numbers))
                        turn[name], stages = _timed_request(client, *make(sent, instruction))
                    if repeat >= _FIRST_CALLS:
                        times.add(turn, stages)
    return {kind: times.told() for kind, times in found.items()}


@dataclass
class _Times:
    """Milliseconds of several turns: of the bare model, of each form, and of the server's stages."""

    turns: list[dict[str, float]] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)

    def add(self, turn: dict[str, float], stages: dict[str, float]) -> None:
        self.turns.append(turn)
        self.stages.append(stages)

    def told(self) -> dict[str, Any]:
        """Medians, and what either form adds: the median of the differences within a turn."""
        added = [{name: turn[name] - turn["bare"] for name in _FORMS} for turn in self.turns]
        return {
            "median_ms": _medians(self.turns),
            "added_ms": _medians(added),
            "stages_ms": _medians(self.stages),
            "turns": len(self.turns),
        }


@dataclass(frozen=True)
class _Bare:
    """The model without a server; files are decoded here too."""

    predictor: Any

    def look(self, pair: Pair) -> Any:
        from roborefer.geometry.depth import read_depth

        return self.predictor.encode_image(pair.image, read_depth(pair.depth))

    def point(self, picture: Any, instruction: str) -> None:
        """Of files, or of what :meth:`look` gave."""
        from roborefer.geometry.cameras import intrinsics_from_fov

        looked = self.look(picture) if isinstance(picture, Pair) else picture
        self.predictor.point(looked, instruction, intrinsics=intrinsics_from_fov(FOV_DEG, looked.image_size))


def _bare_model(arguments: argparse.Namespace) -> _Bare:
    """With as many threads as the server's model has."""
    import roborefer
    from roborefer.serving.threads import load_for_serving

    predictor, _ = load_for_serving(lambda: roborefer.load(arguments.model or None, "cpu"), None)
    return _Bare(predictor)


def _timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - started)


def _timed_request(client: http.client.HTTPConnection, kind: str, body: bytes) -> tuple[float, dict[str, float]]:
    """Milliseconds as the caller sees them, and by the server's stages."""
    started = time.perf_counter()
    client.request("POST", _POINT, body, {"content-type": kind})
    reply = client.getresponse()
    content = reply.read()
    milliseconds = 1e3 * (time.perf_counter() - started)
    if reply.status != 200:
        raise RuntimeError(f"the server answered {reply.status}: {content[:300].decode(errors='replace')}")
    return milliseconds, json.loads(content)["timing_ms"]


def _medians(turns: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(turn[name] for turn in turns), 2) for name in turns[0]}


if __name__ == "__main__":
    main()
