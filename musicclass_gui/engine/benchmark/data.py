"""What a benchmark is run on: items with their labels, where they come from, and what must not be on both sides of a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.task import Token

TRAIN, VALID, TEST = "train", "valid", "test"


@dataclass(frozen=True)
class Item:
    """One thing to be labelled. `key` names it in every result: its path below the data folder, or a row's name.

    `path` is its audio, "" where only features are published; `start_s` and `end_s` (−1: its end) cut a segment out of it. `labels` is one
    class, or several tags; `target` a number to predict. `split` is the data set's own, `groups` what its parts are by: "artist", "piece",
    "singer", "fold".
    """

    key: str
    path: str = ""
    labels: tuple[str, ...] = ()
    target: float | None = None
    split: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    start_s: float = 0.0
    end_s: float = -1.0


@dataclass(frozen=True)
class Count:
    """How many there are of something, and how many its publisher names (0: unknown)."""

    what: str
    found: int
    published: int = 0


@dataclass(frozen=True)
class Found:
    """A data set as it lies on this disk. `kind` is "classes", "tags" or "regression"; `classes` are in the data set's order.

    `problems` are sentences: files that are missing by name, files that cannot be decoded, counts that differ. They give some names;
    `missing` and `undecodable` are all of them, the latter each with its reason.
    """

    dataset: str
    title: str
    folder: str
    kind: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    problems: tuple[str, ...] = ()
    counts: tuple[Count, ...] = ()
    missing: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()


class Reader(Protocol):
    """A module that reads one data set as its publisher lays it out (or one of the layouts in which it is found)."""

    ID: str
    TITLE: str
    KIND: str
    WHERE: str
    """Where to get the data, and under which terms, as a sentence."""
    LAYOUT: str
    """What the folder has to look like, as a sentence."""

    def read(self, folder: Path, token: Token, *, decode: bool = True) -> Found:
        """Look through a folder; with `decode` headers and first blocks are read. Raises DataError when it is not this data set."""
        ...
