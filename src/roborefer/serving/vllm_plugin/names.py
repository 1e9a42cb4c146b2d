"""What vLLM knows this plugin by."""

from __future__ import annotations

ARCHITECTURE = "LlavaLlamaModel"
"""What published checkpoints and ours name in their ``config.json``."""

MODE = "roborefer"
"""Tokenizer and renderer, as ``--tokenizer-mode`` takes them; the default for these checkpoints."""
