"""``roborefer serve``: what it refuses before it loads a model, and what it makes of its options."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import roborefer
from roborefer.cli import main as shell
from roborefer.errors import RoboReferError


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here gets as far as a model, unless a test lets it."""
    monkeypatch.setattr(roborefer, "load", lambda *_, **__: pytest.fail("the model was loaded"), raising=False)
    monkeypatch.delenv("ROBOREFER_API_KEY", raising=False)


def refusal(*options: str) -> str:
    result = CliRunner().invoke(shell.roborefer, ["serve", *options], standalone_mode=False)
    assert isinstance(result.exception, RoboReferError), result.output
    return str(result.exception)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "robot.example"])
def test_other_machines_need_a_key(host: str) -> None:
    assert refusal("--host", host) == (
        f"expected an API key to listen on {host}, which other machines reach, got none: give --api-key-file or "
        "ROBOREFER_API_KEY, or --insecure-open to let everybody in"
    )


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refusal("--port", str(port)) == (
            f"cannot listen on 127.0.0.1:{port} ([Errno 98] Address already in use): name another --port or --host"
        )


def test_an_address_of_another_machine() -> None:
    message = refusal("--host", "192.0.2.1", "--insecure-open", "--port", "0")
    assert message.startswith("cannot listen on 192.0.2.1:0 (")
    assert message.endswith("): name another --port or --host")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", "70000"), "expected a port of 0 to 65535, got 70000: 0 takes any free one"),
        (("--max-body-mb", "-1"), "expected --max-body-mb of at least 0, got -1"),
        (("--cache-mb", "nan"), "expected --cache-mb of at least 0, got nan"),
        (("--max-images", "0"), "expected at least 1 picture in a request (max_images, --max-images), got 0: give a"),
        (("--max-queue", "0"), "expected at least 1 question that may wait (queue_limit, --max-queue), got 0: give a"),
        (
            ("--max-body-mb", "0"),
            "expected at least 1 byte in a request (max_body_bytes, --max-body-mb), got 0: give a",
        ),
        (("--allow-url-host", "http://a"), "expected a host such as images.example.org or 10.0.0.5:8080, got"),
        (("--api-key-file", "nowhere"), "cannot read the API keys in nowhere (FileNotFoundError): name another file"),
    ],
)
def test_options_that_cannot_be(options: tuple[str, ...], message: str) -> None:
    assert refusal(*options).startswith(message)


@pytest.mark.parametrize(
    ("host", "keys", "doors"),
    [
        ("127.0.0.1", (), "no key is asked for"),
        ("0.0.0.0", (), "no key is asked for: everybody who reaches this machine may ask"),
        ("0.0.0.0", ("alpha",), "callers send a key"),
    ],
)
def test_the_first_line_says_who_may_ask(host: str, keys: tuple[str, ...], doors: str) -> None:
    from roborefer.cli.serve import _start_line
    from roborefer.serving.settings import ServerSettings

    settings = ServerSettings(host=host, api_keys=keys, allow_open=True)
    assert _start_line(settings, "http://127.0.0.1:1", False) == (
        f"roborefer at http://127.0.0.1:1 ({doors}; API: http://127.0.0.1:1/docs)"
    )


def test_a_file_without_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("# nothing yet\n\n")
    assert (
        refusal("--api-key-file", str(keys)) == f"expected an API key on each line of {keys}, got none: write one there"
    )


@pytest.mark.parametrize("source", ["file", "environment"])
def test_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    from roborefer.serving import app, running, threads

    seen: dict[str, Any] = {}

    def load_for_serving(load: Any, count: int | None) -> tuple[Any, int]:
        seen["threads"] = count
        return load(), 3

    monkeypatch.setattr(threads, "load_for_serving", load_for_serving)

    class Loaded:
        untrained = True

    monkeypatch.setattr(roborefer, "load", lambda *given, **_: seen.update(load=given) or Loaded(), raising=False)
    monkeypatch.setattr(app, "create_app", lambda _, settings: seen.update(settings=settings))
    monkeypatch.setattr(running, "run", lambda *_, on_start, **__: on_start())
    keys = tmp_path / "keys.txt"
    keys.write_text("# ours\nalpha\n  beta  \n")
    given = ["--api-key-file", str(keys)] if source == "file" else []
    monkeypatch.setenv("ROBOREFER_API_KEY", "unused" if given else "alpha beta")
    words = (
        "--host 0.0.0.0 --port 0 --model org/name --device cpu --dtype float32 --max-body-mb 2 --max-megapixels 1.5 "
    )
    words += "--max-images 3 --max-new-tokens 4 --max-queue 5 --max-seconds 6 --batch 7 --gather-ms 0 --cache-mb 8 "
    words += "--max-upload-seconds 9 --threads 2 "
    words += "--allow-origin https://a.example --allow-origin http://localhost:8000 "
    words += "--allow-url-host a.example --allow-url-host b.example:81"
    result = CliRunner().invoke(shell.roborefer, ["serve", *words.split(), *given], catch_exceptions=False)
    assert result.exit_code == 0
    assert seen["load"] == ("org/name", "cpu", "float32")
    settings = seen["settings"]
    assert settings.api_keys == ("alpha", "beta")
    assert (settings.max_body_bytes, settings.max_pixels, settings.cache_bytes) == (2 << 20, 1_500_000, 8 << 20)
    assert (settings.max_images, settings.max_new_tokens, settings.queue_limit) == (3, 4, 5)
    assert (settings.request_seconds, settings.body_seconds) == (6, 9)
    assert (settings.batch_limit, settings.gather_ms) == (7, 0)
    assert (seen["threads"], settings.looks) == (2, 3)
    assert settings.allow_origins == ("https://a.example", "http://localhost:8000")
    assert settings.url_hosts == ("a.example", "b.example:81")
    assert settings.model_name == "name"
    line = result.output
    assert line.startswith("name at http://127.0.0.1:")
    assert line.endswith("/docs); its weights are untrained, so that points mean nothing\n")
    assert "(callers send a key; API: " in line
