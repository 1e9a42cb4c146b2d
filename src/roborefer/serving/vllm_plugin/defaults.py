"""What vLLM does for these checkpoints unless its user says otherwise."""

from __future__ import annotations

from typing import Any

from roborefer.serving.vllm_plugin.names import MODE


class ServingDefaults:
    """Called by vLLM once a checkpoint's configuration is read (its ``VerifyAndUpdateConfig``)."""

    @staticmethod
    def verify_and_update_model_config(model_config: Any) -> None:
        """Tokenizer and renderer of this plugin, and greedy answers: a point is no place for chance."""
        if model_config.tokenizer_mode == "auto":
            model_config.tokenizer_mode = MODE
        model_config.override_generation_config.setdefault("temperature", 0.0)

    @staticmethod
    def verify_and_update_config(vllm_config: Any) -> None:
        """Nothing: engine settings are the user's."""
