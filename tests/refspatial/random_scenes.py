"""Random scenes of boxes: several of a kind, some on or in others, some half hidden. The same seed, the same scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from roborefer.refspatial.scene_graph import Scene

from .handmade import TABLE_HEIGHT, WALL, Block, box_scene, look_at

KINDS = {
    "mug": ({"handle": (1.0, 0.0, 0.0)}, "ceramic"),
    "apple": (None, None),
    "book": ({"front": (0.0, -1.0, 0.0), "spine": (-1.0, 0.0, 0.0)}, None),
    "bowl": (None, "ceramic"),
    "toy car": ({"front": (0.0, -1.0, 0.0)}, "plastic"),
    "alarm clock": ({"front": (0.0, -1.0, 0.0), "face": (0.0, -1.0, 0.0)}, None),
    "cereal box": (None, "cardboard"),
    "pair of scissors": ({"handle": (0.0, 1.0, 0.0)}, None),
    "headphones": (None, None),
    "camera": ({"front": (0.0, -1.0, 0.0), "lens": (0.0, -1.0, 0.0)}, None),
}
COLORS = (None, "red", "green", "blue", "yellow", "white", "black", "orange")


def random_blocks(generator: np.random.Generator, count: int) -> list[Block]:
    """Blocks on a table, on each other and in bowls, without overlap."""
    names = [str(name) for name in generator.choice(list(KINDS), 4, replace=False)]
    blocks: list[Block] = []
    for _ in range(40 * count):
        if len(blocks) == count:
            break
        block = _block(generator, names)
        under = None
        if blocks and generator.random() < 0.25:
            under = int(generator.integers(len(blocks)))
            block = _put(block, blocks[under], under + 1, generator)
        if block is not None and not any(
            _overlap(block, other) for index, other in enumerate(blocks) if index != under
        ):
            blocks.append(block)
    return blocks


def random_scene(seed: int, *, size: tuple[int, int] = (96, 72), objects: tuple[int, int] = (3, 10)) -> Scene:
    """A scene of random blocks from a random camera in front of, and above, the table."""
    generator = np.random.default_rng(seed)
    blocks = random_blocks(generator, int(generator.integers(objects[0], objects[1] + 1)))
    eye = (generator.uniform(-0.5, 0.5), generator.uniform(-1.3, -0.9), TABLE_HEIGHT + generator.uniform(0.35, 0.9))
    return box_scene(blocks, camera=look_at(eye, size=size), name=f"random {seed}")


def random_pair(seed: int) -> tuple[Scene, Scene]:
    """One random scene from two cameras."""
    blocks = random_blocks(np.random.default_rng(seed), 7)
    first, second = look_at((-0.35, -1.1, 1.4)), look_at((0.3, -1.15, 1.5), target=(0.05, 0.0, TABLE_HEIGHT))
    return box_scene(blocks, camera=first, name="first"), box_scene(blocks, camera=second, name="second")


def _block(generator: np.random.Generator, names: list[str]) -> Block:
    name = names[int(generator.integers(len(names)))]
    directions, material = KINDS[name]
    width, depth, height = generator.uniform(0.04, 0.16, 3).tolist()
    if name == "bowl":
        width, depth, height = 0.16 + width, 0.16 + depth, 0.05 + height / 2
    return Block(
        name,
        at=(generator.uniform(-0.5, 0.5), generator.uniform(-0.32, 0.32)),
        size=(width, depth, height),
        color=COLORS[int(generator.integers(len(COLORS)))],
        material=material,
        attributes=("striped",) if generator.random() < 0.2 else (),
        yaw=float(generator.uniform(0, 360)),
        hollow=name == "bowl",
        flat_top=name in ("book", "cereal box"),
        directions=directions,
    )


def _put(block: Block, under: Block, number: int, generator: np.random.Generator) -> Block | None:
    """The block on top of, or in, another one; None if there is no place."""
    shift = 0.2 * generator.uniform(-1, 1, 2) * np.array(under.size[:2])
    moved = replace(block, at=(under.at[0] + shift[0], under.at[1] + shift[1]), supported_by=number)
    if under.supported_by != "table":
        return None
    if under.hollow:
        small = (min(block.size[0], 0.06), min(block.size[1], 0.06), block.size[2])
        return replace(moved, size=small, base=under.base + WALL, inside=number, hollow=False, flat_top=False)
    return replace(moved, base=under.base + under.size[2], hollow=False) if under.flat_top else None


def _overlap(a: Block, b: Block) -> bool:
    apart = np.hypot(a.at[0] - b.at[0], a.at[1] - b.at[1])
    return bool(apart < (np.hypot(*a.size[:2]) + np.hypot(*b.size[:2])) / 2 + 0.005)
