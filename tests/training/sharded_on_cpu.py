"""Runs ``roborefer`` with sliced weights over gloo: accelerate slices on accelerators alone, so it is told of one."""

from __future__ import annotations

import sys
from typing import Any

import torch.distributed
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from roborefer.cli.main import main


def _as_if_accelerated(*_: Any) -> tuple[str, DistributedType]:
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    return "gloo", DistributedType.MULTI_GPU


if __name__ == "__main__":
    PartialState._prepare_backend = _as_if_accelerated
    main(sys.argv[1:])
