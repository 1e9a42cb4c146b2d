"""docs/serving.md: its Python and its curl lines run, as they stand there, against a server."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roborefer.serving.settings import ServerSettings

from ..models.pointing_models import pointing_config, pointing_predictor  # noqa: TID252 - shared models
from .live_server import running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
WRITTEN = "http://127.0.0.1:25547"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(pointing_predictor(pointing_config(untrained=True)), max_new_tokens=64) as url:
        yield url


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a reader's, with what ``make demo`` writes."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", folder / "examples")
    subprocess.run([sys.executable, "examples/motorcycle.py"], cwd=folder, check=True, timeout=120)
    return folder


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_python_runs(
    url: str, reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("moondream")
    monkeypatch.chdir(reader)
    script = reader / "page.py"
    script.write_text("\n".join(blocks("py")).replace(WRITTEN, url), encoding="utf-8")
    runpy.run_path(str(script))
    printed = capsys.readouterr().out
    assert "[{'x': 0." in printed
    assert "\n1 " in printed  # what the published server answers first


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_its_curl_lines_run(url: str, reader: Path) -> None:
    replies = []
    for block in blocks("bash"):
        done = subprocess.run(
            ["bash", "-c", block.replace(WRITTEN, url)], cwd=reader, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        replies.append(done.stdout)
    plain, lifted, streamed = replies
    assert '"xyz":null' in plain
    assert '"depth_source":"sensor"' in lifted
    assert '"xyz":[' in lifted
    assert streamed.startswith("event: text\n")
    assert "event: result\n" in streamed


def test_its_numbers_are_the_defaults() -> None:
    settings = ServerSettings()
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", PAGE.partition("## Limits")[2], re.MULTILINE))
    assert rows["request body, and each file in it"] == f"{settings.max_body_bytes >> 20} MiB"
    assert rows["pixels of a request's pictures"] == f"{settings.max_pixels // 1_000_000} million"
    assert rows["pictures in a request"] == str(settings.max_images)
    assert rows["tokens of an answer"] == str(settings.max_new_tokens)
    assert rows["characters of a question"] == f"{settings.max_question_characters:,}"
    assert rows["questions that wait"] == str(settings.queue_limit)
    assert rows["time for an answer"] == f"{settings.request_seconds:g} s"
    assert rows["time to send a request"] == f"{settings.body_seconds:g} s"
    assert rows["memory for pictures seen lately"] == f"{settings.cache_bytes >> 20} MiB"
    assert rows["questions answered together"] == str(settings.batch_limit)
    assert rows["bytes of all requests in memory"] == f"{settings.most_body_bytes >> 20} MiB"


def test_its_nginx_lets_the_servers_own_limits_come_first() -> None:
    (block,) = blocks("nginx")
    sizes, times = (re.findall(rf"{name} (\d+)", block) for name in ("client_max_body_size", "proxy_read_timeout"))
    assert int(sizes[0]) << 20 > ServerSettings().max_body_bytes
    assert int(times[0]) > ServerSettings().request_seconds
    assert "ssl_certificate " in block
    assert "ssl_certificate_key " in block


def test_its_examples_ask_for_what_their_picture_shows() -> None:
    """The picture of the Python blocks is the desk's, a JPEG, which has neither a spoon nor a cup."""
    for block in blocks("py"):
        assert "spoon" not in block
        assert "cup" not in block
        assert "image/png" not in block
