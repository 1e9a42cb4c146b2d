"""A checkpoint's configuration, tokenizer and tiling, found where the published layout has them.

vLLM looks for both in the checkpoint's top folder; here they are read as the rest of the project reads them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from roborefer.errors import CheckpointError
from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.serving.vllm_plugin.names import ARCHITECTURE


@lru_cache(maxsize=4)
def served_processor(path_or_hub_id: str, revision: str | None = None) -> SpatialProcessor:
    """The processor of a checkpoint, read once a process; of a hub id no weights are downloaded for it."""
    return SpatialProcessor.from_pretrained(checkpoint.resolve_folder(path_or_hub_id, revision, weights=False))


class ServedConfig(ModelConfig):
    """:class:`ModelConfig` as vLLM needs it: each part's own ``config.json`` is read, the language model has as many
    tokens as the tokenizer, and prompts are as long as the model was trained on."""

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Read a published ``config.json``, of the checkpoint that ``name_or_path`` in ``kwargs`` names.

        Raises:
            CheckpointError: the checkpoint is incomplete, or has a point head.
        """
        name = kwargs.get("name_or_path")
        if "llm_cfg" not in config_dict or not name:
            return super().from_dict(config_dict, **kwargs)
        if config_dict.get("point_head_size"):
            raise CheckpointError(
                f"expected a model that writes its points as text, got {name}, which reads them with a point head: "
                f"vLLM does not run it, roborefer serve --model {name} does"
            )
        processor = served_processor(str(name), config_dict.get("_commit_hash"))
        fields = processor.config.to_dict()
        text = fields["text_config"]
        text["vocab_size"] = len(processor.tokenizer)
        text["model_max_length"] = min(processor.config.model_max_length, text["max_position_embeddings"])
        stored = config_dict.get("torch_dtype") or config_dict.get("dtype") or text.get("dtype")
        fields |= {"architectures": [ARCHITECTURE], "dtype": stored}
        return super().from_dict(fields, **kwargs)
