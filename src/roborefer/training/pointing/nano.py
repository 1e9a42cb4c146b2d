"""nano, the model inside the package: its tokenizer, its weights at the start, and its course of lessons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from roborefer.answers.prompts import POINT_SUFFIX, REASONING_REQUEST
from roborefer.models import checkpoint
from roborefer.models.compact_tokenizer import coordinate_ids, train_compact_tokenizer
from roborefer.models.config import preset
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.refspatial.atomic_files import one_line_refusal
from roborefer.refspatial.questions.absent import NONE_ENDINGS
from roborefer.refspatial.questions.pointing import ENDINGS
from roborefer.training.pointing.views import ViewFolder

VOCABULARY = 2048
QUESTIONS = 20
REASONING_SHARE = 0.12
BARE_SHARE = 0.12
MIRRORED_SHARE = 0.5
_TOKENIZER_VIEWS = 400


def views(folders: Sequence[Path], seed: int = 0) -> ViewFolder:
    """The views that nano is taught from."""
    return ViewFolder(
        folders,
        questions=QUESTIONS,
        reasoning=REASONING_SHARE,
        reasoning_request=REASONING_REQUEST,
        seed=seed,
        bare=BARE_SHARE,
        mirrored=MIRRORED_SHARE,
    )


def tokenizer(folder: ViewFolder, keep: Path) -> Any:
    """nano's tokenizer: the one in ``keep``, or one that is learned from some views and kept there."""
    kept = keep / checkpoint.TOKENIZER_FOLDER
    if not kept.is_dir():
        sentences = sorted({*ENDINGS, *NONE_ENDINGS, POINT_SUFFIX, REASONING_REQUEST}, key=len, reverse=True)
        learned = train_compact_tokenizer(_texts(folder), sentences, VOCABULARY)
        aside = kept.with_name(f".{kept.name}")
        with one_line_refusal(kept):
            learned.save_pretrained(aside)
            aside.rename(kept)
    return checkpoint.load_tokenizer(keep)


def fresh_model(tokens: Any, seed: int = 0) -> tuple[SpatialVLM, SpatialProcessor]:
    """The model at its start, in float32, and its processor."""
    config = preset("nano")
    config.text_config.vocab_size = len(tokens)
    torch.manual_seed(seed)
    model = SpatialVLM(config)
    model.set_media_tokens(*media_token_ids(tokens))
    _spread_coordinates(model, tokens)
    return model, SpatialProcessor(tokens, config)


@torch.no_grad()
def _spread_coordinates(model: SpatialVLM, tokens: Any) -> None:
    """Let coordinates that are near each other start with embeddings that are near each other."""
    ids = coordinate_ids(tokens)
    table: Tensor = model.llm.get_input_embeddings().weight
    value = torch.linspace(0, 1, len(ids))[:, None]
    angles = value * math.pi * 2.0 ** torch.linspace(0, 8, table.shape[1] // 2)
    table[ids] = torch.cat([angles.sin(), angles.cos()], dim=1).to(table) * float(table.std()) * math.sqrt(2)


def _texts(folder: ViewFolder) -> Iterator[str]:
    for number in range(0, len(folder), max(1, len(folder) // _TOKENIZER_VIEWS)):
        for question in folder.view(number, 0).questions:
            yield question.text
            yield question.answer
