"""Reads the Free Music Archive's sets for tagging with genres: every genre of a track, and those above it in the tree of genres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.readers import _fma
from musicclass_gui.engine.benchmark.readers._looking import About, Look, split_counts, table, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND, WHERE = "fma_genres", "FMA (all genres, as tags)", "tags", _fma.WHERE
LAYOUT = f"{_fma.LAYOUT[:-1]} and genres.csv."

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The tracks that have genres, of the smallest set that is there; artist and album are groups. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    given = _fma.archive(look, genres=("track", "genres_all"))
    names = {row["genre_id"]: row["title"] for row in table(_fma.table(look, "genres.csv"), _ABOUT, ("genre_id", "title"))}

    def genres(about: dict[str, str]) -> list[str]:
        return sorted({names[number] for number in _fma.listed(about["genres"]) if number in names})

    without = _fma.take(look, given, genres)
    counts = [
        tally(look.items, f"tracks of {given.name}", _fma.PUBLISHED[given.name]),
        *split_counts(look.items, (0, 0, 0)),
        Count("tracks without a genre", without),
    ]
    return look.found(sorted({label for item in look.items for label in item.labels}), counts, decode=decode)
