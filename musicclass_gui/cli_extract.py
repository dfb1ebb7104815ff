"""The command that extracts features: a list of recordings becomes an array or a table, with no classifier in between.

What cannot be read is one line each on standard error; Ctrl+C leaves what is through to go on with.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from musicclass_gui import terminal
from musicclass_gui.engine.errors import ExtractError

if TYPE_CHECKING:
    from musicclass_gui.engine.extract import Failure, Note


def add_to(app: typer.Typer) -> None:
    """Put the command beside the others."""
    app.command()(extract)


def extract(
    recordings: Annotated[Path, typer.Argument(help="A text file with one path per line; “#” begins a remark.", metavar="LIST")],
    out: Annotated[Path, typer.Argument(help="Where to write: a name that ends in .npy, .npz or .parquet.", metavar="OUT")],
    encoder: Annotated[str, typer.Option(help="The encoder, or one of its layers, such as mert-v1-95m_7.", metavar="ID")],
    format: Annotated[str, typer.Option(help="npy, npz or parquet, whatever the name ends in.", metavar="FORMAT")] = "",
    windows: Annotated[bool, typer.Option("--windows", help="One row per window, with its times, instead of one per recording.")] = False,
    layers: Annotated[bool, typer.Option("--layers", help="Keep every layer of an encoder that has several.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Let the encoder compute faster with rounded numbers, where it can.")] = False,
    device: terminal.DeviceOption = "auto",
    weights: terminal.WeightsOption = "",
) -> None:
    """Write the embeddings of many recordings: a float32 row each, in the order of the list.

    What is stopped or killed goes on where it was when the same command is given again.
    """
    from musicclass_gui.engine.extract import extract as run
    from musicclass_gui.engine.extract import usable

    per: Literal["file", "window"] = "window" if windows else "file"
    terminal.require_encoder(encoder)
    try:
        usable(encoder, out, format=format, per=per, layers=layers, fast=fast)
    except ExtractError as error:
        raise typer.BadParameter(str(error)) from error
    with terminal.errors_as_lines(), terminal.bar("Extracting") as token, terminal.stopping(token, f"{out.name}.part"):
        made = run(
            recordings, out, encoder, format=format, per=per, layers=layers, fast=fast, device=device, weights_folder=weights, token=token,
            tell=_complain,
        )  # fmt: skip
    print(f"{made.path}: {' × '.join(map(str, made.shape))}")
    if made.failed:
        terminal.complain(f"{made.failed} of {made.recordings} recordings could not be read; their rows are NaN.")
    raise typer.Exit(1 if made.failed else 0)


def _complain(told: Failure | Note) -> None:
    from musicclass_gui.engine.extract import Note

    terminal.complain(told.text if isinstance(told, Note) else f"{told.path}: {told.reason}")
