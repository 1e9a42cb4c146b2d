"""How a machine's cores are shared: among the parts of one operation, or among the pictures of several callers.

The operations of a small model are so short that a second thread mostly waits for the first: it is faster to look at
two pictures side by side with a thread each. Those of a large model keep all cores busy.
"""

from __future__ import annotations

from collections.abc import Callable

from roborefer.errors import InputError
from roborefer.predictor import Predictor

# Below it, one thread for an operation is the faster way on a CPU.
SMALL_PARAMETERS = 100_000_000


def threads_for(parameters: int, cores: int) -> int:
    """How many threads an operation of a model of so many parameters gets on a CPU of so many cores."""
    return 1 if parameters < SMALL_PARAMETERS else cores


def load_for_serving(load: Callable[[], Predictor], threads: int | None) -> tuple[Predictor, int]:
    """A model, and how many pictures it looks at side by side. Sets torch's threads for the whole process.

    Args:
        load: Gives the model.
        threads: Of one operation on the CPU; None for what suits the model's size.

    Raises:
        InputError: fewer than one thread, or what ``load`` raises.
    """
    import torch

    if threads is not None and threads < 1:
        raise InputError(f"expected 1 or more threads, got {threads}")
    cores = torch.get_num_threads()
    # GNU's OpenMP lets threads that wait for work sleep at once, which makes short operations twice as slow, as soon as
    # more of them live than there are cores: this thread, which only loads, shall leave none behind.
    torch.set_num_threads(1)
    predictor = load()
    if predictor.model.device.type != "cpu":
        torch.set_num_threads(threads or cores)
        return predictor, 1
    threads = threads or threads_for(sum(weight.numel() for weight in predictor.model.parameters()), cores)
    torch.set_num_threads(threads)
    return predictor, max(1, cores // threads)
