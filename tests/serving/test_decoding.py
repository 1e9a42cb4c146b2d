"""Headers and pixels of an ask's files: limits first, then what they are worth."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer import InputError
from roborefer.geometry.depth import DepthMap
from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk
from roborefer.serving.decoding import DecodedPicture, DecodedPrompt, read_header
from roborefer.serving.fields import FieldError
from roborefer.serving.image_cache import ImageCache
from roborefer.serving.preparation import Preparation
from roborefer.serving.settings import ServerSettings

from ..models.tiny_models import depth_m, picture  # noqa: TID252 - shared models
from .asking import depth_png, encoded, png, run

SETTINGS = ServerSettings(max_pixels=5000, max_images=2)


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def bomb(width: int, height: int, depth: int = 8) -> bytes:
    """A PNG whose header promises far more than stands in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def refused(ask: Ask | PromptAsk, settings: ServerSettings = SETTINGS) -> str:
    with pytest.raises(InputError) as caught:
        read_header(ask, settings)
    return str(caught.value)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding a pixel fails the test."""
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("a pixel was decoded"))


@pytest.mark.usefixtures("undecoded")
def test_headers_are_held_against_the_limits_before_a_pixel_is_decoded() -> None:
    large = DepthUpload(bomb(100, 51, 16))
    for ask, text in (
        (
            Ask(bomb(100, 51), "cup", "point"),
            "expected at most 0.005 megapixels, got 0.0051 in the image: resize first",
        ),
        (Ask(png(), "cup", "point", large), "expected at most 0.005 megapixels, got 0.0051 in the depth: resize first"),
        (
            Ask(png(), "cup", "point", DepthUpload(npy(np.ones((100, 51))))),
            "expected at most 0.005 megapixels, got 0.0051 in the depth: resize first",
        ),
        (PromptAsk((png(), png(), png(), "cup")), "expected at most 2 images in a request, got 3: send fewer"),
        (
            PromptAsk((bomb(50, 51), bomb(50, 51))),
            "expected at most 0.005 megapixels, got 0.0051 in the images: resize first",
        ),
        (PromptAsk((png(), large)), "expected at most 0.005 megapixels, got 0.0051 in the depth: resize first"),
        (
            PromptAsk((png(), *[DepthUpload(depth_png())] * 3)),
            "expected at most 2 depths in a request, got 3: send fewer",
        ),
    ):
        assert refused(ask) == text
    for most, told in ((50_000_000, 50), (1_000_000_000, 100)):
        settings = ServerSettings(max_pixels=most)
        far_beyond = f"expected at most {told} megapixels, got 60000x60000 in "
        assert refused(Ask(bomb(60_000, 60_000), "cup", "point"), settings) == f"{far_beyond}the image: resize it first"
        upload = DepthUpload(bomb(60_000, 60_000, 16))
        assert refused(Ask(png(), "cup", "point", upload), settings) == f"{far_beyond}the depth: resize it first"
        several = PromptAsk((png(), bomb(60_000, 60_000)))
        assert refused(several, settings) == f"{far_beyond}image 2: resize it first"
    assert read_header(Ask(png(), "cup", "point", DepthUpload(depth_png())), SETTINGS).pixels == 2 * 60 * 40
    assert read_header(PromptAsk((png(), "cup", EstimatedDepth())), SETTINGS).pixels == 60 * 40


def decoded(ask: Ask | PromptAsk) -> Any:
    """An ask's files as the model gets them."""

    async def prepared() -> Any:
        preparation = Preparation(ServerSettings(), ImageCache(0))
        try:
            return (await preparation.prepare(ask))[0].decoded
        finally:
            preparation.close()

    return run(prepared())


def test_a_bomb_within_the_limits_is_refused_when_it_is_decoded() -> None:
    ask = Ask(bomb(5000, 5000), "cup", "point")
    read_header(ask, ServerSettings())
    with pytest.raises(InputError, match="expected a whole picture, got one that is truncated or broken"):
        decoded(ask)


def test_no_depth_is_read_through_a_file() -> None:
    assert refused(Ask(png(), "cup", "point", DepthUpload(b"\x76\x2f\x31\x01 and more"))) == (
        "expected depth as 16-bit PNG, float TIFF or NPY, got EXR: convert it first"
    )


def metres(upload: DepthUpload) -> Any:
    found = decoded(Ask(png(), "cup", "point", upload))
    assert isinstance(found, DecodedPicture)
    assert isinstance(found.depth, DepthMap)
    return found.depth.picture if found.depth.metres is None else found.depth.metres


def test_depth_is_what_its_file_says() -> None:
    np.testing.assert_allclose(metres(DepthUpload(depth_png())), depth_m(), atol=1e-3)
    np.testing.assert_array_equal(metres(DepthUpload(npy(depth_m()))), depth_m())
    np.testing.assert_array_equal(metres(DepthUpload(encoded(Image.fromarray(depth_m()), "TIFF"))), depth_m())
    np.testing.assert_allclose(metres(DepthUpload(depth_png(), 0.002)), 2 * depth_m(), atol=2e-3)
    relative = np.asarray(picture())
    np.testing.assert_array_equal(metres(DepthUpload(png())), relative)


def test_of_an_image_and_a_depth_either_may_be_broken() -> None:
    broken, depth = png()[:-30], DepthUpload(depth_png()[:-30])
    broken_in = "expected a whole picture, got one that is truncated or broken in "
    with pytest.raises(FieldError, match=f"{broken_in}the image") as caught:
        decoded(Ask(broken, "cup", "point", DepthUpload(depth_png())))
    assert caught.value.field == "image"
    with pytest.raises(FieldError, match=f"{broken_in}the depth") as caught:
        decoded(Ask(png(), "cup", "point", depth))
    assert caught.value.field == "depth"
    with pytest.raises(FieldError, match="size") as caught:
        decoded(Ask(png(), "cup", "point", DepthUpload(depth_png(30, 20))))
    assert caught.value.field == "depth"
    with pytest.raises(FieldError, match=f"{broken_in}image 2") as caught:
        decoded(PromptAsk((png(), broken, "which?")))
    assert caught.value.field == "image 2"
    with pytest.raises(FieldError, match=f"{broken_in}the depth") as caught:
        decoded(PromptAsk((png(), depth, png(), "which?")))
    assert caught.value.field == "depth"


def test_parts_of_a_prompt_keep_their_order() -> None:
    found = decoded(PromptAsk(("first", png(), DepthUpload(depth_png()), "then", png(1), EstimatedDepth(), "last")))
    assert isinstance(found, DecodedPrompt)
    kinds = [str, Image.Image, DepthMap, str, Image.Image, EstimatedDepth, str]
    assert all(isinstance(part, kind) for part, kind in zip(found.parts, kinds, strict=True))
