"""Errors that a user can cause, and so can mend.

Every message is one line that says what was expected, what came and what to do. The command line prints that
line and exits with code 2; the library raises it. Anything else that is raised is a defect of ours.
"""


class RoboReferError(Exception):
    """Base of every error that a user can cause."""


class InputError(RoboReferError, ValueError):
    """An image, depth map, camera file, instruction or argument cannot be used as it is."""


class CheckpointError(RoboReferError, ValueError):
    """A checkpoint folder is incomplete, or holds tensors that its configuration does not describe."""


class TrainingError(RoboReferError, RuntimeError):
    """Training cannot go on: its loss or its gradients are no numbers any more."""


def said_in_process(error: RoboReferError) -> str:
    """What an error said that a data loader's process raised: it comes with that process's traceback in its text."""
    line = str(error).strip().splitlines()[-1]
    return line.removeprefix(f"{type(error).__module__}.{type(error).__qualname__}: ")
