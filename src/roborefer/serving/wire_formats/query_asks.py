"""Pictures and a whole question, from any protocol, as something that the engine takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from roborefer.serving.asks import Ask, DepthUpload, EstimatedDepth, PromptAsk
from roborefer.serving.fields import numbered
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
    fields: Mapping[str, str] | None = None,
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
        fields: From :func:`fields_of`.

    Raises:
        RequestRefused: The numbers of images and depths differ.
    """
    if depths and len(depths) != len(images):
        raise invalid(f"expected depth for each of {len(images)} images, or for none, got {len(depths)}: pair them up")
    uploads = [DepthUpload(content) for content in depths]
    if len(images) == 1:
        given = uploads[0] if uploads else None
        depth: DepthUpload | Literal["estimate"] | None = "estimate" if estimate else given
        return Ask(
            images[0],
            text,
            "query",
            depth=depth,
            max_new_tokens=max_new_tokens,
            client=client,
            seconds=seconds,
            fields=fields or {},
        )
    parts: list[str | bytes | DepthUpload | EstimatedDepth] = []
    for place, image in enumerate(images):
        parts.append(image)
        if estimate or uploads:
            parts.append(EstimatedDepth() if estimate else uploads[place])
    return PromptAsk((*parts, text), max_new_tokens=max_new_tokens, client=client, seconds=seconds, fields=fields or {})


def fields_of(text: str, images: Sequence[tuple[str, str]], depths: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """What a protocol calls the fields of a request, for errors that are about one.

    Args:
        text: Where the question stands.
        images, depths: References to files, each with the field that it stands in.
    """
    return {
        "text": text,
        **{
            numbered(kind, place, len(references)): field
            for kind, references in (("image", images), ("depth", depths))
            for place, (_, field) in enumerate(references)
        },
    }
