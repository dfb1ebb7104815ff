"""Reads the Free Music Archive's sets for tagging with the words that artists gave their tracks, the fifty commonest of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TRAIN, Count
from musicclass_gui.engine.benchmark.readers import _fma
from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, split_counts, tally

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND, WHERE, LAYOUT = "fma_tags", "FMA (artists' tags)", "tags", _fma.WHERE, _fma.LAYOUT
MOST = 50

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The tracks that have one of the fifty tags that are commonest in training; of most, artists said nothing. Raises DataError.

    Tags that differ in the case of letters alone are one. Artist and album are groups.
    """
    look = Look(_ABOUT, folder, token)
    given = _fma.archive(look, tags=("track", "tags"))
    common = _commonest(about for about in given.tracks if SPLITS.get(about["split"]) == TRAIN)
    without = _fma.take(look, given, lambda about: [tag for tag in common if tag in _tags(about)])
    counts = [
        tally(look.items, f"tracks of {given.name} with a tag"),
        *split_counts(look.items, (0, 0, 0)),
        Count("tracks without any of the fifty tags", without),
    ]
    return look.found(common, counts, decode=decode)


def _tags(about: dict[str, str]) -> set[str]:
    return {tag.casefold() for tag in _fma.listed(about["tags"])} - {""}


def _commonest(tracks: Iterable[dict[str, str]]) -> tuple[str, ...]:
    """The commonest first; of equally common ones the first in the alphabet."""
    counts = Counter(tag for about in tracks for tag in _tags(about))
    return tuple(sorted(counts, key=lambda tag: (-counts[tag], tag))[:MOST])
