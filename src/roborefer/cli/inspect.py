"""``roborefer inspect``: a data folder as a page, a picture and numbers."""

from __future__ import annotations

from pathlib import Path

import click

from roborefer.cli.commands import Command, printable
from roborefer.errors import InputError

_PATH = click.Path(path_type=Path)


@click.command(
    cls=Command,
    examples=(
        "roborefer inspect data/sim",
        "roborefer inspect data/bench --out bench.html --count 60",
    ),
)
@click.argument("folder", type=_PATH)
@click.option("--out", type=_PATH, help="The page; picture and numbers stand beside it. [default: in FOLDER]")
@click.option("--count", type=int, default=24, metavar="N", help="How many questions are shown. [default: 24]")
def inspect(folder: Path, out: Path | None, count: int) -> None:
    """Look into FOLDER, made by `roborefer generate`.

    Writes a page that needs no other file (picture, depth, question, the steps one by one, answer and mask, and the
    statistics as charts), the same as one picture, and the statistics as JSON.
    """
    from roborefer.refspatial.atomic_files import make_folder, write_json, write_whole
    from roborefer.refspatial.contact_sheet import html_page, picture
    from roborefer.refspatial.inspection import inspected
    from roborefer.viz.files import write_picture

    if count < 1:
        raise InputError(f"expected a count of 1 or more, got {count}")
    page = folder / "inspect.html" if out is None else out
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"expected a page's name (.html), got {page}: add .html")
    entries, statistics = inspected(folder, count)
    make_folder(page.parent)
    write_json(page.with_name("statistics.json"), statistics)
    write_whole(page, html_page(folder.resolve().name, entries, statistics).encode())
    write_picture(picture(entries), page.with_suffix(".png"))
    click.echo(f"{len(entries)} of {statistics['questions']} questions in {printable(str(page))}")
