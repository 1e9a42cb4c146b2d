"""What all commands share: help that ends with examples, and text that is safe to print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class Command(click.Command):
    """A command whose help ends with examples.

    Args:
        examples: Command lines, as they would be typed.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, *self.examples)


class Group(click.Group):
    """A command with commands of its own, whose help ends with examples.

    Args:
        examples: Command lines, as they would be typed.
    """

    command_class = Command

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, *self.examples)


def write_examples(formatter: click.HelpFormatter, *examples: str) -> None:
    """A section of command lines, each left on a line of its own where click would fill a paragraph."""
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def printable(text: str) -> str:
    """The text on one line, with control characters escaped: a model's text must not steer the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
