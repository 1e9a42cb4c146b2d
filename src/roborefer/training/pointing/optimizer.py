"""Muon for the matrices of transformers and projectors, AdamW for all else, over float32 copies of bfloat16 weights.

Weights and activations in bfloat16 halve the memory that a CPU has to move; updates would vanish in it, so they are
made on float32 copies. Muon (Jordan 2024, as ``torch.optim.Muon``) needs about half as many samples as AdamW here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class MasterWeightOptimizer:
    """Both optimizers over the float32 copies of a module's weights, and a moving average of these.

    Args:
        module: In bfloat16; its weights are written after every step.
        learning_rate: Of both, scaled by :meth:`step`.
        weight_decay: Of matrices.
        average: Decay of the moving average, reached after a while.

    Attributes:
        masters, averages: float32, by the names of the module's weights.
        steps: Updates so far.
    """

    def __init__(self, module: nn.Module, learning_rate: float, weight_decay: float, average: float) -> None:
        self._weights = [(name, weight) for name, weight in module.named_parameters() if weight.requires_grad]
        self.masters = {name: weight.detach().float().clone() for name, weight in self._weights}
        self.averages = {name: master.clone() for name, master in self.masters.items()}
        for master in self.masters.values():
            master.grad = torch.zeros_like(master)
        self._learning_rate, self._average, self.steps = learning_rate, average, 0
        matrices = [name for name, weight in self._weights if _is_matrix_of_layers(name, weight)]
        rest = [name for name in self.masters if name not in set(matrices)]
        self._optimizers = [
            torch.optim.Muon(
                self._of(matrices), lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(self._of(rest), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, foreach=True),
        ]

    def gather(self, scale: float) -> None:
        """Add the gradients of one backward pass, times ``scale``, to those of the copies, and clear them."""
        for name, weight in self._weights:
            if weight.grad is not None:
                gradient = self.masters[name].grad
                assert gradient is not None
                gradient.add_(weight.grad, alpha=scale)
                weight.grad = None

    @torch.no_grad()
    def step(self, share: float, clip: float) -> float:
        """One update at ``share`` of the learning rate; the norm of the gradients before clipping to ``clip``."""
        norm = float(nn.utils.clip_grad_norm_(self.masters.values(), clip))
        self.steps += 1
        average = min(self._average, self.steps / (self.steps + 10))
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._learning_rate * share
            optimizer.step()
        for name, weight in self._weights:
            master = self.masters[name]
            weight.copy_(master)
            self.averages[name].lerp_(master, 1 - average)
            assert master.grad is not None
            master.grad.zero_()
        return norm

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to go on, by name."""
        held = {f"master/{name}": master for name, master in self.masters.items()}
        held |= {f"average/{name}": average for name, average in self.averages.items()}
        for number, optimizer in enumerate(self._optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                held |= {f"state/{number}/{index}/{key}": torch.as_tensor(value) for key, value in state.items()}
        return held | {"steps": torch.tensor(self.steps)}

    @torch.no_grad()
    def load(self, held: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`tensors` gave for the same module."""
        for name, weight in self._weights:
            self.masters[name].copy_(held[f"master/{name}"])
            self.averages[name].copy_(held[f"average/{name}"])
            weight.copy_(self.masters[name])
        for number, optimizer in enumerate(self._optimizers):
            optimizer.load_state_dict(optimizer.state_dict() | {"state": _state_of(number, held)})
        self.steps = int(held["steps"])

    def _of(self, names: Iterable[str]) -> list[Tensor]:
        return [self.masters[name] for name in names]


def _state_of(number: int, held: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """What one of the optimizers keeps of each of its weights, by the weight's index."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in held.items():
        if key.startswith(f"state/{number}/"):
            *_, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value.clone()
    return state


def _is_matrix_of_layers(name: str, weight: Tensor) -> bool:
    return weight.ndim == 2 and "layers." in name
