"""The published RoboRefer server's ``/query``: base64 pictures and a whole prompt in, the model's text out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from roborefer.serving.asks import Reply
from roborefer.serving.wire_formats.failures import invalid


class PublishedRequest(BaseModel):
    """What the published client and evaluation scripts send. Fields beside these are passed over."""

    image_url: list[str] = Field(description="Base64 of each picture.")
    depth_url: list[str] | None = Field(None, description="Base64 of each picture's depth; without it is estimated.")
    enable_depth: int | None = Field(0, description="1 to use depth, given or estimated; 0 for RGB alone.")
    text: str = Field(description="The whole prompt, with its suffix.")


class PublishedReply(BaseModel):
    result: int = Field(description="1, or 0 where 'answer' says what went wrong.")
    answer: str
    request_id: str


def read_references(request: PublishedRequest) -> tuple[list[tuple[str, str]], list[tuple[str, str]], bool]:
    """Images, depths (each with the field that it stands in), and whether depth is to be estimated.

    Raises:
        RequestRefused: There is no image, or not one depth for each.
    """
    if not request.image_url:
        raise invalid("expected base64 of a picture in 'image_url', got an empty list: add it", "image_url")
    images = [(text, f"image_url[{place}]") for place, text in enumerate(request.image_url)]
    if not request.enable_depth:
        return images, [], False
    depths = [(text, f"depth_url[{place}]") for place, text in enumerate(request.depth_url or ())]
    return images, depths, not depths


def published_reply(reply: Reply, request_id: str) -> dict[str, Any]:
    """The reply, as :class:`PublishedReply`."""
    return {"result": 1, "answer": reply.text, "request_id": request_id}
