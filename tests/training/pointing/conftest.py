"""A folder of made-up scenes that tests share and leave as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .made_up_views import write_folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("scenes"))
