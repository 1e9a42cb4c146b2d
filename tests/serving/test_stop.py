"""A real ``roborefer serve`` process: it starts, answers, stops when told to, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from roborefer.loading import load

from ..models.pointing_models import write_pointing_checkpoint  # noqa: TID252 - shared models
from .asking import depth_png, png
from .live_server import data_uri, events_of, running

QUERY = {"image_url": data_uri(png()), "question": "What is on the table?", "settings": {"max_tokens": 200}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-pointer"
    write_pointing_checkpoint(folder)
    return folder


@contextmanager
def process(folder: Path, checkpoint: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server with an empty working folder, and its first line."""
    command = [sys.executable, "-m", "roborefer", "serve", "--model", str(checkpoint), "--port", "0", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)}
    with subprocess.Popen(
        [*command, *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield server, server.stdout.readline()
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_lets_what_is_in_flight_be_answered(checkpoint: Path, tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path, checkpoint) as (server, line):
        found = re.fullmatch(r"tiny-pointer at (http://127.0.0.1:\d+) \(no key is asked for; API: \1/docs\)\n", line)
        assert found, line
        url = found[1]
        whole = httpx.post(f"{url}/v1/query", json=QUERY, timeout=60).json()["answer"]
        with httpx.stream("POST", f"{url}/v1/query", json={**QUERY, "stream": True}, timeout=60) as response:
            events = events_of(response)
            first = next(events)
            server.send_signal(number)
            rest = list(events)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
        output, errors = server.communicate(timeout=30)
        assert server.returncode == 0, errors
        assert (output, errors) == ("", "")
    chunks = [httpx.Response(200, text=data).json() for _, data in (first, *rest)]
    assert len(rest) > 50
    assert "".join(chunk["chunk"] for chunk in chunks) == whole
    assert [chunk["completed"] for chunk in chunks][-2:] == [False, True]
    assert list(tmp_path.iterdir()) == []


def test_two_replicas_answer_alike_without_knowing_of_each_other(checkpoint: Path) -> None:
    asked: list[dict[str, Any]] = [
        {"image": data_uri(png(seed)), "depth": data_uri(depth_png()), "fov": 60, "instruction": instruction}
        for seed in (0, 1)
        for instruction in ("the red mug", "the apple left of the blue book")
    ]

    def answers(urls: list[str]) -> list[Any]:
        """The questions, each to the next server, as a load balancer would hand them out."""
        replies = [
            httpx.post(f"{urls[number % len(urls)]}/v1/point", json=body).json() for number, body in enumerate(asked)
        ]
        return [{name: reply[name] for name in ("points", "raw", "rivals", "notes")} for reply in replies]

    with running(load(checkpoint, "cpu")) as one, running(load(checkpoint, "cpu")) as other:
        assert answers([one, other]) == answers([other, one]) == answers([one])
