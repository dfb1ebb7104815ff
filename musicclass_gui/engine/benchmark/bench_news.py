"""What a run tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from musicclass_gui.engine.benchmark.protocol import About, Cell, Result  # noqa: TC001 (read from JSON)
from musicclass_gui.engine.plain import from_plain, to_plain


@dataclass(frozen=True)
class Began:
    """A run begins, or goes on: all its cells, in the order in which a user wants to see them, and what was found of its data."""

    run: int
    cells: tuple[Cell, ...]
    about: About | None = None


@dataclass(frozen=True)
class Staged:
    """What is going on now, in words."""

    text: str


@dataclass(frozen=True)
class Finished:
    """A cell is through, now or before, and kept; `done` of `total` are."""

    run: int
    cell: Cell
    result: Result
    done: int
    total: int


@dataclass(frozen=True)
class Failed:
    """A cell could not be computed, and why; the others go on, and it is tried again when the run is resumed."""

    run: int
    cell: Cell
    reason: str


@dataclass(frozen=True)
class Ended:
    """Nothing is left to do; cells that failed are still missing."""

    run: int


News = Began | Staged | Finished | Failed | Ended


def to_json(news: News) -> dict[str, Any]:
    """The news as plain values with their kind."""
    return {"kind": type(news).__name__, **to_plain(news)}


def from_json(message: dict[str, Any]) -> News:
    """The news that `to_json` made a message of."""
    kinds: dict[str, type[News]] = {kind.__name__: kind for kind in (Began, Staged, Finished, Failed, Ended)}
    return from_plain(kinds[message["kind"]], {key: value for key, value in message.items() if key != "kind"})
