"""The names that the package promises are there, lazily, and the README and the package agree on the version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import roborefer

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", roborefer.__all__)
def test_every_exported_name_exists(name: str) -> None:
    assert getattr(roborefer, name) is not None
    assert name in dir(roborefer)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'roborefer' has no attribute 'pint'"):
        _ = roborefer.pint


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_names_used_in_the_docs_exist(page: Path) -> None:
    # `roborefer.load(...)` is a name; `roborefer.geometry.depth` and `from roborefer.structures import` are modules.
    text = page.read_text(encoding="utf-8")
    names = set(re.findall(r"(?<![\w/.])roborefer\.([A-Za-z]\w*)\b(?!\.)", text))
    package = ROOT / "src" / "roborefer"
    modules = {path.stem for path in package.iterdir()}
    assert names <= {*roborefer.__all__, *modules}


@pytest.mark.parametrize(
    "name",
    ["Depth", "Intrinsics", "Point", "Prediction", "RoboReferError", "intrinsics_from_fov", "load", "point"],
)
def test_promised_names_are_exported(name: str) -> None:
    assert name in roborefer.__all__


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == roborefer.__version__
    assert f" {roborefer.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_is_loaded_late_leaves_the_collector_as_it_was() -> None:
    program = """
import gc, sys
import roborefer
assert gc.isenabled()
roborefer.Point
assert gc.isenabled()
gc.disable()
roborefer.read_image
assert not gc.isenabled()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
