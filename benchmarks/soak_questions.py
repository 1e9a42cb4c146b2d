"""Good requests of every protocol, each with what the bare model answers to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from PIL import Image
from tqdm import tqdm

from made_up_pictures import base64_of, data_uri, encoded, made_up, npy
from roborefer.answers.prompts import point_question
from roborefer.geometry.cameras import intrinsics_from_fov
from roborefer.models.encoded_image import EncodedImage
from roborefer.predictor import Predictor

LONGEST_ANSWER = 64
"""Tokens; the server's ``--max-new-tokens``."""

SIZES = ((640, 480), (320, 240), (240, 320), (480, 360))
INSTRUCTIONS = ("the red cup", "the cup behind the blue plate", "free space between the box and the bottle")
FOV_DEG = 60.0
POSE = [[0.0, 0.0, 1.0, 0.1], [-1.0, 0.0, 0.0, 0.2], [0.0, -1.0, 0.0, 0.9], [0.0, 0.0, 0.0, 1.0]]

_POINT, _CHAT, _QUERY, _PUBLISHED = "/v1/point", "/v1/chat/completions", "/v1/query", "/query"
# Everything of a point's reply but its name, its times and what the route notes.
_COMPARED = ("points", "rivals", "steps", "image_size", "raw", "parsed", "problem")


@dataclass(frozen=True, eq=False)
class Picture:
    """Files to ask about, and what the bare model made of them.

    Attributes:
        image, depth: Encoded files.
        rgb, rgbd: What questions without and with depth are about.
    """

    image: bytes
    depth: bytes
    rgb: EncodedImage
    rgbd: EncodedImage

    @property
    def num_bytes(self) -> int:
        """Of what the server keeps when it has looked at both."""
        return self.rgb.num_bytes + self.rgbd.num_bytes


@dataclass(frozen=True, eq=False)
class Question:
    """A request that must be answered.

    Attributes:
        kind: Its protocol and what it asks for.
        path, headers, body: What is sent; a GET where the body is None.
        read: What of the reply's body is compared.
        expected: What that must be.
    """

    kind: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    read: Callable[[bytes], Any]
    expected: Any


def make_pictures(predictor: Predictor, number: int, seed: int) -> list[Picture]:
    """Pictures of several sizes and formats that a seed decides."""
    generator = np.random.default_rng(seed)
    pictures = []
    for index in range(number):
        pixels, metres = made_up(generator, SIZES[index % len(SIZES)])
        image = encoded(pixels, "JPEG" if index % 3 else "PNG")
        depth = npy(metres) if index % 4 == 3 else encoded(Image.fromarray((metres * 1000).astype(np.uint16)), "PNG")
        depth_m = metres if index % 4 == 3 else (metres * 1000).astype(np.uint16)
        rgb, rgbd = predictor.encode_image(image), predictor.encode_image(image, depth_m)
        pictures.append(Picture(image, depth, rgb, rgbd))
    return pictures


def make_questions(predictor: Predictor, pictures: Sequence[Picture], instructions: Sequence[str]) -> list[Question]:
    """Every kind of question about every picture, with an instruction that changes from one to the next."""
    asked = [
        kind(predictor, picture, instructions[(place + index) % len(instructions)])
        for place, picture in enumerate(tqdm(pictures, desc="bare model", unit="picture", disable=None))
        for index, kind in enumerate(_KINDS)
    ]
    return [*asked, *_simple_ones()]


# ---- kinds ---------------------------------------------------------------------------------------------------------


