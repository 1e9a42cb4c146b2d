"""Sends broken requests over sockets of their own, as slowly or as far as they go."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from soak_faults import Fault

LEFT = "the caller left"

_DRIP_S = 0.2
_SHOWN_CHARACTERS = 200


async def send_fault(port: int, fault: Fault, patience_s: float) -> str:
    """What became of a broken request: the status of its answer, or :data:`LEFT`.

    Args:
        port: Of a server on this machine.
        fault: What is sent, and how.
        patience_s: How long a caller waits who leaves while it does.

    Raises:
        OSError, EOFError: The server closed the connection without a whole answer.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if fault.manner == "slow":
            return await _send_slowly(reader, writer, fault)
        with suppress(ConnectionError):  # an answer may come before all was sent
            writer.write(fault.content)
            await writer.drain()
        if fault.manner == "whole":
            return await _read_answer(reader, fault)
        if fault.manner == "leaves while reading":
            await reader.readuntil(b"data:")
        elif fault.manner == "leaves while waiting":
            await asyncio.sleep(patience_s)
        return LEFT
    finally:
        writer.transport.abort()


async def _send_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> str:
    dripping = asyncio.create_task(_drip(writer, fault.content))
    try:
        return await _read_answer(reader, fault)
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def _drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    """Most of the head at once, then byte by byte, for ever."""
    begun = content.find(b"\r\n\r\n") + 4
    start = begun if begun > 4 else len(content)
    writer.write(content[:start])
    for place in range(start, 1 << 30):
        await asyncio.sleep(_DRIP_S)
        writer.write(content[place : place + 1] or b"a")
        await writer.drain()


async def _read_answer(reader: asyncio.StreamReader, fault: Fault) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read(-1)
    status = head.split()[1].decode()
    return f"{status}, but {body[:_SHOWN_CHARACTERS]!r}" if fault.told and not _is_told(body) else status


def _is_told(body: bytes) -> bool:
    """Whether it is an error of one line in a protocol's own shape."""
    try:
        reply = json.loads(body)
        message = reply["answer"] if reply.get("result") == 0 else reply["error"]["message"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return isinstance(message, str) and bool(message) and "\n" not in message and "Traceback" not in message
