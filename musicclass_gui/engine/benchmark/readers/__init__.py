"""Readers of public data sets: one module for each, by its id."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.data import Reader

IDS = (
    "gtzan",
    "vocalset_singer",
    "vocalset_technique",
    "nsynth",
    "maestro",
    "fma",
    "fma_genres",
    "fma_tags",
    "magnatagatune",
    "msd",
    "ballroom",
    "emomusic",
    "jamendo_voice",
    "urbansound8k",
    "speechmusic",
    "folders",
    "table",
)


def reader(dataset: str) -> Reader:
    """A reader by its id. Raises DataError when there is none of that name."""
    if dataset not in IDS:
        raise DataError(f"There is no reader for “{dataset}”; known are {', '.join(IDS)}.")
    return cast("Reader", import_module(f"musicclass_gui.engine.benchmark.readers.{dataset}"))
