"""Reads the Free Music Archive's sets (small, medium, large, full) by the table of tracks, for telling genres apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Count, Found
from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, rows, split_counts, tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "fma", "FMA (genre)", "classes"
WHERE = "Get it from github.com/mdeff/fma: fma_metadata.zip and fma_small.zip or a larger one (tracks under Creative Commons licences)."
LAYOUT = "A folder fma_small (or fma_medium, fma_large, fma_full) with 000/000002.mp3 and so on, and beside it fma_metadata/tracks.csv."

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_SUBSETS = {"fma_small": ("small",), "fma_medium": ("small", "medium"), "fma_large": ("small", "medium", "large"), "fma_full": ()}
_PUBLISHED = {"fma_small": (6400, 800, 800), "fma_medium": (19922, 2505, 2573)}
_TABLES = ("fma_metadata/tracks.csv", "tracks.csv", "../fma_metadata/tracks.csv")
_WANTED = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "genre": ("track", "genre_top"),
    "artist": ("artist", "id"),
    "album": ("album", "title"),
}


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The tracks that have one top genre, of the smallest set that is there; artist and album are groups. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    name = _set_name(look)
    files = look.files(name)
    without = 0
    for track, about in _tracks(look):
        if _SUBSETS[name] and about["subset"] not in _SUBSETS[name]:
            continue
        without += not about["genre"]
        if about["genre"] and (path := look.at(files, f"{track[:3]}/{track}.mp3")):
            album = f"{about['artist']}: {about['album']}" if about["album"] else ""
            look.add(path, (about["genre"],), split=SPLITS.get(about["split"], ""), groups={"artist": about["artist"], "album": album})
    published = _PUBLISHED.get(name, (0, 0, 0))
    counts = [
        tally(look.items, f"tracks of {name}", sum(published)),
        *split_counts(look.items, published),
        Count("tracks without one top genre", without),
    ]
    return look.found(sorted({item.labels[0] for item in look.items}), counts, decode=decode)


def _set_name(look: Look) -> str:
    """The set in the folder, or the folder itself."""
    name = next((name for name in _SUBSETS if (look.folder / name).is_dir()), look.folder.name)
    look.refuse_unless(name in _SUBSETS, "it has no folder fma_small, fma_medium, fma_large or fma_full")
    return name


def _tracks(look: Look) -> Iterator[tuple[str, dict[str, str]]]:
    """Each track's number with six digits, and what the table says of it; its columns have names of two parts, in two lines."""
    path = next((look.folder / name for name in _TABLES if (look.folder / name).is_file()), None)
    if path is None:
        raise _ABOUT.refusal(look.folder, f"it has no file “{_TABLES[0]}”")
    lines = rows(path, _ABOUT)
    header = list(zip(next(lines, []), next(lines, []), strict=False))
    look.refuse_unless(set(_WANTED.values()) <= set(header), f"“{path.name}” is not the FMA's table of tracks")
    places = {name: header.index(column) for name, column in _WANTED.items()}
    for line in lines:
        if len(line) == len(header) and line[0].isdecimal():
            yield f"{int(line[0]):06}", {name: line[place].strip() for name, place in places.items()}
