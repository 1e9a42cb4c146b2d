"""The soak of ``benchmarks/soak.py``, small: hundreds of requests to a real server, of which none may be lost."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

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


def test_a_new_picture_looks_like_the_one_that_it_was_made_of() -> None:
    from made_up_pictures import encoded
    from serving import Pair

    pair = Pair(encoded(Image.effect_noise((64, 48), 40).convert("RGB"), "JPEG"), b"depth")
    new = [pair.again(number).image for number in range(3)]
    assert len({pair.image, *new}) == 4
    assert len({Image.open(io.BytesIO(image)).tobytes() for image in (pair.image, *new)}) == 1


def test_percentiles_are_of_the_nearest_rank() -> None:
    from reporting import percentiles

    assert percentiles([float(value) for value in range(100, 0, -1)]) == {"p50": 50, "p95": 95, "p99": 99, "count": 100}
    assert percentiles([7.0]) == {"p50": 7, "p95": 7, "p99": 7, "count": 1}
    assert percentiles([]) == {"count": 0}
