"""What all commands share: options, tables, progress bars, and errors as one line each. It knows no command."""

from __future__ import annotations

import math
import re
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from musicclass_gui.engine.errors import Cancelled, MusicClassError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from musicclass_gui.engine.shelf import Shelf

_SHORTEST_WINDOW_S, _LONGEST_WINDOW_S = 1.0, 60.0


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise typer.BadParameter(f"“{text}” is no device; it is auto, cpu, cuda, or one device such as cuda:1.")
    return text


def _window(seconds: float) -> float:
    if seconds != 0 and not _SHORTEST_WINDOW_S <= seconds <= _LONGEST_WINDOW_S:
        raise typer.BadParameter(f"A window has {_SHORTEST_WINDOW_S:g} to {_LONGEST_WINDOW_S:g} seconds; 0 takes the encoder's own.")
    return seconds


DeviceOption = Annotated[str, typer.Option(callback=_device, help="auto, cpu, cuda, or one device such as cuda:1.")]
WindowOption = Annotated[float, typer.Option(callback=_window, help="Window length in seconds; 0 takes the encoder's own.")]
WeightsOption = Annotated[str, typer.Option("--weights", help="A folder with one sub-folder of weights per encoder.")]


def require_encoder(encoder: str, option: str = "--encoder") -> None:
    """Raise a usage error unless this is empty or an encoder's id."""
    from musicclass_gui.engine import encoders

    if encoder and encoders.find_spec(encoder) is None:
        raise typer.BadParameter(f"There is no encoder “{encoder}”; known are {', '.join(encoders.specs())}.", param_hint=option)


def shelf(weights: str) -> Shelf:
    """The shipped classifiers, as seen with this folder of weights and the usual ones."""
    from musicclass_gui.engine.places import weights_folders
    from musicclass_gui.engine.shelf import Shelf

    return Shelf(weights_folders(weights))


def table(*columns: str) -> Table:
    """A plain table with these columns."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def console() -> Console:
    """A terminal's own width, and lines long enough to be cut by other programs where there is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def complain(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr)


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """What users can understand becomes one line on standard error and exit status 1."""
    try:
        yield
    except Cancelled:
        raise typer.Exit(1) from None
    except MusicClassError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    except OSError as error:
        complain(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
        raise typer.Exit(1) from None


@contextmanager
def bar(text: str) -> Iterator[Token]:
    """A token whose progress is a bar on standard error, where that is a terminal."""
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(escape(text), total=1.0)

        def listen(fraction: float, doing: str) -> None:
            completed, total = (fraction, 1.0) if math.isfinite(fraction) else (None, None)
            progress.update(task, completed=completed, total=total, description=escape(f"{text} {doing}"))

        yield Token(listen)


@contextmanager
def stopping(token: Token, kept: Path | str) -> Iterator[None]:
    """Let Ctrl+C end work that can be gone on with in good order, and once more at once; it is said that what is through is in `kept`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except Cancelled:
        complain(f"Stopped. What is through is kept in “{kept}”; the same command goes on from there.")
        raise
    finally:
        signal.signal(signal.SIGINT, before)
