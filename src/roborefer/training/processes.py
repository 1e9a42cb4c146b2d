"""The processes that train together, as torchrun or accelerate started them; one alone is a team of one."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch

# The main process alone looks through the data, and writes checkpoints, while the others wait for it.
_LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True)
class Processes:
    """Where this process stands.

    Attributes:
        rank, count: Which of how many.
        sharded: Every process holds a part of each weight (FSDP, ZeRO-3).
        with_deepspeed: DeepSpeed does that.
        state: accelerate's, None alone.
    """

    rank: int = 0
    count: int = 1
    sharded: bool = False
    with_deepspeed: bool = False
    state: Any = None

    @property
    def is_main(self) -> bool:
        """The one that writes and talks."""
        return self.rank == 0

    def main_first(self) -> AbstractContextManager[Any]:
        """The main process goes through the block, then the others do: what it writes is there for them."""
        first: AbstractContextManager[Any] = nullcontext() if self.state is None else self.state.main_process_first()
        return first

    def wait(self) -> None:
        """Until all processes are here."""
        if self.state is not None:
            self.state.wait_for_everyone()


def join_processes() -> Processes:
    """Joins the others, if there are any. Without an accelerator they talk through gloo."""
    from accelerate import PartialState

    state = PartialState(cpu=not torch.accelerator.is_available(), timeout=_LONGEST_WAIT)
    with_fsdp, with_deepspeed = (
        os.environ.get(f"ACCELERATE_USE_{name}", "false").lower() in ("true", "1") for name in ("FSDP", "DEEPSPEED")
    )
    return Processes(
        state.process_index,
        state.num_processes,
        with_fsdp or with_deepspeed,
        with_deepspeed,
        state if state.num_processes > 1 else None,
    )
