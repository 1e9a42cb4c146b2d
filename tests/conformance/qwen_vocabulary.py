"""The full Qwen2 tokenizer, rebuilt from the rank file that the package ``dashscope`` carries.

The goldens for text use the real vocabulary (151,643 ranks and the special tokens). ``make test`` installs the
package for its data alone; it is never imported.
"""

from __future__ import annotations

import base64
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from roborefer.models.prompt import QWEN2_CHAT_TEMPLATE

_RANKS = "dashscope/resources/qwen.tiktoken"
_SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "[BOS]",
    "[PAD]",
    "<vila/sentinel>",
    "<image>",
    "<vila/video>",
    "<depth>",
)


def full_qwen2_tokenizer(folder: Path) -> Any:
    """Write ``vocab.json`` and ``merges.txt`` into ``folder`` and load them as a Qwen2 tokenizer."""
    ranks = _read_ranks()
    letters = _byte_letters()
    vocabulary = {_spell(token, letters): rank for token, rank in ranks.items()}
    merges = [_spell(left, letters) + " " + _spell(right, letters) for left, right in _merges(ranks)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Qwen2Tokenizer"}))
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([token for token in _SPECIAL if token not in tokenizer.get_vocab()], special_tokens=True)
    tokenizer.chat_template = QWEN2_CHAT_TEMPLATE
    return tokenizer


def _read_ranks() -> dict[bytes, int]:
    try:
        path = Path(str(distribution("dashscope").locate_file(_RANKS)))
    except PackageNotFoundError:
        pytest.skip("the Qwen2 vocabulary is not installed: run the tests through `make test`")
    lines = path.read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}


def _merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """For every token of two bytes or more, the two tokens that byte-pair encoding joins last."""
    return [_last_merge(token, ranks) for token in ranks if len(token) > 1]


def _last_merge(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    pieces = [bytes([byte]) for byte in token]
    while len(pieces) > 2:
        pairs = [(ranks.get(pieces[i] + pieces[i + 1], len(ranks)), i) for i in range(len(pieces) - 1)]
        rank, index = min(pairs)
        if rank >= ranks[token]:
            raise ValueError(f"the token {token!r} cannot be made by merging")
        pieces[index : index + 2] = [pieces[index] + pieces[index + 1]]
    return pieces[0], pieces[1]


def _byte_letters() -> dict[int, str]:
    """Printable stand-ins for bytes, as byte-level BPE files use them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def _spell(token: bytes, letters: dict[int, str]) -> str:
    return "".join(letters[byte] for byte in token)
