"""The soak of ``benchmarks/soak.py``, small: hundreds of requests to a real server, of which none may be lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..models.pointing_models import write_pointing_checkpoint  # noqa: TID252 - shared models

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def benchmarks() -> Iterator[None]:
    """The scripts of ``benchmarks/`` find each other beside themselves."""
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-pointer"
    write_pointing_checkpoint(folder)
    return folder


def soaked(checkpoint: Path, **settings: Any) -> dict[str, Any]:
    from soak import Soak, soak

    return soak(str(checkpoint), Soak(pictures=3, threads=1, **settings))


def test_none_is_lost_and_nothing_is_left_behind(checkpoint: Path) -> None:
    report = soaked(checkpoint, requests=300, broken=0.2, callers=8, upload_seconds=3.0, seconds=120.0)
    assert report["violations"] == []
    assert report["requests"] == {"good": 240, "broken": 60}
    assert report["batch_size"] > 1.2
    assert min(report["cache_hits"], report["cache_misses"]) > 20


@pytest.mark.slow
def test_ten_thousand(checkpoint: Path) -> None:
    report = soaked(checkpoint, seconds=1800.0)
    assert report["violations"] == []
    assert report["requests"] == {"good": 9500, "broken": 500}


def test_what_goes_wrong_is_found() -> None:
    from soak import wrong_answer
    from soak_questions import Question

    question = Question("a query", "/v1/query", {}, b"{}", lambda content: content.decode(), "yes")

    def found(status: int, text: str) -> str | None:
        return wrong_answer(question, httpx.Response(status, text=text))

    assert found(200, "yes") is None
    assert found(200, "no") == "expected yes, got no"
    assert found(503, "busy") == "answered with 503: busy"
