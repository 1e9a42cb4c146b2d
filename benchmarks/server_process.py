"""A real ``roborefer serve`` process on a free port of this machine, and what it takes of the machine meanwhile."""

from __future__ import annotations

import os
import re
import select
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

_STARTS_WITHIN_S = 120.0
_STOPS_WITHIN_S = 60.0
_SHOWN_LINES = 30


@dataclass(frozen=True)
class ServerProcess:
    """A server that runs.

    Attributes:
        url: Where.
        folder: Its working folder, home and folder for temporary files; empty when it started.
        log: What it has written to stderr so far, line by line.
        process: Of the system.
    """

    url: str
    folder: Path
    log: list[str]
    process: psutil.Process

    @property
    def port(self) -> int:
        """On this machine."""
        return int(self.url.rpartition(":")[2])

    def memory_mb(self) -> float:
        """Resident memory, MB (10^6 bytes)."""
        return float(self.process.memory_info().rss) / 1e6

    def bytes_written(self) -> int:
        """What it has sent to disks so far."""
        return int(self.process.io_counters().write_bytes)

    def files_left(self) -> list[str]:
        """What lies in its folder now."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@contextmanager
def served(model: str, options: Sequence[str] = (), *, threads: int) -> Iterator[ServerProcess]:
    """A server that answers; it is stopped in the end, as a user would, and killed if that takes too long.

    Args:
        model: A checkpoint folder; the packaged model if empty.
        options: Of ``roborefer serve``, beside model and port.
        threads: The cores that the model may use.

    Raises:
        RuntimeError: It does not start, or does not stop by itself.
    """
    command = [sys.executable, "-m", "roborefer", "serve", "--port", "0", "--device", "cpu", *options]
    command += ["--model", str(Path(model).resolve())] if model else []
    log: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder, threads),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # not a file, as the server writes none
            text=True,
        ) as started,
    ):
        assert started.stderr is not None
        reading = threading.Thread(target=log.extend, args=(started.stderr,))
        reading.start()
        try:
            yield ServerProcess(_address(started, log), Path(folder), log, psutil.Process(started.pid))
            started.terminate()
            if started.wait(_STOPS_WITHIN_S) != 0:
                raise RuntimeError(f"the server stopped with {started.returncode}: {_end(log)}")
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the server did not stop within {_STOPS_WITHIN_S:g} s") from error
        finally:
            started.kill()
            reading.join()


def client_of(url: str, *, timeout_s: float, connections: int = 1) -> httpx.AsyncClient:
    """A client that asks this server and nobody else, whatever the environment says of proxies."""
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=60)
    # Nothing is encrypted, and reading the system's certificates would take longer than many requests.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=url, timeout=timeout_s, limits=limits, trust_env=False, verify=no_certificates)


def stop_with_this_process() -> None:
    """Let SIGTERM end this process in order, so that the servers that it started end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _environment(folder: str, threads: int) -> dict[str, str]:
    own = {"HOME": folder, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    own["OMP_NUM_THREADS"] = str(threads)
    # Threads wait for work as they do for a user, whatever this process was told.
    return {**{name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}, **own}


def _address(started: subprocess.Popen[str], log: list[str]) -> str:
    """From the server's first line, which comes once it answers."""
    assert started.stdout is not None
    ready, _, _ = select.select([started.stdout], [], [], _STARTS_WITHIN_S)
    line = started.stdout.readline() if ready else ""
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    if found is None:
        started.kill()
        raise RuntimeError(f"the server did not start: {line}{_end(log)}")
    return found[0]


def _end(log: list[str]) -> str:
    return "".join(log[-_SHOWN_LINES:])
