"""A plugin for vLLM: ``vllm serve CHECKPOINT`` answers about pictures with and without depth, over OpenAI's protocol.

Written against vLLM 0.33.0. vLLM finds :func:`register` through the entry point group ``vllm.general_plugins`` and
calls it in each of its processes. What must match training is not written twice: tiles, prompts and depth pictures
come from the project's own processor, towers and projectors are its own modules; the language model is vLLM's Qwen2.

Depth is a modality of its own, ``depth``. Over HTTP it arrives as the project's ``depth_url`` part: vLLM's request
model lets unknown parts through, and the renderer registered here reads them. Sending depth as one more ``image_url``,
told apart by its place, would make a forgotten depth map a second photograph without anybody noticing, and vLLM would
squeeze 16-bit millimetres into 8 bits on the way.

Models with a point head are refused: vLLM's decoder writes tokens and cannot read a point from dense features.
"""

from __future__ import annotations

import logging

from roborefer.errors import InputError
from roborefer.serving.vllm_plugin.names import ARCHITECTURE, MODE

WRITTEN_AGAINST = "0.33.0"

_HERE = "roborefer.serving.vllm_plugin"
_log = logging.getLogger(__name__)


def register() -> None:
    """Tell vLLM of the architecture, its configuration, its tokenizer and its renderer. Calling it again does no harm.

    Nothing of the model is imported: vLLM does so where it is needed. A vLLM without the places to register at is
    left as it is, with a warning, so that it still serves other models.

    Raises:
        InputError: vLLM is not installed.
    """
    try:
        import vllm
    except ModuleNotFoundError as error:
        if error.name != "vllm":
            raise
        raise InputError("expected vLLM for its plugin, found none: pip install 'roborefer[vllm]'") from error
    try:
        from transformers import AutoConfig, AutoTokenizer
        from vllm import ModelRegistry
        from vllm.model_executor.models.config import MODELS_CONFIG_MAP
        from vllm.renderers.registry import RENDERER_REGISTRY
        from vllm.tokenizers.registry import TokenizerRegistry
    except ImportError as error:
        _log.warning(
            "expected vLLM %s or one like it, got %s, which lacks %s: RoboRefer's models are not registered",
            WRITTEN_AGAINST,
            getattr(vllm, "__version__", "another"),
            error.name or error,
        )
        return
    from roborefer.models.config import PUBLISHED_MODEL_TYPE
    from roborefer.serving.vllm_plugin.defaults import ServingDefaults
    from roborefer.serving.vllm_plugin.served_config import ServedConfig
    from roborefer.serving.vllm_plugin.tokenizer import ServedTokenizer

    AutoConfig.register(PUBLISHED_MODEL_TYPE, ServedConfig, exist_ok=True)
    AutoTokenizer.register(ServedConfig, tokenizer_class=ServedTokenizer, exist_ok=True)
    ModelRegistry.register_model(ARCHITECTURE, f"{_HERE}.model:ServedSpatialVLM")
    MODELS_CONFIG_MAP[ARCHITECTURE] = ServingDefaults
    # Their register() warns of what is there already, and plugins may be loaded more than once.
    TokenizerRegistry.tokenizers[MODE] = TokenizerRegistry.tokenizers["hf"]
    RENDERER_REGISTRY.renderers[MODE] = (f"{_HERE}.renderer", "SpatialRenderer")
