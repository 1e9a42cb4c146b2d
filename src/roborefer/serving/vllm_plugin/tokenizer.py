"""The checkpoint's tokenizer, from the sub-folder where the published layout has it."""

from __future__ import annotations

import copy
from typing import Any

from transformers import PreTrainedTokenizerFast

from roborefer.models.prompt import end_token_id
from roborefer.serving.vllm_plugin.served_config import served_processor


class ServedTokenizer(PreTrainedTokenizerFast):
    """What transformers' AutoTokenizer, and so vLLM, finds for a :class:`ServedConfig`."""

    @classmethod
    def from_pretrained(
        cls, path_or_hub_id: str, *args: Any, revision: str | None = None, truncation_side: str = "left", **kwargs: Any
    ) -> Any:
        """A tokenizer of its own (the processor's is used by other threads) that ends answers at ``<|im_end|>``."""
        tokenizer = copy.deepcopy(served_processor(str(path_or_hub_id), revision).tokenizer)
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end_token_id(tokenizer))
        tokenizer.truncation_side = truncation_side
        return tokenizer
