"""From OpenAI's messages to a prompt for vLLM's engine, with ``depth_url`` parts beside ``image_url`` ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import vllm.envs as envs
from vllm.connections import MediaRequestDownloadBudget
from vllm.exceptions import VLLMValidationError
from vllm.multimodal.media import MEDIA_CONNECTOR_REGISTRY, MediaIO, MediaWithBytes
from vllm.multimodal.media.base import MediaDecodedBudget
from vllm.renderers.hf import HfRenderer
from vllm.utils.async_utils import make_async

from roborefer.errors import InputError, RoboReferError
from roborefer.geometry.depth import depth_size, is_exr
from roborefer.images import MAX_FILE_BYTES, open_source, picture_size
from roborefer.serving.pictures import decode_reference
from roborefer.serving.vllm_plugin.chat import chat_token_ids, read_chat, read_pictures
from roborefer.serving.vllm_plugin.served_config import ServedConfig
from roborefer.serving.wire_formats.openai import ChatQuestion

_CHANNEL_BYTES = 4  # vLLM counts so many for each decoded pixel


class EncodedFile(MediaIO):
    """A picture or depth file as it was sent; it is decoded later, by the project's own readers."""

    def get_max_bytes(self) -> int:
        return MAX_FILE_BYTES

    def load_bytes(self, data: bytes) -> bytes:
        return data

    def load_base64(self, media_type: str, data: str) -> bytes:
        return decode_reference(data, MAX_FILE_BYTES)

    def load_file(self, filepath: Path) -> bytes:
        with open_source(filepath) as stream:
            return stream.read()


class SpatialRenderer(HfRenderer):
    """Reads a chat as ``roborefer serve`` does, so that both servers give the model the same prompt."""

    def __init__(self, config: Any, tokenizer: Any) -> None:
        super().__init__(config, tokenizer)
        self._prompt_async = make_async(self._prompt, executor=self._executor)

    def render_messages(self, messages: Sequence[Mapping[str, Any]], params: Any) -> tuple[list[Any], dict[str, Any]]:
        with _told_to_the_caller():
            question = self._question(messages)
            connector = self._connector()
            files = [
                connector.load_from_url(reference, EncodedFile(), fetch_timeout=envs.VLLM_IMAGE_FETCH_TIMEOUT)
                for reference, _ in (*question.images, *question.depths)
            ]
            return self._prompt(question, files)

    async def render_messages_async(
        self, messages: Sequence[Mapping[str, Any]], params: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        with _told_to_the_caller():
            question = self._question(messages)
            connector = self._connector()
            files = await asyncio.gather(
                *(
                    connector.load_from_url_async(reference, EncodedFile(), fetch_timeout=envs.VLLM_IMAGE_FETCH_TIMEOUT)
                    for reference, _ in (*question.images, *question.depths)
                )
            )
            rendered: tuple[list[Any], dict[str, Any]] = await self._prompt_async(question, files)
            return rendered

    def _question(self, messages: Sequence[Mapping[str, Any]]) -> ChatQuestion:
        config: ServedConfig = self.model_config.hf_config
        question = read_chat(messages, config)
        for modality, references in (("image", question.images), ("depth", question.depths)):
            if references:
                self.get_mm_processor().info.validate_num_items(modality, len(references))
        if not self.model_config.allowed_media_domains:
            for reference, field in (*question.images, *question.depths):
                if reference[:4].lower() == "http":
                    raise InputError(
                        f"{field}: expected the file itself, got an address: send a data URI, or start the server "
                        "with --allowed-media-domains"
                    )
        return question

    def _connector(self) -> Any:
        return MEDIA_CONNECTOR_REGISTRY.load(
            envs.VLLM_MEDIA_CONNECTOR,
            allowed_local_media_path=self.model_config.allowed_local_media_path,
            allowed_media_domains=self.model_config.allowed_media_domains,
            download_budget=MediaRequestDownloadBudget(),
        )

    def _prompt(self, question: ChatQuestion, files: Sequence[bytes]) -> tuple[list[Any], dict[str, Any]]:
        images, depths = files[: len(question.images)], files[len(question.images) :]
        _check_budget(images, depths)
        pictures, depth_pictures = read_pictures(images, depths, self.model_config.hf_config)
        ids = chat_token_ids(
            self.get_mm_processor().info.processor, question.text, images=len(images), depths=len(depths)
        )
        prompt: dict[str, Any] = {"prompt_token_ids": ids}
        data = {
            modality: [MediaWithBytes(picture, content) for picture, content in zip(*given, strict=True)]
            for modality, given in (("image", (pictures, images)), ("depth", (depth_pictures, depths)))
            if given[0]
        }
        if data:
            prompt["multi_modal_data"] = data
        return [{"role": "user", "content": question.text}], prompt


def _check_budget(images: Sequence[bytes], depths: Sequence[bytes]) -> None:
    """Hold a request's pictures together against vLLM's limit, by their headers."""
    budget = MediaDecodedBudget()
    sizes = [picture_size(content) for content in images]
    sizes += [depth_size(content) for content in depths if not is_exr(content)]
    for width, height in sizes:
        budget.charge(width * height * _CHANNEL_BYTES)


@contextmanager
def _told_to_the_caller() -> Iterator[None]:
    """An error that the caller can mend becomes vLLM's 400 with the same line."""
    try:
        yield
    except RoboReferError as error:
        raise VLLMValidationError(" ".join(str(error).splitlines()), parameter="messages") from error
