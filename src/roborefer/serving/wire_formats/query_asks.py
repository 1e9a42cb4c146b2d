"""Pictures and a whole question, from any protocol, as something that the engine takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk
from roborefer.serving.wire_formats.failures import invalid


def ask_about(
    images: Sequence[bytes],
    depths: Sequence[bytes],
    text: str,
    *,
    estimate: bool = False,
    max_new_tokens: int | None = None,
    client: str = "",
    seconds: float | None = None,
) -> Ask | PromptAsk:
    """One picture can be asked about together with other questions; none or several are a prompt that runs alone.

    Args:
        images: Encoded files; they come before the text, whatever their place in the request.
        depths: None, or one encoded file for each image.
        text: The whole question.
        estimate: Estimate the depth of each image.
        max_new_tokens: Bound on the answer.
        client: Who asks.
        seconds: How long the caller waits.

    Raises:
        RequestRefused: The numbers of images and depths differ.
    """
    if depths and len(depths) != len(images):
        raise invalid(f"expected depth for each of {len(images)} images, or for none, got {len(depths)}: pair them up")
    uploads = [DepthUpload(content) for content in depths]
    if len(images) == 1:
        given = uploads[0] if uploads else None
        depth: DepthUpload | Literal["estimate"] | None = "estimate" if estimate else given
        return Ask(images[0], text, "query", depth=depth, max_new_tokens=max_new_tokens, client=client, seconds=seconds)
    parts: list[str | bytes | DepthUpload | EstimatedDepth] = []
    for place, image in enumerate(images):
        parts.append(image)
        if estimate or uploads:
            parts.append(EstimatedDepth() if estimate else uploads[place])
    return PromptAsk((*parts, text), max_new_tokens=max_new_tokens, client=client, seconds=seconds)
