"""Pictures that the model looked at lately, so that the next question about one skips the towers."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Literal

from roborefer.models.encoded_image import EncodedImage
from roborefer.serving.asks import DepthUpload


def picture_key(image: bytes, depth: DepthUpload | Literal["estimate"] | None) -> bytes:
    """What tells pictures apart: a digest of the image's bytes, the depth's, and what these are taken for."""
    digest = hashlib.sha256(f"{len(image)} ".encode())
    digest.update(image)
    if isinstance(depth, DepthUpload):
        digest.update(f"{depth.unit!r} ".encode())
        digest.update(depth.content)
    else:
        digest.update(f"{depth}".encode())
    return digest.digest()


class ImageCache:
    """Keeps what was used last, within a bound on memory.

    Args:
        max_bytes: Most that is held; a picture larger than that is not kept at all.

    Attributes:
        num_bytes: What is held.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._images: OrderedDict[bytes, EncodedImage] = OrderedDict()
        self.num_bytes = 0

    def __len__(self) -> int:
        return len(self._images)

    def get(self, key: bytes) -> EncodedImage | None:
        """A picture that is held, which counts as a use of it."""
        image = self._images.get(key)
        if image is not None:
            self._images.move_to_end(key)
        return image

    def put(self, key: bytes, image: EncodedImage) -> None:
        """Hold a picture in place of those that were not used for the longest time."""
        self._drop(key)
        if image.num_bytes > self._max_bytes:
            return
        self._images[key] = image
        self.num_bytes += image.num_bytes
        while self.num_bytes > self._max_bytes:
            self._drop(next(iter(self._images)))

    def _drop(self, key: bytes) -> None:
        image = self._images.pop(key, None)
        if image is not None:
            self.num_bytes -= image.num_bytes
