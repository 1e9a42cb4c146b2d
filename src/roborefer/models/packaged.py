"""Where the trained model inside the package is."""

from __future__ import annotations

from pathlib import Path

PACKAGED_MODEL = Path(__file__).parents[1] / "pretrained" / "nano"
"""nano: what :func:`roborefer.load` loads unless told otherwise; made by ``roborefer train nano``."""
