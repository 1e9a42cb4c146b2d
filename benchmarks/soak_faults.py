"""Broken requests, as they go over the wire, and what must become of each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from made_up_pictures import base64_of, data_uri, encoded, made_up, npy

MAX_BODY_MB = 4
"""The server's ``--max-body-mb``."""

Manner = Literal["whole", "slow", "leaves while sending", "leaves while waiting", "leaves while reading"]

_POINT, _CHAT, _QUERY, _PUBLISHED = "/v1/point", "/v1/chat/completions", "/v1/query", "/query"
_HUGE = 10**400
_BOUNDARY = "edge"


@dataclass(frozen=True, eq=False)
class Fault:
    """A request that cannot be answered.

    Attributes:
        kind: What is wrong with it.
        content: Head and body.
        status: Of the answer; 0 where the caller leaves before it.
        manner: How it is sent.
        told: Whether the answer is an error in the protocol's own shape; HTTP's own are not.
    """

    kind: str
    content: bytes
    status: int = 400
    manner: Manner = "whole"
    told: bool = True


class FaultMaker:
    """Breaks requests about a picture.

    Args:
        seed: Decides the picture.
    """

    def __init__(self, seed: int) -> None:
        picture, metres = made_up(np.random.default_rng(seed), (320, 240))
        self._jpeg, self._png = encoded(picture, "JPEG"), encoded(picture, "PNG")
        self._depth = encoded(Image.fromarray((metres * 1000).astype(np.uint16)), "PNG")
        self._npy = npy(metres)
        self._good = {"image": data_uri(self._jpeg), "instruction": "the red cup"}

    def faults(self) -> list[Fault]:
        """One of every kind."""
        parts = (self._pictures, self._bombs, self._types, self._json, self._numbers, self._forms)
        return [fault for part in (*parts, self._limits, self._http, self._manners) for fault in part()]

    def _pictures(self) -> Iterator[Fault]:
        truncated = {"JPEG": self._jpeg, "PNG": self._png}
        for kind, content in truncated.items():
            for share in (0.02, 0.5, 0.9):
                yield self._image(f"{kind} cut to {share:.0%}", content[: int(len(content) * share)])
        yield self._image("empty picture", b"")
        yield self._image("text for a picture", b"I am a picture. " * 20)
        yield self._image("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>')
        yield self._image("depth for a picture", self._depth)
        yield self._image("noise behind a header", self._png[:60] + np.random.default_rng(0).bytes(5000))
        for kind, content in {"PNG": self._depth, "NPY": self._npy}.items():
            yield self._with(f"depth {kind} cut", depth=data_uri(content[: len(content) // 2]))
        yield self._with("depth of another shape", depth=data_uri(npy(np.ones((100, 320), np.float32))))
        yield self._with("depth of objects", depth=data_uri(_pickled_npy()))
        yield self._with("bad base64", image="data:image/png;base64,@@@@")
        yield self._with("a file's address", image="file:///etc/passwd")
        yield self._with("an address elsewhere", image="http://127.0.0.1:9/picture.png")
        yield Fault("published, picture cut", _published([base64_of(self._jpeg[:400])]))
        yield Fault("published, no picture", _published([]))
        yield Fault("chat, picture cut", _chat([_image_part(self._png[:900]), _text_part()]))
        yield Fault("query, picture cut", _post(_QUERY, {"image_url": base64_of(self._jpeg[:900]), "question": "why?"}))

    def _bombs(self) -> Iterator[Fault]:
        for side in (9_000, 60_000, 2**31 - 1):
            yield self._image(f"PNG of {side} squared", _png_header(side, 2) + _png_pixels())
            yield self._with(f"depth PNG of {side} squared", depth=data_uri(_png_header(side, 0, 16) + _png_pixels()))
        yield self._image("PNG with a text that inflates to 64 MB", _png_header(64, 2) + _inflating_text(64 << 20))
        yield self._image("BMP of 40000 squared", _bmp_header(40_000))
        yield self._with("NPY of 10^10 numbers", depth=data_uri(_npy_header((100_000, 100_000))))
        yield self._with("NPY of more numbers than there are", depth=data_uri(_npy_header((2**40, 2**40))))
        bomb = _image_part(_png_header(60_000, 2) + _png_pixels())
        yield Fault("chat, bomb", _chat([bomb, _text_part()]))

    def _types(self) -> Iterator[Fault]:
        for name, value in (
            *(("image", 5), ("image", ["a"]), ("instruction", {"a": 1}), ("instruction", None), ("depth_unit", True)),
            *(("stream", "perhaps"), ("intrinsics", "wide"), ("world_from_camera", [[1]]), ("settings", 7)),
            *(("spatial_refs", [[0.1, 0.2]]), ("unknown", 1), ("object", "twice")),
        ):
            yield self._with(f"point, {name} of a wrong type ({type(value).__name__})", **{name: value})
        yield Fault("chat, messages of a wrong type", _post(_CHAT, {"messages": "hello"}))
        yield Fault("chat, part of a wrong type", _chat([{"type": "video_url", "video_url": {"url": "x"}}]))
        yield Fault("chat, address of a wrong type", _chat([{"type": "image_url", "image_url": "x"}, _text_part()]))
        yield Fault("chat without a question", _chat([_image_part(self._jpeg)]))
        yield Fault("query, question of a wrong type", _post(_QUERY, {"question": 3}))
        yield Fault("published, list of a wrong type", _post(_PUBLISHED, {"image_url": "x", "text": "t"}))
        yield Fault("published without text", _post(_PUBLISHED, {"image_url": [base64_of(self._jpeg)]}))

    def _json(self) -> Iterator[Fault]:
        good = json.dumps(self._good).encode()
        for path in (_POINT, _CHAT, _QUERY, _PUBLISHED):
            yield Fault(f"{path}, JSON cut", _post(path, good[: len(good) // 2]))
        yield Fault("no body", _post(_POINT, b""))
        yield Fault("not UTF-8", _post(_POINT, b'{"image": "\xff\xfe"}'))
        yield Fault("a lone surrogate", _post(_POINT, json.dumps({**self._good, "instruction": "a\ud800b"}).encode()))
        yield Fault("deep nesting", _post(_CHAT, b'{"messages":' + b"[" * 200_000))
        yield Fault("deep nesting, closed", _post(_POINT, b'{"spatial_refs":' + b"[" * 9000 + b"]" * 9000 + b"}"))
        yield Fault("a list", _post(_QUERY, b"[1, 2]"))

    def _numbers(self) -> Iterator[Fault]:
        camera = {"fx": 300, "fy": 300, "cx": 160, "cy": 120}
        pose = np.eye(4).tolist()
        for name, value in (
            *(("depth_unit", float("nan")), ("depth_unit", float("inf")), ("depth_unit", _HUGE), ("depth_unit", -1)),
            *(("fov", float("nan")), ("fov", 400), ("fov", 1e308), ("fov", _HUGE), ("fov", 0)),
            *(("max_new_tokens", 0), ("max_new_tokens", -(10**30)), ("max_new_tokens", 1.5)),
            *(("intrinsics", {**camera, "fx": float("nan")}), ("intrinsics", {**camera, "fx": _HUGE})),
            *(("intrinsics", {**camera, "cx": 1e300}), ("intrinsics", {"K": [[1e308] * 3] * 3})),
            *(("intrinsics", {**camera, "width": 10, "height": 10_000}), ("intrinsics", [[1] * 3] * 2)),
            *(("world_from_camera", [[float("nan")] * 4] * 4), ("world_from_camera", [[1e200] * 4] * 4)),
            *(("world_from_camera", (np.array(pose) * 2).tolist()), ("settings", {"max_tokens": 0})),
        ):
            body = {**self._good, "depth": data_uri(self._depth), name: value}
            yield Fault(f"number in {name}: {_shown(value)}", _post(_POINT, body))
        yield Fault("no time", _post(_POINT, self._good, headers={"X-Timeout-Seconds": "nan"}))

    def _forms(self) -> Iterator[Fault]:
        whole = _form({"instruction": b"the cup", "image": self._jpeg})
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        yield Fault("form cut", _post(_POINT, whole[: len(whole) // 2], kind))
        yield Fault("form without boundary", _post(_POINT, whole, "multipart/form-data"))
        yield Fault("form with another boundary", _post(_POINT, whole, "multipart/form-data; boundary=other"))
        yield Fault("form with a name twice", _post(_POINT, whole.replace(b"--edge--\r\n", b"") + whole, kind))
        fields = {f"field{number}": b"x" for number in range(60)}
        yield Fault("form with too many fields", _post(_POINT, _form(fields), kind))
        yield Fault("form with unknown file", _post(_POINT, _form({"instruction": b"a", "picture": self._jpeg}), kind))
        numbers = {"instruction": b"a", "image": self._jpeg, "fov": b"wide"}
        yield Fault("form with a wrong number", _post(_POINT, _form(numbers), kind))

    def _limits(self) -> Iterator[Fault]:
        yield self._with("no instruction", instruction="  ")
        yield self._with("a long instruction", instruction="cup " * 10_000)
        yield Fault("nine pictures", _chat([*[_image_part(self._jpeg)] * 9, _text_part()]))
        long = MAX_BODY_MB << 20
        yield Fault("too long, as told", _post(_POINT, b"{}", headers={"Content-Length": str(long + 1)}), 413)
        yield Fault("too long, in chunks", _chunked(_POINT, b"x" * (1 << 16), long // (1 << 16) + 4), 413)
        yield Fault("another kind of content", _post(_POINT, b"<a/>", "application/xml"), 415)

    def _http(self) -> Iterator[Fault]:
        yield Fault("no such path", _post("/v2/point", {}), 404)
        yield Fault("a path upwards", _head("GET", "/page/../../../../etc/passwd"), 404)
        yield Fault("another method", _head("GET", _POINT), 405)
        yield Fault("another host", _post(_POINT, self._good, headers={"Host": "robot.example"}), 403)
        yield Fault("another site", _post(_POINT, self._good, headers={"Origin": "http://site.example"}), 403)
        yield Fault("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n", told=False)
        yield Fault("half a line", b"POST\r\n\r\n", told=False)
        yield Fault("an endless header", b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 20_000, told=False)
        yield Fault("two lengths", _post(_POINT, b"{}", headers={"Content-Length": "2, 3"}), told=False)
        yield Fault("no length", _post(_POINT, b"{}", headers={"Content-Length": "-2"}), told=False)
        yield Fault("a broken chunk", _chunked(_POINT, b"x", 1).replace(b"\r\n1\r\n", b"\r\nzz\r\n"), told=False)

    def _manners(self) -> Iterator[Fault]:
        whole = _post(_POINT, {**self._good, "depth": data_uri(self._depth)})
        stream = _post(_POINT, {**self._good, "reasoning": True, "stream": True})
        chat = _chat([_image_part(self._jpeg), _text_part()], stream=True)
        yield Fault("slow body", whole, 408, "slow")
        yield Fault("slow head", b"POST /v1/point HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", 408, "slow", told=False)
        yield Fault("left after its head", whole[: whole.index(b"\r\n\r\n") + 4], 0, "leaves while sending")
        yield Fault("left in the middle of its body", whole[: len(whole) // 2], 0, "leaves while sending")
        yield Fault("left before its last byte", whole[:-1], 0, "leaves while sending")
        yield Fault("left while it waited", whole, 0, "leaves while waiting")
        yield Fault("left a stream while it waited", stream, 0, "leaves while waiting")
        yield Fault("left in the middle of its answer", stream, 0, "leaves while reading")
        yield Fault("left in the middle of a chat", chat, 0, "leaves while reading")

    def _image(self, kind: str, content: bytes) -> Fault:
        return self._with(kind, image=data_uri(content))

    def _with(self, kind: str, **changes: Any) -> Fault:
        return Fault(kind, _post(_POINT, {**self._good, **changes}))


# ---- requests ------------------------------------------------------------------------------------------------------


def _head(method: str, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    fields = {"Host": "localhost", "Connection": "close", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "", "")).encode()


def _post(path: str, body: Any, kind: str = "application/json", headers: Mapping[str, str] | None = None) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}
    return _head("POST", path, fields) + content


def _chunked(path: str, chunk: bytes, number: int) -> bytes:
    framed = b"%x\r\n%s\r\n" % (len(chunk), chunk)
    head = _head("POST", path, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    return head + framed * number + b"0\r\n\r\n"


def _chat(parts: list[dict[str, Any]], *, stream: bool = False) -> bytes:
    return _post(_CHAT, {"messages": [{"role": "user", "content": parts}], "stream": stream})


def _image_part(content: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_uri(content)}}


def _text_part() -> dict[str, Any]:
    return {"type": "text", "text": "Please point to the red cup."}


def _published(images: list[str]) -> bytes:
    return _post(_PUBLISHED, {"image_url": images, "enable_depth": 0, "text": "Please point to the red cup."})


def _form(parts: Mapping[str, bytes]) -> bytes:
    lines = []
    for name, content in parts.items():
        file = f'; filename="{name}"' if name in ("image", "picture") else ""
        lines.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode())
        lines.append(content + b"\r\n")
    return b"".join(lines) + f"--{_BOUNDARY}--\r\n".encode()


# ---- files ---------------------------------------------------------------------------------------------------------


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _png_header(side: int, colour: int, depth: int = 8) -> bytes:
    size = side.to_bytes(4, "big") * 2
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size + bytes([depth, colour, 0, 0, 0]))


def _png_pixels() -> bytes:
    return _chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + _chunk(b"IEND", b"")


def _inflating_text(length: int) -> bytes:
    return _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(length), 9)) + _png_pixels()


def _bmp_header(side: int) -> bytes:
    sides = side.to_bytes(4, "little") * 2
    info = (40).to_bytes(4, "little") + sides + bytes([1, 0, 24, 0]) + bytes(24)
    return b"BM" + bytes(8) + (54).to_bytes(4, "little") + info + bytes(100)


def _npy_header(shape: tuple[int, int]) -> bytes:
    told = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + (len(told) + 1).to_bytes(2, "little") + told + b"\n" + bytes(64)


def _pickled_npy() -> bytes:
    told = b"{'descr': '|O', 'fortran_order': False, 'shape': (240, 320), }\n"
    return b"\x93NUMPY\x01\x00" + len(told).to_bytes(2, "little") + told + b"cos\nsystem\n(S'true'\ntR."


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 50 else f"{text[:40]}..."
