"""Which device a model runs on."""

from __future__ import annotations

import torch

from roborefer.errors import InputError


def resolve_device(device: str | torch.device) -> torch.device:
    """A torch device; ``auto`` is CUDA, then MPS, then the CPU."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"expected device to be auto, cpu, cuda, cuda:N or mps, got {str(device)!r}") from error
    if resolved.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"expected device to be auto, cpu, cuda, cuda:N or mps, got {str(device)!r}")
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"expected a device of this machine, got {str(device)!r}: torch sees no CUDA device; use cpu")
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("expected a device of this machine, got 'mps': torch sees no Apple GPU; use cpu")
    return resolved
