"""Pictures on their way to the model: each is decoded once, in a few threads, and not too many are held decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from roborefer.models.encoded_image import EncodedImage
from roborefer.serving.asks import Ask, PromptAsk
from roborefer.serving.decoding import Decoded, Header, decode, read_header
from roborefer.serving.image_cache import ImageCache
from roborefer.serving.settings import ServerSettings

_Result = TypeVar("_Result")

# Decoded pictures that wait for the model together have at most so many times the pixels that one ask may have.
_WAITING_PICTURES = 2


class PreparedPicture:
    """The pictures of an ask, or of several asks about the same one.

    Attributes:
        header: What was known before it was decoded.
        decoded: Until the model has looked at it.
        encoded: Once the model has.
        users: Asks that need it.
    """

    def __init__(self, header: Header, encoded: EncodedImage | None) -> None:
        self.header = header
        self.encoded = encoded
        self.decoded: Decoded | None = None
        self.users = 0
        self.decoding: asyncio.Task[None] | None = None


class Preparation:
    """Gets asks' pictures ready for the model. All methods run on the event loop.

    Args:
        settings: Limits, and how many threads decode.
        cache: Pictures that the model looked at lately.
    """

    def __init__(self, settings: ServerSettings, cache: ImageCache) -> None:
        self._settings, self._cache = settings, cache
        self._threads = ThreadPoolExecutor(settings.workers, "pictures")
        self._room = _Room(_WAITING_PICTURES * settings.max_pixels)
        self._shared: dict[bytes, PreparedPicture] = {}

    async def prepare(self, ask: Ask | PromptAsk) -> tuple[PreparedPicture, bool]:
        """The pictures of an ask, to be given back with :meth:`release`; and whether they are another ask's too, or
        were looked at lately.

        Raises:
            InputError: A file cannot be used, or does not fit the ask.
        """
        header = await self._run(lambda: read_header(ask, self._settings))
        known = None if header.key is None else self._known(header, header.key)
        picture = known or PreparedPicture(header, None)
        picture.users += 1
        if known is None:
            picture.decoding = asyncio.create_task(self._decode(picture, ask))
            if header.key is not None:
                self._shared[header.key] = picture
        try:
            if picture.decoding is not None:
                await picture.decoding
        except BaseException:
            self.release(picture)
            raise
        return picture, known is not None

    def looked(self, picture: PreparedPicture, encoded: EncodedImage) -> None:
        """The model has looked at a picture, so that its pixels are needed no more."""
        picture.encoded = encoded
        self._forget_pixels(picture)
        if picture.header.key is not None:
            self._cache.put(picture.header.key, encoded)

    def release(self, picture: PreparedPicture) -> None:
        """One ask less needs a picture."""
        picture.users -= 1
        if picture.users == 0:
            self._forget_pixels(picture)
            if picture.header.key is not None and self._shared.get(picture.header.key) is picture:
                del self._shared[picture.header.key]

    def close(self) -> None:
        """Decode nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _known(self, header: Header, key: bytes) -> PreparedPicture | None:
        picture = self._shared.get(key)
        if picture is None:
            encoded = self._cache.get(key)
            if encoded is not None:
                picture = self._shared[key] = PreparedPicture(header, encoded)
        return picture

    async def _decode(self, picture: PreparedPicture, ask: Ask | PromptAsk) -> None:
        await self._room.enter(picture.header.pixels)
        try:
            picture.decoded = await self._run(lambda: decode(ask))
        except BaseException:
            self._room.leave(picture.header.pixels)
            raise

    def _forget_pixels(self, picture: PreparedPicture) -> None:
        if picture.decoded is not None:
            picture.decoded = None
            self._room.leave(picture.header.pixels)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Room:
    """Room for so many pixels; an empty one takes any number."""

    def __init__(self, pixels: int) -> None:
        self._pixels, self._taken = pixels, 0
        self._left = asyncio.Event()

    async def enter(self, pixels: int) -> None:
        while self._taken and self._taken + pixels > self._pixels:
            self._left.clear()
            await self._left.wait()
        self._taken += pixels

    def leave(self, pixels: int) -> None:
        self._taken -= pixels
        self._left.set()
