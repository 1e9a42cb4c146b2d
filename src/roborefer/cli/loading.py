"""Loading a model for a command: the options that say how, and a quick way, as imports take most of a point's time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from roborefer.predictor import Predictor

_DEVICE = click.option(
    "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps. [default: auto]"
)
_DTYPE = click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    help="Number format of the weights. [default: auto]",
)
quantize_option = click.option("--quantize", type=click.Choice(["int8"]), help="8-bit linear layers, on the CPU.")
"""``--quantize``."""


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--device`` and ``--dtype``, of every command that loads a model to ask it."""
    return _DEVICE(_DTYPE(command))


def load_model(*arguments: Any, **options: Any) -> Predictor:
    """:func:`roborefer.load` in a process of our own.

    Libraries and model stay until the process ends. The collector is told so, which would otherwise go through all of
    their million objects again, at the latest when the process ends: that takes 1.3 s.
    """
    import roborefer

    predictor = roborefer.load(*arguments, **options)
    gc.freeze()
    return predictor