def _point_rgb(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {"image": base64_of(picture.image), "instruction": instruction}
    return _json("point", _POINT, body, _read_point, _point(predictor, picture.rgb, instruction))


def _point_moondream(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {"image_url": data_uri(picture.image), "object": instruction}
    return _json("moondream point", _POINT, body, _read_point, _point(predictor, picture.rgb, instruction))


def _point_lifted(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {**_rgbd(picture), "instruction": instruction, "fov": FOV_DEG, "heatmap": True}
    camera = intrinsics_from_fov(FOV_DEG, picture.rgbd.image_size)
    expected = _point(predictor, picture.rgbd, instruction, intrinsics=camera)
    return _json("point in 3D", _POINT, body, _read_point, expected)


def _point_streamed(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {**_rgbd(picture), "instruction": instruction, "reasoning": True, "stream": True}
    expected = _point(predictor, picture.rgbd, instruction, reasoning=True)
    return _json("point with steps, streamed", _POINT, body, _read_point_events, expected)


def _point_form(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    camera = intrinsics_from_fov(FOV_DEG, picture.rgbd.image_size)
    fields = {"instruction": instruction, "fov": str(FOV_DEG), "world_from_camera": json.dumps(POSE)}
    request = httpx.Request(
        "POST",
        "http://localhost",
        data=fields,
        files={"image": ("image", picture.image), "depth": ("depth", picture.depth)},
    )
    expected = _point(predictor, picture.rgbd, instruction, intrinsics=camera, world_from_camera=np.array(POSE))
    headers = {"content-type": request.headers["content-type"]}
    return Question("point as a form", _POINT, headers, request.read(), _read_point, expected)


def _chat(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    return _json(
        "chat", _CHAT, _chat_body(instruction, picture), _read_chat, _text(predictor, picture.rgb, instruction)
    )


def _chat_streamed(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {**_chat_body(instruction, picture, depth=True), "stream": True}
    expected = _text(predictor, picture.rgbd, instruction)
    return _json("chat with depth, streamed", _CHAT, body, _read_chat_events, expected)


def _query(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {"image_url": data_uri(picture.image), "question": point_question(instruction)}
    return _json("moondream query", _QUERY, body, _read_query, _text(predictor, picture.rgb, instruction))


def _query_streamed(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {"image_url": data_uri(picture.image), "question": point_question(instruction), "stream": True}
    expected = _text(predictor, picture.rgb, instruction)
    return _json("moondream query, streamed", _QUERY, body, _read_query_events, expected)


def _published(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    body = {"image_url": [base64_of(picture.image)], "enable_depth": 0, "text": point_question(instruction)}
    return _json("published", _PUBLISHED, body, _read_published, _text(predictor, picture.rgb, instruction))


def _published_depth(predictor: Predictor, picture: Picture, instruction: str) -> Question:
    files = {"image_url": [base64_of(picture.image)], "depth_url": [base64_of(picture.depth)]}
    body = {**files, "enable_depth": 1, "text": point_question(instruction)}
    expected = _text(predictor, picture.rgbd, instruction)
    return _json("published with depth", _PUBLISHED, body, _read_published, expected)


_KINDS: tuple[Callable[[Predictor, Picture, str], Question], ...] = (
    *(_point_rgb, _point_moondream, _point_lifted, _point_streamed, _point_form),
    *(_chat, _chat_streamed, _query, _query_streamed, _published, _published_depth),
)


def _simple_ones() -> Iterator[Question]:
    """What a browser, a load balancer and a monitor ask."""
    for path in ("/", "/healthz", "/readyz", "/metrics", "/v1/models", "/openapi.json"):
        yield Question("pages and monitoring", path, {}, None, bool, True)


# ---- requests ------------------------------------------------------------------------------------------------------


def _json(kind: str, path: str, body: Any, read: Callable[[bytes], Any], expected: Any) -> Question:
    return Question(kind, path, {"content-type": "application/json"}, json.dumps(body).encode(), read, expected)


def _rgbd(picture: Picture) -> dict[str, str]:
    return {"image": data_uri(picture.image), "depth": data_uri(picture.depth)}


def _chat_body(instruction: str, picture: Picture, *, depth: bool = False) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": data_uri(picture.image)}}]
    if depth:
        parts.append({"type": "depth_url", "depth_url": {"url": data_uri(picture.depth)}})
    parts.append({"type": "text", "text": point_question(instruction)})
    return {"model": "any", "messages": [{"role": "user", "content": parts}]}


# ---- what the bare model answers -----------------------------------------------------------------------------------


def _point(predictor: Predictor, picture: EncodedImage, instruction: str, **options: Any) -> Any:
    prediction = predictor.point(picture, instruction, max_new_tokens=LONGEST_ANSWER, **options)
    return _compared(json.loads(json.dumps(prediction.to_dict())))


def _text(predictor: Predictor, picture: EncodedImage, instruction: str) -> str:
    return predictor.query(picture, point_question(instruction), max_new_tokens=LONGEST_ANSWER)


# ---- what replies say ----------------------------------------------------------------------------------------------


def _compared(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: reply[name] for name in _COMPARED}


def _read_point(content: bytes) -> Any:
    return _compared(json.loads(content))


def _read_point_events(content: bytes) -> Any:
    return _compared(json.loads(_events(content)[-1]))


def _read_chat(content: bytes) -> Any:
    return json.loads(content)["choices"][0]["message"]["content"]


def _read_chat_events(content: bytes) -> Any:
    *chunks, done = _events(content)
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    return "".join(delta.get("content", "") for delta in deltas) if done == "[DONE]" else None


def _read_query(content: bytes) -> Any:
    return json.loads(content)["answer"]


def _read_query_events(content: bytes) -> Any:
    chunks = [json.loads(event) for event in _events(content)]
    return "".join(chunk["chunk"] for chunk in chunks) if chunks[-1]["completed"] else None


def _read_published(content: bytes) -> Any:
    reply = json.loads(content)
    return reply["answer"] if reply["result"] == 1 else None


def _events(content: bytes) -> list[str]:
    lines = content.decode().splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
