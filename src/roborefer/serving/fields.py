"""Which field of a request an error is about: the engine has its own names for them, and each protocol its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from roborefer.errors import InputError

# What the library calls a file that has no path.
_NAMELESS = "the given bytes"


class FieldError(InputError):
    """An error about one field.

    Attributes:
        field: Its name.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@contextmanager
def about(field: str) -> Iterator[None]:
    """Errors that are raised inside are about a field, and call its file by its name.

    Args:
        field: ``image``, ``depth``, ``text``, ``intrinsics``, ``fov``, ``world_from_camera``; of several
            files ``image 2``.
    """
    try:
        yield
    except FieldError:
        raise
    except InputError as error:
        shown = field if field[-1].isdigit() else f"the {field}"
        raise FieldError(str(error).replace(_NAMELESS, shown), field) from error


@contextmanager
def called(names: Mapping[str, str]) -> Iterator[None]:
    """Errors that are raised inside give a field the name that the caller's protocol has for it.

    Args:
        names: Of the protocol, by those of :func:`about`; a field without one keeps its own.
    """
    try:
        yield
    except FieldError as error:
        raise FieldError(str(error), names.get(error.field, error.field)) from error


def numbered(word: str, place: int, count: int) -> str:
    """The name of one of several files of a kind: ``image``, or ``image 2`` where there are more; place is from 0."""
    return word if count == 1 else f"{word} {place + 1}"
