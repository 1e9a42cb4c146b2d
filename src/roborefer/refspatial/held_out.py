"""What training never sees, so that a benchmark can ask for it: combinations of relations, shapes, and seeds.

The paper's *Unseen* split holds combinations of spatial relations that its data lacks (section 4.1, table 1). Ours is
exact: `generate sim` drops every question that needs one of :data:`HELD_OUT_COMBINATIONS`, and the benchmark's
*Unseen* questions each need at least one of them. Seeds of the two never meet: they differ in their lowest bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

Branch = Literal["training", "benchmark"]

HELD_OUT_COMBINATIONS: tuple[frozenset[str], ...] = (
    frozenset({"behind", "right"}),
    frozenset({"front", "left"}),
    frozenset({"behind", "close"}),
    frozenset({"between", "close"}),
    frozenset({"close", "distance"}),
    frozenset({"free-space", "tall"}),
    frozenset({"below-image", "right"}),
)
"""Sets of relations; a question is held out when its relations hold one of them whole.

Each of the relations, and each mirror image of a combination (behind and left, front and right), stays in training, so
that *Unseen* asks for nothing but composing what is known. Together they are some 4 % of what scenes offer.
"""

_BRANCHES: tuple[Branch, ...] = ("training", "benchmark")


def held_out_combination(relations: Iterable[str]) -> frozenset[str] | None:
    """The first combination that these relations hold whole, None if there is none."""
    present = frozenset(relations)
    return next((combination for combination in HELD_OUT_COMBINATIONS if combination <= present), None)


def scene_generators(
    seed: int, index: int, branch: Branch, attempt: int = 0
) -> tuple[int, np.random.Generator, np.random.Generator]:
    """What one scene's chance flows from; it depends on nothing but the arguments.

    Args:
        seed: Of the run, 0 or more.
        index: Of the scene within the run.
        branch: Training seeds are even and benchmark seeds odd, so no scene is in both.
        attempt: Which try at this scene, from 0; some seeds give no room for what they drew.

    Returns:
        The scene's seed (below 2^53, so that it survives any JSON reader), the generator for what the run chooses
        (views, image size), and the one for its questions.
    """
    parity = _BRANCHES.index(branch)
    root = np.random.SeedSequence(entropy=seed, spawn_key=(parity, index, attempt))
    scene, choices, questions = (np.random.default_rng(child) for child in root.spawn(3))
    return 2 * int(scene.integers(1 << 52)) + parity, choices, questions


def branch_of(scene_seed: int) -> Branch:
    """Which branch a scene's seed belongs to."""
    return _BRANCHES[scene_seed & 1]


def training_shape_keys() -> frozenset[str]:
    """The shapes that training scenes are made of; the benchmark's have none of them."""
    from roborefer.refspatial.simulation.objects.catalog import CATEGORIES

    return frozenset(f"{name}/{shape}" for name, category in CATEGORIES.items() for shape in category.variants)


def describe_combinations(combinations: Sequence[frozenset[str]] = HELD_OUT_COMBINATIONS) -> list[list[str]]:
    """The combinations as sorted lists, JSON-ready."""
    return [sorted(combination) for combination in combinations]
