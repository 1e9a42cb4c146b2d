"""``roborefer``: finds the command by its name, runs it, and turns a user's mistake into one line.

A command's file is imported when that command is named, so that ``roborefer --help`` needs nothing but click.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn, TextIO

import click

from roborefer import __version__
from roborefer.cli.commands import write_examples
from roborefer.errors import RoboReferError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "point": ("roborefer.cli.point:point", "Find the point that an instruction means, in pixels and in metres."),
    "generate": ("roborefer.cli.generate:generate", "Make training data and a benchmark in simulation."),
    "init-base": ("roborefer.cli.init_base:init_base", "Build a base model from a vision tower and a language model."),
    "train": ("roborefer.cli.train:train", "Train a model: depth alignment, supervised fine-tuning."),
    "evaluate": ("roborefer.cli.evaluate:evaluate", "Judge a model on a benchmark."),
    "serve": ("roborefer.cli.serve:serve", "Serve a model over HTTP, with a page to try it on."),
    "inspect": (
        "roborefer.cli.inspect:inspect",
        "Look into data: a contact sheet, its faults, what a model is fed of it.",
    ),
}
"""Name -> (where the command is, what it does in one line)."""

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count it


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(
            formatter,
            'roborefer point desk.jpg "the cup behind the plate"',
            "roborefer point --help",
        )


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="roborefer", message="%(prog)s %(version)s")
@click.pass_context
def roborefer(ctx: click.Context) -> None:
    """Spatial referring: from an image, depth if there is any, and an instruction to the point that was meant."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits.

    0 means done, 1 that the command ran and found nothing, 2 that something given cannot be used, 130 that it was
    interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets an escape in its place, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = None if arguments is None else list(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = roborefer.main(args=words, prog_name="roborefer", standalone_mode=False)
    except click.exceptions.Abort:
        # click's name for Ctrl-C
        _fail("interrupted", EXIT_INTERRUPTED)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see {context.command_path} --help" if context is not None else ""
        _fail(f"{error.format_message().rstrip('.')}{hint}", EXIT_BAD_INPUT)
    except RoboReferError as error:
        _fail(str(error), EXIT_BAD_INPUT)
    sys.exit(code if isinstance(code, int) else 0)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line: its place in the code says nothing to a person at a shell."""
    click.echo("warning: " + " ".join(str(message).split()), err=True)


def _fail(message: str, code: int) -> NoReturn:
    click.echo("error: " + " ".join(message.splitlines()), err=True)
    sys.exit(code)
