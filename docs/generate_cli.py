"""Writes docs/cli.md from the commands' own help; ``make docs`` runs it and tests/test_docs.py compares."""

from __future__ import annotations

from pathlib import Path

import click

from roborefer.cli.main import COMMANDS, roborefer

PAGE = Path(__file__).with_name("cli.md")

_HEAD = """# The command line

What `--help` prints, written by `make docs`. How pointing works is told in [point.md](point.md).

Every command exits with 0 when it did what it was asked to, with 2 and one line on stderr when something given cannot
be used, and with 130 when it was interrupted. `python -m roborefer` is the same as `roborefer`.
"""


def page() -> str:
    """The page as it should be."""
    group = roborefer.make_context("roborefer", [], terminal_width=100)
    sections = [f"\n## roborefer\n\n```text\n{roborefer.get_help(group)}\n```\n"]
    for name in COMMANDS:
        command = roborefer.get_command(group, name)
        assert command is not None
        sections += _sections(command, name, group)
    return _HEAD + "".join(sections)


def _sections(command: click.Command, name: str, parent: click.Context) -> list[str]:
    """The command's help, and that of its own commands."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100)
    sections = [f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            below = command.get_command(context, inner)
            assert below is not None
            sections += _sections(below, inner, context)
    return sections


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
