"""8-bit linear layers for the CPU: weights per output channel, activations per token.

Writing one token reads every weight once, so on a CPU the bytes of the weights set the pace; a quarter of fp32, or
half of bf16, is read here. Activations are scaled token by token: a few tokens of a language model are far larger
than the rest, and a scale shared between tokens would drown the others. It also makes a token's result independent
of what else is in the batch.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from roborefer.errors import InputError

_ENGINE = "x86"
_LEVELS = 127.0
_ZERO_POINT = 128


class Int8Linear(nn.Module):
    """A linear layer with int8 weights and activations, and int32 sums.

    Args:
        linear: The layer that is replaced. Its weights are rounded to 255 levels per output channel.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().float()
        scales = (weight.abs().amax(dim=1) / _LEVELS).clamp(min=1e-12).double()
        zero_points = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():
            # torch announces that these tensor types will go one day; the pinned release has them.
            warnings.filterwarnings("ignore", message=".*quantize.* deprecated", category=UserWarning)
            quantized = torch.quantize_per_channel(weight, scales, zero_points, 0, torch.qint8)
            self._packed: Any = torch.ops.quantized.linear_prepack(quantized, None)
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., in_features) of any floating type -> (..., out_features) of the same type."""
        rows = inputs.float()
        largest = rows.abs().amax(dim=-1, keepdim=True).clamp(min=1e-12)
        multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        outputs = multiply(rows / largest, 1 / _LEVELS, _ZERO_POINT, self._packed) * largest
        if self.bias is not None:
            outputs = outputs + self.bias.float()
        return outputs.to(inputs.dtype)


def quantize_int8(model: Any) -> None:
    """Replace the linear layers of the language model, in place, one at a time.

    Towers and projectors keep their type: they work on a thousand patches at once, are bound by arithmetic and not
    by memory, and gain nothing (see benchmarks/README.md).

    Raises:
        InputError: the model is not on the CPU, or this processor has no int8 kernels in torch.
    """
    if model.device.type != "cpu":
        raise InputError(f"expected a model on the CPU for int8, got one on {model.device}: use device='cpu'")
    if _ENGINE not in torch.backends.quantized.supported_engines:
        raise InputError("expected an x86 processor for int8, got one without torch's x86 kernels: leave int8 out")
    previous = torch.backends.quantized.engine
    torch.backends.quantized.engine = _ENGINE
    try:
        for module in list(model.llm.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(module, name, Int8Linear(child))
    finally:
        torch.backends.quantized.engine = previous
