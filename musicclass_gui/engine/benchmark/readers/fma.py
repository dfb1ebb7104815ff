"""Reads the Free Music Archive's sets by the table of tracks, for telling apart the one top genre that a track has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.readers import _fma
from musicclass_gui.engine.benchmark.readers._looking import About, Look, split_counts, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND, WHERE, LAYOUT = "fma", "FMA (genre)", "classes", _fma.WHERE, _fma.LAYOUT

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PUBLISHED = {"fma_small": (6400, 800, 800), "fma_medium": (19922, 2505, 2573)}


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The tracks that have one top genre, of the smallest set that is there; artist and album are groups. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    given = _fma.archive(look, genre=("track", "genre_top"))
    without = _fma.take(look, given, lambda about: [about["genre"]] if about["genre"] else [])
    published = _PUBLISHED.get(given.name, (0, 0, 0))
    counts = [
        tally(look.items, f"tracks of {given.name}", sum(published)),
        *split_counts(look.items, published),
        Count("tracks without one top genre", without),
    ]
    return look.found(sorted({item.labels[0] for item in look.items}), counts, decode=decode)
