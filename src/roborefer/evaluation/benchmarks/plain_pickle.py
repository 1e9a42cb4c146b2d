"""Old data sets come as Python pickles, which can run code when they are unpickled. Here they are only read.

The file's instructions are listed (not run), and those that build numbers, texts, lists, tuples and dictionaries are
followed; any other instruction is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from roborefer.errors import InputError
from roborefer.images import MAX_FILE_BYTES, open_source, source_name

_MARK = object()
# What an instruction's argument is pushed as; texts of Python 2 may come as bytes.
_PUSHED = frozenset(
    {
        "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
        "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
    }
)  # fmt: skip
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


def read_plain_pickle(path: Path) -> Any:
    """Numbers, texts, None, booleans, lists, tuples and dictionaries out of a pickle.

    Raises:
        InputError: It cannot be read, or holds anything else.
    """
    name = source_name(path)
    with open_source(path) as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    reader = _Reader(name)
    try:
        for instruction, argument, _ in pickletools.genops(content):
            reader.follow(instruction.name, argument)
        return reader.result()
    except (ValueError, IndexError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {name}: it is no whole pickle; download it again") from error


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self.stack) != 1 or self.stack[0] is _MARK:
            raise ValueError("a pickle leaves one value")
        return self.stack[0]

    def follow(self, instruction: str, argument: Any) -> None:
        if instruction in _PUSHED:
            self.stack.append(argument.decode("utf-8") if isinstance(argument, bytes) else argument)
        elif instruction in _ACTIONS:
            _ACTIONS[instruction](self, argument)
        elif instruction not in _IGNORED:
            raise InputError(
                f"expected plain data (numbers, texts, lists, dictionaries), got the instruction {instruction} in "
                f"{self.name}: it is not read, because it could run code"
            )

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop_to_mark(self) -> list[Any]:
        values: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def pop(self, count: int) -> list[Any]:
        values = self.stack[len(self.stack) - count :]
        if len(values) < count or any(value is _MARK for value in values):
            raise ValueError("too few values")
        del self.stack[len(self.stack) - count :]
        return values

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise ValueError("items without a dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[key] = value

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise ValueError("items without a list")
        target.extend(values)

    def keep(self, index: Any) -> None:
        self.memo[int(index)] = self.stack[-1]

    def recall(self, index: Any) -> None:
        self.stack.append(self.memo[int(index)])


def _dictionary(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(values[::2], values[1::2], strict=True))


_ACTIONS: Mapping[str, Callable[[_Reader, Any], None]] = MappingProxyType(
    {
        "NONE": lambda reader, _: reader.push(None),
        "NEWTRUE": lambda reader, _: reader.push(True),
        "NEWFALSE": lambda reader, _: reader.push(False),
        "MARK": lambda reader, _: reader.push(_MARK),
        "EMPTY_LIST": lambda reader, _: reader.push([]),
        "EMPTY_TUPLE": lambda reader, _: reader.push(()),
        "EMPTY_DICT": lambda reader, _: reader.push({}),
        "LIST": lambda reader, _: reader.push(reader.pop_to_mark()),
        "TUPLE": lambda reader, _: reader.push(tuple(reader.pop_to_mark())),
        "TUPLE1": lambda reader, _: reader.push(tuple(reader.pop(1))),
        "TUPLE2": lambda reader, _: reader.push(tuple(reader.pop(2))),
        "TUPLE3": lambda reader, _: reader.push(tuple(reader.pop(3))),
        "DICT": lambda reader, _: reader.push(_dictionary(reader.pop_to_mark())),
        "APPEND": lambda reader, _: reader.extend(reader.pop(1)),
        "APPENDS": lambda reader, _: reader.extend(reader.pop_to_mark()),
        "SETITEM": lambda reader, _: reader.set_items(reader.pop(2)),
        "SETITEMS": lambda reader, _: reader.set_items(reader.pop_to_mark()),
        "PUT": _Reader.keep,
        "BINPUT": _Reader.keep,
        "LONG_BINPUT": _Reader.keep,
        "MEMOIZE": lambda reader, _: reader.keep(len(reader.memo)),
        "GET": _Reader.recall,
        "BINGET": _Reader.recall,
        "LONG_BINGET": _Reader.recall,
    }
)
