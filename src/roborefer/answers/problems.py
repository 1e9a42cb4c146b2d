"""What could not be read: one line each, bounded in length and in number."""

from __future__ import annotations

EXCERPT_LENGTH = 60
MAX_PROBLEMS = 20


class UnreadableError(ValueError):
    """A part of a reply cannot be read; its message is the problem line. It never leaves this package."""


class ProblemLog:
    """Problem lines in the order found; from the 21st on they are only counted, so that a reply cannot flood it."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._unlisted = 0

    def add(self, line: str) -> None:
        if len(self._lines) < MAX_PROBLEMS:
            self._lines.append(line)
        else:
            self._unlisted += 1

    def __len__(self) -> int:
        return len(self._lines) + self._unlisted

    def lines(self) -> tuple[str, ...]:
        if self._unlisted:
            return (*self._lines, f"and {self._unlisted} more")
        return tuple(self._lines)


def excerpt(text: str) -> str:
    """The beginning of ``text`` on one line."""
    # Twice the length is enough to see whether anything is left over once runs of whitespace are single spaces.
    line = " ".join(text[: 2 * EXCERPT_LENGTH].split())
    if len(line) > EXCERPT_LENGTH or len(text) > 2 * EXCERPT_LENGTH:
        return line[: EXCERPT_LENGTH - 3] + "..."
    return line
