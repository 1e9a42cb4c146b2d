"""DeepSpeed's ZeRO-3, where every process holds a slice of each weight: weights and AdamW's state as a whole, and back.

DeepSpeed's own checkpoints are pickles; through these functions a run under it has the same checkpoints as any other.
All processes must call them together. DeepSpeed is imported when it is there, which is when it has sliced a model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ADAM_STATE = ("exp_avg", "exp_avg_sq")


def is_sliced(parameter: Any) -> bool:
    """Whether ZeRO-3 holds the parameter."""
    return hasattr(parameter, "ds_id")


def whole_weight(parameter: Any) -> Tensor:
    """The weight as the optimizer keeps it, float32."""
    from deepspeed.utils import safe_get_full_fp32_param

    weight: Tensor = safe_get_full_fp32_param(parameter)
    return weight


def set_weight(parameter: Any, weight: Tensor) -> None:
    """Sets the weight that the optimizer keeps, and the one that the model computes with."""
    import deepspeed
    from deepspeed.utils import safe_set_full_fp32_param

    safe_set_full_fp32_param(parameter, weight.to(parameter.device))
    with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0), torch.no_grad():
        parameter.copy_(weight)


def whole_state(parameter: Any) -> dict[str, Tensor]:
    """AdamW's moments of a parameter."""
    from deepspeed.utils import safe_get_full_optimizer_state

    return {name: safe_get_full_optimizer_state(parameter, name) for name in ADAM_STATE}


def set_state(parameter: Any, name: str, value: Tensor) -> None:
    """Sets one of AdamW's moments."""
    from deepspeed.utils import safe_set_full_optimizer_state

    safe_set_full_optimizer_state(parameter, value.to(parameter.device), name)


def begin_state(optimizer: Any, steps: int) -> None:
    """Gives AdamW its state, which it has only after a first step: moments of 0 to be set, and a number of steps.

    Args:
        optimizer: DeepSpeed's, around torch's.
        steps: How many were taken, by which it corrects its moments; the same for all parameters.
    """
    for weights in optimizer.fp32_partitioned_groups_flat:
        state = optimizer.optimizer.state[weights]
        state["step"] = torch.tensor(float(steps), device=weights.device)
        for name in ADAM_STATE:
            state[name] = torch.zeros_like(weights)


def refresh_small_weights(optimizer: Any) -> None:
    """Small weights are held as a whole by every process, which has the old ones until told to fetch them anew."""
    small = optimizer.persistent_parameters
    if small:
        small[0].partition(small)
        small[0].all_gather(small)


def forget_configuration() -> None:
    """Models built from now on are whole: transformers slices new ones as long as it knows of a run under ZeRO-3."""
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()
