"""The Rerun viewer's file; mostly passed over where rerun-sdk, which is large, is not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .test_robot_client import files

needs_rerun = pytest.mark.skipif(
    find_spec("rerun") is None, reason="rerun-sdk is not installed (pip install 'roborefer[robot]')"
)


def test_without_rerun_its_help_is_shown_and_a_question_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "rerun_viewer", raising=False)
    from rerun_viewer import main

    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "See an answer in Rerun." in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(["desk.jpg", "the red tomato"])
    message = str(caught.value.code)
    assert message.startswith("error: expected rerun-sdk, got none (")
    assert message.endswith("): run pip install 'roborefer[robot]'")
    assert "\n" not in message


@needs_rerun
def test_an_answer_is_written_to_a_file(server: str, tmp_path: Path) -> None:
    from rerun_viewer import main

    saved = tmp_path / "answer.rrd"
    main([*files(tmp_path), "--reasoning", "--server", server, "--save", str(saved)])
    content = saved.read_bytes()
    assert content[:4] == b"RRF2"
    for entity in (b"camera/image", b"camera/image/depth", b"camera/image/steps", b"cloud", b"anchor/normal", b"words"):
        assert entity in content


@needs_rerun
def test_a_picture_alone_is_enough(server: str, tmp_path: Path) -> None:
    from rerun_viewer import main

    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "black.png")
    saved = tmp_path / "answer.rrd"
    main([str(tmp_path / "black.png"), "the cup", "--server", server, "--save", str(saved)])
    content = saved.read_bytes()
    assert b"camera/image/points" in content
    assert b"anchor" not in content


@needs_rerun
def test_what_cannot_be_read_is_told_in_one_line(server: str, tmp_path: Path) -> None:
    from rerun_viewer import main

    with pytest.raises(SystemExit, match=r"error: no such file: .*none\.png; check the path"):
        main([str(tmp_path / "none.png"), "the cup", "--server", server])
