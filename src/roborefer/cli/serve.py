"""``roborefer serve``: a model for robots, browsers and every client that already exists."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roborefer.cli.commands import Command, printable
from roborefer.cli.loading import device_options, load_model, quantize_option
from roborefer.errors import InputError

if TYPE_CHECKING:
    from roborefer.serving.settings import ServerSettings

_FILE = click.Path(path_type=Path)
_KEY_VARIABLE = "ROBOREFER_API_KEY"
_MOST_KEY_BYTES = 64 * 1024
_MIB = 1 << 20


@click.command(
    cls=Command,
    examples=(
        "roborefer serve",
        "roborefer serve --model checkpoints/RoboRefer-2B-SFT --device cuda --dtype bfloat16",
        "roborefer serve --host 0.0.0.0 --api-key-file keys.txt",
        "roborefer serve --depth-model depth-anything/Depth-Anything-V2-Large-hf --port 8000",
        "roborefer serve --allow-url-host images.example.org --max-body-mb 16",
    ),
)
@click.option("--model", metavar="ID", help="Checkpoint folder or hub id. [default: the packaged model]")
@click.option("--host", default="127.0.0.1", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=int, default=25547, help="Port; 0 for any free one. [default: 25547]")
@click.option(
    "--api-key-file", type=_FILE, help=f"Keys, one a line, of which callers send one. [default: ${_KEY_VARIABLE}]"
)
@click.option("--insecure-open", is_flag=True, help="Listen beyond this machine without a key: everybody may ask.")
@click.option(
    "--allow-url-host",
    multiple=True,
    metavar="HOST",
    help="Fetch pictures from this host (name or name:port) where a request names one; may be given often.",
)
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="ORIGIN",
    help="Let web pages of this origin (https://host) ask, with a key if there is one; may be given often.",
)
@click.option("--max-body-mb", type=float, default=64, metavar="N", help="Longest request, MiB. [default: 64]")
@click.option("--max-megapixels", type=float, default=50, metavar="N", help="Largest picture. [default: 50]")
@click.option("--max-images", type=int, default=8, metavar="N", help="Most pictures in a request. [default: 8]")
@click.option("--max-new-tokens", type=int, default=1024, metavar="N", help="Longest answer. [default: 1024]")
@click.option("--max-queue", type=int, default=64, metavar="N", help="Most questions that wait. [default: 64]")
@click.option("--max-seconds", type=float, default=60, metavar="S", help="Longest time for an answer. [default: 60]")
@click.option(
    "--max-upload-seconds", type=float, default=20, metavar="S", help="Longest time to send a request. [default: 20]"
)
@click.option("--batch", type=int, default=12, metavar="N", help="Most questions answered together. [default: 12]")
@click.option(
    "--gather-ms",
    type=float,
    default=8,
    metavar="MS",
    help="How long a question waits for company while others are likely. [default: 8]",
)
@click.option(
    "--cache-mb", type=float, default=512, metavar="N", help="Memory for pictures seen lately, MiB. [default: 512]"
)
@click.option("--model-name", metavar="NAME", help="What replies call the model. [default: from --model]")
@device_options
@quantize_option
@click.option(
    "--threads", type=int, metavar="N", help="Of one operation on the CPU. [default: 1 for a small model, else all]"
)
@click.option("--depth-model", metavar="ID", help="Estimates depth for those who ask: folder, .pth file or hub id.")
@click.option(
    "--log-requests", is_flag=True, help="Print a line for every request: who, what, status, milliseconds and id."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def serve(
    model: str | None,
    host: str,
    port: int,
    api_key_file: Path | None,
    insecure_open: bool,
    allow_url_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    max_body_mb: float,
    max_megapixels: float,
    max_images: int,
    max_new_tokens: int,
    max_queue: int,
    max_seconds: float,
    max_upload_seconds: float,
    batch: int,
    gather_ms: float,
    cache_mb: float,
    model_name: str | None,
    device: str,
    dtype: str,
    quantize: str | None,
    threads: int | None,
    depth_model: str | None,
    log_requests: bool,
    quiet: bool,
) -> None:
    """Serve a model over HTTP, with a page to try it on.

    OpenAI's protocol (/v1/chat/completions), Moondream's (/v1/point, /v1/query), the published RoboRefer server's
    (/query) and our own (/v1/point with depth, camera, 3D, steps) are answered alike. Ctrl-C or SIGTERM stops it once
    the questions in flight are answered.
    """
    _check_installed()
    from roborefer.serving.running import address_of, bind, check_openness, run
    from roborefer.serving.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        api_keys=_keys(api_key_file),
        allow_open=insecure_open,
        max_body_bytes=_count(max_body_mb, _MIB, "--max-body-mb"),
        max_pixels=_count(max_megapixels, 1_000_000, "--max-megapixels"),
        max_images=max_images,
        max_new_tokens=max_new_tokens,
        queue_limit=max_queue,
        request_seconds=max_seconds,
        body_seconds=max_upload_seconds,
        batch_limit=batch,
        gather_ms=gather_ms,
        cache_bytes=_count(cache_mb, _MIB, "--cache-mb"),
        url_hosts=allow_url_host,
        allow_origins=allow_origin,
        model_name=model_name or _name_of(model),
    )
    # What can be refused is refused before the model is loaded, which takes long.
    check_openness(settings)
    listener = bind(settings)
    try:
        from roborefer.serving.app import create_app
        from roborefer.serving.threads import load_for_serving

        progress = not quiet and sys.stderr.isatty()
        load = partial(load_model, model, device, dtype, quantize=quantize, depth_model=depth_model, progress=progress)
        predictor, looks = load_for_serving(load, threads)
        settings = replace(settings, looks=looks)
        line = _start_line(settings, address_of(listener), predictor.untrained)
        run(
            create_app(predictor, settings),
            listener,
            settings,
            on_start=lambda: click.echo(line),
            log_requests=log_requests,
        )
    finally:
        listener.close()


def _check_installed() -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"expected what a server needs, got no {error.name}: run pip install 'roborefer[serve]'"
        ) from error


def _keys(path: Path | None) -> tuple[str, ...]:
    """The keys of a file, one a line, or of the environment; empty lines and comments (#) are passed over."""
    if path is None:
        return tuple(os.environ.get(_KEY_VARIABLE, "").split())
    try:
        with path.open("rb") as stream:
            lines = stream.read(_MOST_KEY_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the API keys in {path} ({type(error).__name__}): name another file") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not keys:
        raise InputError(f"expected an API key on each line of {path}, got none: write one there")
    return keys


def _count(number: float, unit: int, option: str) -> int:
    if not 0 <= number < 1e9:
        raise InputError(f"expected {option} of at least 0, got {number:g}")
    return int(number * unit)


def _name_of(model: str | None) -> str:
    """The last part of a folder or a hub id."""
    return "roborefer-nano" if model is None else Path(model).name or "roborefer"


def _start_line(settings: ServerSettings, address: str, untrained: bool) -> str:
    from roborefer.serving.limits import is_loopback

    doors = "callers send a key" if settings.api_keys else "no key is asked for"
    if not settings.api_keys and not is_loopback(settings.host):
        doors += ": everybody who reaches this machine may ask"
    warned = "; its weights are untrained, so that points mean nothing" if untrained else ""
    return f"{printable(settings.model_name)} at {address} ({doors}; API: {address}/docs){warned}"
