"""``roborefer init-base``: a base model for training, from a vision tower and a language model."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from roborefer.cli.commands import Command, printable
from roborefer.errors import InputError

_PATH = click.Path(path_type=Path)


@click.command(
    cls=Command,
    examples=(
        "roborefer init-base --vision google/siglip-so400m-patch14-384 --llm Qwen/Qwen2-1.5B-Instruct --out base",
        "roborefer init-base --rgb-model Efficient-Large-Model/NVILA-Lite-2B --out base",
        "roborefer init-base --vision towers/siglip --llm models/qwen2-7b --recipe 8b --out base-8b",
    ),
)
@click.option("--vision", metavar="SIGLIP", help="Vision tower: folder or hub id.")
@click.option("--llm", metavar="QWEN2", help="Language model with its tokenizer: folder or hub id.")
@click.option("--rgb-model", metavar="VLM", help="An RGB-only model to add depth to, in place of both.")
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="Folder for the model: new or empty.")
@click.option(
    "--recipe",
    type=click.Choice(["2b", "8b"]),
    help="Tiling and projector of the published 2B (dynamic tiles, 3x3) or 8B (three scales, 2x2). [default: 2b]",
)
@click.option("--tiling", type=click.Choice(["resize", "dynamic", "dynamic_s2"]), help="In place of the recipe's.")
@click.option("--projector", metavar="TYPE", help="In place of the recipe's, such as mlp2x_gelu.")
@click.option("--dtype", metavar="TYPE", help="float32, bfloat16 or float16. [default: the language model's]")
@click.option("--seed", type=int, metavar="S", help="Of the new projectors. [default: 0]")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def init_base(
    vision: str | None,
    llm: str | None,
    rgb_model: str | None,
    out: Path,
    recipe: str | None,
    tiling: str | None,
    projector: str | None,
    dtype: str | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Build a base model for training, as the paper does.

    The depth tower is a copy of the RGB tower, the depth projector one of the RGB projector, and the media tokens come
    behind the vocabulary. From --vision and --llm the projectors are new: train them first. From --rgb-model they are
    its own, which is how NVILA-2B-Depth was made; tiling and number format stay too.
    """
    if (rgb_model is None) == (vision is None) or (vision is None) != (llm is None):
        raise InputError("expected --vision and --llm together, or --rgb-model alone: name what the base is made of")
    choices = {"recipe": recipe, "tiling": tiling, "projector": projector, "dtype": dtype, "seed": seed}
    given = [f"--{name}" for name, value in choices.items() if value is not None]
    if rgb_model is not None and given:
        raise InputError(f"expected --rgb-model without {' and '.join(given)}: the model has made these choices")
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise InputError(f"expected a new or empty folder, got {out}: name another --out")
    from roborefer.training.base_model import TILINGS, combine, from_rgb_model
    from roborefer.training.saving import save_model

    progress = not quiet and sys.stderr.isatty()
    if vision is not None and llm is not None:
        usual_tiling, usual_projector = TILINGS[recipe or "2b"]
        model, processor = combine(
            vision,
            llm,
            tiling=tiling or usual_tiling,
            projector=projector or usual_projector,
            dtype=dtype or "auto",
            seed=seed or 0,
            progress=progress,
        )
    else:
        model, processor = from_rgb_model(str(rgb_model), progress=progress)
    save_model(model, processor, out)
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    click.echo(f"{millions:,.0f} M parameters in {printable(str(out))}")
