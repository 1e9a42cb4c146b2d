"""Which questions a split of the benchmark takes: steps in the published proportions, and many wordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SplitName = Literal["Location", "Placement", "Unseen"]
SPLITS: tuple[SplitName, ...] = ("Location", "Placement", "Unseen")

STEP_SHARES: Mapping[SplitName, Mapping[int, int]] = {
    "Location": {1: 30, 2: 38, 3: 32},
    "Placement": {2: 43, 3: 28, 4: 22, 5: 7},
    "Unseen": {2: 29, 3: 26, 4: 17, 5: 5},
}
"""Questions by steps in RefSpatial-Bench (paper, table 11); ours follow as far as scenes offer them."""


@dataclass(frozen=True)
class Candidate:
    """A question that a split could take, ready to be written.

    Attributes:
        split: That it belongs to.
        steps: Its step count.
        variety: Of which there shall be many: its wording or, in Unseen, its combination.
        fields: Of ``question.json``, without id and paths.
        mask: PNG.
    """

    split: SplitName
    steps: int
    variety: str
    fields: dict[str, Any]
    mask: bytes


@dataclass
class SplitChoice:
    """Takes questions for one split until it is full, in the published proportions of steps.

    Attributes:
        name: Of the split.
        size: Questions wanted.
    """

    name: SplitName
    size: int
    taken: int = 0
    _steps: Counter[int] = field(default_factory=Counter)
    _varieties: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        return self.taken >= self.size

    def choose(self, candidates: Sequence[Candidate], *, strict: bool) -> Candidate | None:
        """The candidate that is needed most, None if none is.

        Args:
            candidates: Of one scene, of any split.
            strict: Only take steps that are still short of their share.
        """
        ours = [candidate for candidate in candidates if candidate.split == self.name]
        if self.full or not ours:
            return None
        quotas = step_quotas(self.name, self.size)
        short = [candidate for candidate in ours if self._steps[candidate.steps] < quotas.get(candidate.steps, 0)]
        if strict:
            ours = short
        if not ours:
            return None

        def need(candidate: Candidate) -> tuple[float, int]:
            quota = quotas.get(candidate.steps, 0)
            filled = self._steps[candidate.steps] / quota if quota else float("inf")
            return (filled, self._varieties[candidate.variety])

        chosen = min(ours, key=need)
        self.taken += 1
        self._steps[chosen.steps] += 1
        self._varieties[chosen.variety] += 1
        return chosen


def step_quotas(split: SplitName, size: int) -> dict[int, int]:
    """Questions by steps for a split of that size; they add up to it (largest remainders)."""
    shares = STEP_SHARES[split]
    total = sum(shares.values())
    quotas = {steps: size * share // total for steps, share in shares.items()}
    by_remainder = sorted(shares, key=lambda steps: (-(size * shares[steps] % total), steps))
    for steps in by_remainder[: size - sum(quotas.values())]:
        quotas[steps] += 1
    return quotas
