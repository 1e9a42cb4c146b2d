"""Registers the model with transformers' Auto classes, when imported.

>>> import roborefer.models.auto                                                     # doctest: +SKIP
>>> model = AutoModelForImageTextToText.from_pretrained("checkpoints/RoboRefer-2B")  # doctest: +SKIP
>>> processor = AutoProcessor.from_pretrained("checkpoints/RoboRefer-2B")            # doctest: +SKIP

Published checkpoints name the type ``llava_llama`` in their ``config.json``; so do ours.
"""

from __future__ import annotations

from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from roborefer.models.config import PUBLISHED_MODEL_TYPE, ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM

AutoConfig.register(PUBLISHED_MODEL_TYPE, ModelConfig, exist_ok=True)
AutoModelForImageTextToText.register(ModelConfig, SpatialVLM, exist_ok=True)
AutoProcessor.register(ModelConfig, SpatialProcessor, exist_ok=True)
