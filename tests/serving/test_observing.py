"""What is noted of a request: a line in the log, with its id and its time."""

from __future__ import annotations

import re

import pytest

from .live_server import running
from .protocols import WEB
from .stub_predictor import StubPredictor


def test_a_line_for_every_request_has_its_id_and_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with running(StubPredictor(), log_requests=True) as url:
        WEB.get(f"{url}/healthz", headers={"X-Request-Id": "robot-7.42"})
        WEB.get(f"{url}/a%0Ab", headers={"X-Request-Id": "robot-7.43"})
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"127\.0\.0\.1:\d+ GET /healthz 200 \d+\.\d ms robot-7\.42", first)
    assert re.fullmatch(r"127\.0\.0\.1:\d+ GET /a%0Ab 404 \d+\.\d ms robot-7\.43", second)


def test_nothing_is_written_unless_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with running(StubPredictor()) as url:
        WEB.get(f"{url}/healthz")
    assert capsys.readouterr() == ("", "")
