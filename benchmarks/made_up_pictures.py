"""Photograph-like pictures with depth, and the files that requests hold."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def made_up(generator: np.random.Generator, size: tuple[int, int]) -> tuple[Image.Image, Any]:
    """A photograph-like picture, and its depth in metres, float32 (H, W), with holes."""
    width, height = size
    coarse = generator.integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    noisy = np.clip(smooth + generator.integers(-4, 5, smooth.shape), 0, 255).astype(np.uint8)
    far = generator.uniform(0.5, 3.0, (height // 80, width // 80)).astype(np.float32)
    metres = np.asarray(Image.fromarray(far).resize(size, Image.Resampling.BILINEAR)).copy()
    metres += generator.integers(-2, 3, metres.shape).astype(np.float32) / 1000
    metres[generator.random(metres.shape) < 0.05] = 0
    return Image.fromarray(noisy), metres


def encoded(picture: Image.Image, kind: str) -> bytes:
    """A picture as a file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **({"quality": 90} if kind == "JPEG" else {"compress_level": 1}))
    return stream.getvalue()


def npy(array: Any) -> bytes:
    """An array as a file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def data_uri(content: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64_of(content)}"
