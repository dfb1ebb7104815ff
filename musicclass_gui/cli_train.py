"""The commands for those who make encoders: train the program's own, and see encoders side by side.

Both need the recordings that they learn from and measure on; users of the program need neither.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicclass_gui import terminal

if TYPE_CHECKING:
    from musicclass_gui.engine.training.compare import Row, Size
    from musicclass_gui.engine.training.crops import Part
    from musicclass_gui.engine.training.fit import Progress

DataOption = Annotated[Path, typer.Option(help="The folder with gtzan-mini, composers, instruments and weights.", metavar="DIR")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(train_encoder)
    app.command()(compare_encoders)


def train_encoder(
    data: DataOption,
    work: Annotated[Path, typer.Option(help="Where what is made on the way is kept; some gigabytes.", metavar="DIR")],
    recipe: Annotated[Path | None, typer.Option(help="A recipe as JSON; else the one of house-v1.", metavar="FILE")] = None,
    part: Annotated[str, typer.Option(help="Make only the Nth of COUNT parts of the sounds; part 1 trains when all are made.")] = "1/1",
    threads: Annotated[int, typer.Option(help="Processor threads for the training.", min=1)] = 2,
) -> None:
    """Train an encoder like house-v1 from the recipe; what was stopped or killed goes on where it was.

    The weights become DIR/house-KEY.safetensors, the names of what they heard DIR/house-KEY.heard.txt.
    The same recipe, recordings, versions, processor and threads make the same weights.
    """
    import torch

    from musicclass_gui.engine import training
    from musicclass_gui.engine.training import recipe as recipes

    torch.set_num_threads(threads)
    share = _part(part)
    with terminal.errors_as_lines(), terminal.bar("Training") as token, terminal.stopping(token, work):
        made = training.train(data, work, recipes.read(recipe) if recipe else recipes.house_v1(), share, token, _tell)
    if made:
        print(made)


def compare_encoders(
    data: DataOption,
    encoders: Annotated[str, typer.Option(help="Encoders, with commas between.", metavar="IDS")] = "",
    weights: Annotated[Path | None, typer.Option(help="Other weights for house-v1, such as just trained.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the lines of the card's table.")] = False,
) -> None:
    """Print how well classes are taught on each encoder with 1, 3, 5 and all examples, on recordings that house-v1 never heard.

    Per cent of the held-out recordings with 95 % intervals (Wilson); for few examples the mean of ten draws. Then speed and size.
    """
    from musicclass_gui.engine.encoders import house
    from musicclass_gui.engine.plain import to_plain
    from musicclass_gui.engine.training import compare

    chosen = list(dict.fromkeys(name.strip() for name in encoders.split(",") if name.strip())) or list(compare.ENCODERS)
    for name in chosen:
        terminal.require_encoder(name, "--encoders")
    if as_json and as_markdown:
        raise typer.BadParameter("--json and --markdown do not go together; choose one.")
    if weights and house.SPEC.id not in chosen:
        raise typer.BadParameter("--weights are for house-v1, which is not among --encoders.", param_hint="--weights")
    if weights and not weights.is_file():
        raise typer.BadParameter(f"There is no file {weights}.", param_hint="--weights")
    with terminal.errors_as_lines(), terminal.bar("Comparing") as token:
        rows, sizes = compare.table(data, chosen, weights, token)
    if as_json:
        print(json.dumps({"rows": to_plain(rows), "sizes": to_plain(sizes)}, indent=1))
        return
    if as_markdown:
        print("\n".join(compare.markdown(rows)))
    else:
        _print(rows, sizes)


def _print(rows: list[Row], sizes: list[Size]) -> None:
    from musicclass_gui.engine.training.compare import SHOTS, cell

    for collection in dict.fromkeys(row.collection for row in rows):
        own = [row for row in rows if row.collection == collection]
        print(f"\n{collection}, {own[0].n} held-out recordings")
        table = terminal.table("encoder", "head", *(f"{shots} each" if shots else "all" for shots in SHOTS))
        for encoder, head in dict.fromkeys((row.encoder, row.head) for row in own):
            found = [row for row in own if (row.encoder, row.head) == (encoder, head)]
            table.add_row(encoder, head, *map(cell, found))
        terminal.console().print(table)
    print("\nTen seconds on one thread")
    table = terminal.table("encoder", "ms", "parameters", "MB")
    for size in sizes:
        table.add_row(size.encoder, f"{size.milliseconds:.1f}", f"{size.parameters:,}", f"{size.megabytes:.2f}")
    terminal.console().print(table)


def _tell(progress: Progress) -> None:
    losses = ", ".join(f"{name} {loss:.3f}" for name, loss in progress.losses.items())
    terminal.complain(f"step {progress.step} of {progress.steps}: {losses}")


def _part(text: str) -> Part:
    from musicclass_gui.engine.training.crops import Part

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise typer.BadParameter(f"“{text}” is no part; it is such as 1/2.", param_hint="--part")
    return Part(int(number), int(count))
