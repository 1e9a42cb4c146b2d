"""The shell around the commands: help, unknown names, exit codes, and no traceback for what a user did."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

import roborefer
from roborefer.cli import main as shell
from roborefer.cli.commands import printable
from roborefer.errors import CheckpointError, InputError


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of :func:`roborefer.cli.main.main`."""
    with pytest.raises(SystemExit) as stopped:
        shell.main(arguments)
    output = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, output.err


@pytest.fixture
def failing_command(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Puts a command in place of ``point`` that raises what it is told to."""

    def install(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr(shell.LazyGroup, "get_command", lambda self, ctx, name: command)

    return install


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_and_ends_with_examples(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = run_main(capsys, *arguments)
    assert (code, err) == (0, "")
    for name, (_, summary) in shell.COMMANDS.items():
        assert f"  {name}" in out
        assert summary in " ".join(out.split())  # long ones are wrapped
    assert out.splitlines()[-1].startswith("  roborefer ")


@pytest.mark.parametrize("name", shell.COMMANDS)
def test_the_help_of_every_command_ends_with_examples_that_parse(name: str) -> None:
    command = shell.roborefer.get_command(shell.roborefer.make_context("roborefer", []), name)
    assert command is not None
    assert command.name == name
    assert command.examples
    text = CliRunner().invoke(shell.roborefer, [name, "--help"]).output
    assert text.splitlines()[-1].strip() == command.examples[-1]
    assert "Examples:" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(capsys, "--version") == (0, f"roborefer {roborefer.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("pint",), "error: No such command 'pint'"),
        (("--nope",), "error: No such option '--nope'"),
        (("point",), "error: Missing argument 'IMAGE'; see roborefer point --help"),
        (("point", "a.png"), "error: Missing argument 'INSTRUCTION'; see roborefer point --help"),
        (("point", "a.png", "cup", "more"), "error: Got unexpected extra argument (more); see roborefer point --help"),
        (("point", "a.png", "cup", "--fov", "wide"), "error: Invalid value for '--fov': 'wide' is not a valid float"),
        (("point", "a.png", "cup", "--dtype", "int4"), "error: Invalid value for '--dtype': 'int4' is not one of"),
    ],
)
def test_misuse_is_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], start: str) -> None:
    code, out, err = run_main(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(start)
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [InputError("no such file: a;\ncheck the path"), CheckpointError("llm is missing")])
def test_a_users_error_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str], failing_command: Callable[[BaseException], None], error: Exception
) -> None:
    failing_command(error)
    assert run_main(capsys, "point") == (2, "", "error: " + str(error).replace("\n", " ") + "\n")


def test_an_interruption_is_130(
    capsys: pytest.CaptureFixture[str], failing_command: Callable[[BaseException], None]
) -> None:
    failing_command(KeyboardInterrupt())
    code, out, err = run_main(capsys, "point")
    assert (code, out) == (130, "")
    assert err.strip() == "error: interrupted"


def test_a_defect_of_ours_keeps_its_traceback(failing_command: Callable[[BaseException], None]) -> None:
    failing_command(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        shell.main(["point"])


def test_a_reader_that_stops_reading_causes_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "roborefer", "point", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
        run.wait(timeout=60)


def test_python_m_is_the_same_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "roborefer", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == f"roborefer {roborefer.__version__}\n"


def test_a_terminal_without_a_letter_gets_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stderr", latin)
    with pytest.raises(SystemExit):
        shell.main(["杯"])
    latin.flush()
    assert rb"\u676f" in latin.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "safe"),
    [("the cup", "the cup"), ("\x1b[31mred\n", "\\x1b[31mred\\n"), ("a\u202eb", "a\\u202eb"), ("杯子", "杯子")],
)
def test_control_characters_are_escaped(text: str, safe: str) -> None:
    assert printable(text) == safe
