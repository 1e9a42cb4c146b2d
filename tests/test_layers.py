"""Who may import whom: the rooms of the package and the libraries that some of them never load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "roborefer"

# A room imports itself and rooms of a lower floor; what else it may import is in BESIDES.
FLOORS = (
    {"errors"},
    {"structures"},
    {"answers", "geometry", "images"},
    {"refspatial", "viz", "models"},
    {"datasets"},  # its collator calls the models' processor
    {"instructions"},
    {"predictor"},
    {"loading"},
    {"evaluation"},
    {"training", "serving"},
    {"cli"},
    {"__main__"},
)
BESIDES = {
    ("geometry", "images"),  # depth files are pictures too
    ("refspatial", "viz"),  # contact sheets of what was generated
}
# Only these import the package itself, whose names are loaded from every room below.
CALLERS = {"cli", "__main__", "training", "serving"}
# The package's own names: it may reach what load() needs, and nothing above.
ROOT_REACH = {
    "errors",
    "structures",
    "answers",
    "geometry",
    "images",
    "models",
    "instructions",
    "predictor",
    "loading",
    "viz",
}

TORCH_FREE = (
    *("errors", "structures", "images", "answers", "geometry", "viz", "refspatial", "evaluation"),
    # Reading and checking data needs no model.
    *("datasets.records", "datasets.json_list", "datasets.record_files", "datasets.record_forms"),
    *("datasets.own_points", "datasets.sources", "datasets.registry", "datasets.mixture", "datasets.checks"),
    *("datasets.scanning", "datasets.sample_index"),
)
TORCH_ASIDE = ("refspatial.perception", "evaluation.benchmarks.hub")
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}


def modules() -> dict[str, Path]:
    """Every module of the package: ``geometry.depth`` -> its file; the package itself is ``""``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """Every import of a module, inside functions too: the full name, and whether it is for type checkers only."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in for_types
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import; name the module in full"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = full.removeprefix("roborefer.") in MODULES and full.startswith("roborefer.")
                yield full if is_module else node.module, node in for_types


def own_imports(module: str) -> Iterator[tuple[str, bool]]:
    """The imports from within the package, as names in ``MODULES``."""
    for name, types_only in imports(module):
        if name == "roborefer" or name.startswith("roborefer."):
            yield name.removeprefix("roborefer").removeprefix("."), types_only


def room(module: str) -> str:
    return module.partition(".")[0]


def floor(name: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if name in rooms), -1)


def is_torch_free(module: str) -> bool:
    return (
        module != ""
        and any(f"{module}.".startswith(f"{name}.") for name in TORCH_FREE)
        and not any(f"{module}.".startswith(f"{name}.") for name in TORCH_ASIDE)
    )


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_room_imports_only_rooms_below_it(module: str) -> None:
    here = room(module)
    assert floor(here) >= 0, f"{here} has no floor: add it to FLOORS, and to the design"
    for name, _ in own_imports(module):
        if name == "":
            assert here in CALLERS, f"{module} imports the package itself; import from the room that is meant"
            continue
        there = room(name)
        allowed = there == here or floor(there) < floor(here) or (here, there) in BESIDES
        assert allowed, f"{module} must not import {name}"


def test_the_package_itself_reaches_no_higher_than_the_predictor() -> None:
    assert {room(name) for name, _ in own_imports("")} <= ROOT_REACH


def test_no_cycles_between_modules() -> None:
    graph = {
        module: {name for name, types_only in own_imports(module) if not types_only and name not in ("", module)}
        for module in MODULES
        if module
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, "cycle: " + " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for name in sorted(graph.get(module, ())):
                visit(name, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", [name for name in MODULES if is_torch_free(name)])
def test_rooms_without_torch_name_no_heavy_library(module: str) -> None:
    named = {name.partition(".")[0] for name, types_only in imports(module) if not types_only}
    assert not named & HEAVY


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the code."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_rooms_without_torch_load_no_heavy_library() -> None:
    names = [f"roborefer.{module}" for module in MODULES if is_torch_free(module)]
    assert names
    assert not loaded_after("import " + ", ".join(names)) & HEAVY


@pytest.mark.parametrize(
    "code",
    [
        "import roborefer",
        "import roborefer; dir(roborefer)",
        "import roborefer.cli.main",
        "from click.testing import CliRunner; from roborefer.cli.main import roborefer; "
        "assert CliRunner().invoke(roborefer, ['--help']).exit_code == 0",
        "from click.testing import CliRunner; from roborefer.cli.main import roborefer; "
        "assert CliRunner().invoke(roborefer, ['point', '--help']).exit_code == 0",
    ],
)
def test_import_and_help_load_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & {*HEAVY, "numpy", "PIL", "yaml"}
