"""The documentation: its code runs, its commands parse, its help is the real one, its links lead somewhere."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from roborefer.cli.main import roborefer as command_line

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"])
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of a page in these languages."""
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        if language in languages:
            yield text


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of each command in the page's shell blocks; what a command prints is passed over."""
    for text in blocks(page, "console"):
        for line in text.splitlines():
            if line.startswith("$ "):
                yield shlex.split(line[2:], comments=True)
    for text in blocks(page, "sh"):
        yield from (words for line in text.splitlines() if (words := shlex.split(line, comments=True)))


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings get on a forge."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


PYTHON_PAGES = [page for page in PAGES if any(blocks(page, "python"))]
COMMANDS = [(page, words) for page in PAGES for words in command_lines(page)]
RUNNABLE = [
    words
    for _, words in COMMANDS
    if words[0] == "roborefer"
    and words[1] != "serve"  # it would not come back
    and not {"--model", "--rgb-model"} & {*words}
    and not {"desk.png", "desk.jpg"} & {*words}  # the reader's own
]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a reader's: the examples, and what ``make demo`` writes before it points."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", folder / "examples")
    subprocess.run([sys.executable, "examples/motorcycle.py"], cwd=folder, check=True, timeout=120)
    return folder


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=name_of)
def test_python_in_the_pages_runs(page: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(examples)
    script = examples / "page.py"
    # One page is one script: its later blocks use what the earlier ones made.
    script.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    runpy.run_path(str(script))


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[" ".join(words) for _, words in COMMANDS])
def test_commands_in_the_pages_are_understood(page: Path, words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert set(arguments) <= MAKE_TARGETS
    elif program == "python":
        assert (ROOT / arguments[0]).is_file()
    else:
        assert program == "roborefer"
        understand(arguments)


def understand(arguments: list[str]) -> None:
    """Parses a command line of ``roborefer`` without running it."""
    context = command_line.make_context("roborefer", [])
    command = command_line.get_command(context, arguments[0])
    assert command is not None, f"no such command: {arguments[0]}"
    if "--help" not in arguments:
        command.make_context(arguments[0], arguments[1:], parent=context)


def test_examples_in_the_help_are_understood() -> None:
    group = command_line.make_context("roborefer", [])
    for name in command_line.list_commands(group):
        for example in getattr(command_line.get_command(group, name), "examples", ()):
            program, *arguments = shlex.split(example)
            assert program == "roborefer"
            understand(arguments)


@pytest.mark.parametrize("words", RUNNABLE, ids=" ".join)
def test_commands_about_the_examples_run(words: list[str], examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(examples)
    result = CliRunner().invoke(command_line, words[1:], catch_exceptions=False)
    # In a photograph, which the packaged model has not learned from, it may find no point.
    photograph = any("coffee" in word or "left.png" in word for word in words)
    assert result.exit_code in ((0, 1) if words[1] == "point" and photograph else (0,)), result.output


def test_the_help_page_is_up_to_date() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate_cli.py"))["page"]()
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == generated, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in headings(linked), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_docs_are_reached_from_the_readme(page: Path) -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        current = waiting.pop()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        if current.suffix == ".md":
            links = re.findall(r"\]\(([^)#\s]+)", current.read_text(encoding="utf-8"))
            waiting += [(current.parent / link).resolve() for link in links if "://" not in link]
    assert page in seen or page == ROOT / "docs" / "README.md"
