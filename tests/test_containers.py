"""Dockerfiles, compose file and nginx's settings, as far as they can be held to something without a docker daemon."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from roborefer.cli.main import roborefer as command_line
from roborefer.serving.settings import ServerSettings

from .serving.live_server import events_of, running
from .serving.scripted_predictor import ScriptedPredictor

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
SETTINGS = ServerSettings()
Instruction = tuple[str, str]


def stages(path: Path) -> list[list[Instruction]]:
    """The instructions of each stage of a Dockerfile; lines that go on are joined, comments are left out."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest.strip()))
    return found


def told(stage: list[Instruction], name: str) -> list[str]:
    return [rest for found, rest in stage if found == name]


def copied(path: Path) -> Iterator[str]:
    """What a Dockerfile copies from the repository."""
    for stage in stages(path):
        for rest in told(stage, "COPY"):
            if not rest.startswith("--from"):
                yield from shlex.split(rest)[:-1]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_exists_and_is_not_ignored(path: Path) -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    sources = set(copied(path))
    assert {"pyproject.toml", "src"} <= sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, name) or source.startswith(f"{name}/") for name in kept), source


def test_there_is_one_for_a_cpu_and_one_for_cuda() -> None:
    assert [path.name for path in DOCKERFILES] == ["cpu.Dockerfile", "cuda.Dockerfile"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_image_runs_as_nobody_in_particular_and_tells_its_health(path: Path) -> None:
    image = stages(path)[-1]
    assert told(image, "USER") == ["10001:10001"]
    assert [name for name, _ in image].index("USER") < [name for name, _ in image].index("ENTRYPOINT")
    assert told(image, "EXPOSE") == [str(SETTINGS.port)]
    (check,) = told(image, "HEALTHCHECK")
    program, option, code = json.loads(check[check.index("[") :])
    assert (program, option) == ("python", "-c")
    ast.parse(code)
    assert f"http://127.0.0.1:{SETTINGS.port}/readyz" in code
    assert not told(image, "RUN")  # nothing is installed in it but what was built


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_command_is_understood_and_needs_a_key(path: Path) -> None:
    (entry,) = told(stages(path)[-1], "ENTRYPOINT")
    program, name, *arguments = json.loads(entry)
    assert (program, name) == ("roborefer", "serve")
    context = command_line.make_context("roborefer", [])
    command = command_line.get_command(context, name)
    assert command is not None
    options = command.make_context(name, arguments, parent=context).params
    assert options["host"] == "0.0.0.0"
    assert not options["insecure_open"]
    assert options["model"] is None


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_torch_is_pinned_and_nothing_else_is_fetched(path: Path) -> None:
    (install,) = [rest for rest in told(stages(path)[0], "RUN") if "pip install" in rest]
    constraints = re.search(r"-c (\S+)", install)
    assert constraints is not None
    pinned = (ROOT / constraints[1]).read_text(encoding="utf-8")
    assert re.search(r"^torch==\d+\.\d+\.\d+$", pinned, re.MULTILINE)
    assert '".[serve]"' in install
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^ADD|\b(curl|wget|huggingface-cli|hf download|apt-get)\b", text, re.MULTILINE)
    assert "HF_HUB_OFFLINE=1" in text


def test_both_images_run_the_same_torch() -> None:
    assert len({(ROOT / "constraints" / name).read_text() for name in ("cpu.txt", "cuda.txt")}) == 1


# ---- two replicas behind nginx -------------------------------------------------------------------------------------


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"])


def test_the_replicas_write_nothing_and_may_do_nothing() -> None:
    services = compose()
    assert set(services) == {"roborefer-1", "roborefer-2", "nginx"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
    for name in ("roborefer-1", "roborefer-2"):
        build = services[name]["build"]
        assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
        assert services[name]["environment"]["ROBOREFER_API_KEY"].startswith("${ROBOREFER_API_KEY:?")
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > SETTINGS.shutdown_seconds
        assert services["nginx"]["depends_on"][name] == {"condition": "service_healthy"}
    for volume in services["nginx"]["volumes"]:
        assert (DOCKER / volume.split(":")[0]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in services["nginx"]["ports"])


def test_nginx_knows_the_replicas_and_lets_the_server_speak_first() -> None:
    text = (DOCKER / "nginx.conf").read_text(encoding="utf-8")
    assert re.findall(r"^\s*server (\S+):(\d+)", text, re.MULTILINE) == [
        (name, str(SETTINGS.port)) for name in ("roborefer-1", "roborefer-2")
    ]
    size = re.search(r"client_max_body_size (\d+)m;", text)
    wait = re.search(r"proxy_read_timeout (\d+)s;", text)
    assert size is not None
    assert wait is not None
    assert int(size[1]) << 20 > SETTINGS.max_body_bytes
    assert int(wait[1]) > SETTINGS.request_seconds


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def nginx(folder: Path, replicas: list[str]) -> Iterator[str]:
    """nginx with our settings, in front of servers on this machine."""
    assert NGINX is not None
    port = free_port()
    site = (DOCKER / "nginx.conf").read_text(encoding="utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
    for number, address in enumerate(replicas, start=1):
        site = site.replace(f"roborefer-{number}:{SETTINGS.port}", address.removeprefix("http://"))
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    as_whom = "user root;" if os.geteuid() == 0 else ""  # nobody may not write into a test's folder
    (folder / "nginx.conf").write_text(
        f"{as_whom} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    )
    running_nginx = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                assert running_nginx.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield address
    finally:
        running_nginx.terminate()
        running_nginx.wait(timeout=20)


@pytest.mark.skipif(NGINX is None, reason="no nginx on this machine (Debian: apt install nginx-light)")
def test_two_replicas_answer_and_one_carries_on(tmp_path: Path) -> None:
    predictors = [ScriptedPredictor(), ScriptedPredictor()]
    picture = (ROOT / "src/roborefer/serving/examples/coffee.jpg").read_bytes()
    with ExitStack() as replicas, ExitStack() as leaving:
        addresses = [leaving.enter_context(running(predictors[0])), replicas.enter_context(running(predictors[1]))]
        front = replicas.enter_context(nginx(tmp_path, addresses))
        client = replicas.enter_context(httpx.Client(timeout=30))

        def ask() -> Any:
            form = {"instruction": "the spoon"}
            return client.post(f"{front}/v1/point", data=form, files={"image": picture}).json()["points"]

        for predictor in predictors:
            predictor.forget()
        first = ask()
        assert [ask() for _ in range(9)] == [first] * 9
        assert all(predictor.batches for predictor in predictors)
        form = {"instruction": "the spoon", "reasoning": "true", "stream": "true"}
        with client.stream("POST", f"{front}/v1/point", data=form, files={"image": picture}) as response:
            names = [name for name, _ in events_of(response)]
        assert names[-1] == "result"
        assert names.count("step") == 4
        leaving.close()
        assert [ask() for _ in range(6)] == [first] * 6
