"""300 samples against a server that fails 20 % of requests, stalls 5 %, and a run that is killed once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from roborefer.cli.main import roborefer

from .local_server import Traffic, by_number, number_in, running_server
from .made_up import write_refspatial

SAMPLES = 300
FAULTS = ("500", "503", "429", "cut")


def fault(question: str, number: int) -> str | None:
    """Of all tries 20 % fail and 5 % stall, decided by the question and the number of the try."""
    draw = zlib.crc32(f"{number_in(question)} {number}".encode()) % 100
    if draw < 20:
        return FAULTS[draw % len(FAULTS)]
    return "stall" if draw < 25 else None


def command(bench: Path, url: str, out: Path) -> list[str]:
    return [
        "evaluate", str(bench), "--url", url, "--api", "query", "--out", str(out),
        "--timeout", "0.5", "--retries", "6", "--backoff", "0.02", "--workers", "8", "--no-report", "--quiet",
    ]  # fmt: skip


def whole_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_killed_run_ends_with_every_line_and_the_right_score(tmp_path: Path) -> None:
    bench = write_refspatial(tmp_path / "bench", {"Location": SAMPLES})
    answers = tmp_path / "run" / "answers.jsonl"
    # Every answer takes a moment, so that the kill comes in the middle.
    traffic = Traffic(answer=lambda question: time.sleep(0.03) or by_number(question), fault=fault, stall=0.7)
    with running_server(traffic) as url:
        words = command(bench, url, tmp_path / "run")
        process = subprocess.Popen([sys.executable, "-m", "roborefer", *words], stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while whole_lines(answers) < 40 and time.monotonic() < until:
                time.sleep(0.01)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        killed_at = whole_lines(answers)
        assert 40 <= killed_at < SAMPLES
        done = CliRunner().invoke(roborefer, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(lines) == len({line["key"] for line in lines}) == SAMPLES
    assert all(line["raw"] is not None for line in lines)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    # 9, 19, ... say nothing; of the others every third is outside.
    right = sum(number % 10 != 9 and number % 3 != 0 for number in range(SAMPLES))
    assert results["summary"]["all"]["score"] == pytest.approx(right / SAMPLES)
    assert results["summary"]["all"]["unread"] == SAMPLES // 10
    assert results["failed"] == []
    tries = [line["attempts"] for line in lines]
    assert sum(tries) > SAMPLES * 1.2
    assert max(tries) > 2
