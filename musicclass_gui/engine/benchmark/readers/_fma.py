"""The Free Music Archive's sets (small, medium, large, full) by their tables, for its readers. It knows no reader's labels."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers._looking import SPLITS, Look, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from musicclass_gui.engine.benchmark.readers._looking import Files

WHERE = "Get it from github.com/mdeff/fma: fma_metadata.zip and fma_small.zip or a larger one (tracks under Creative Commons licences)."
LAYOUT = "A folder fma_small (or fma_medium, fma_large, fma_full) with 000/000002.mp3 and so on, and beside it fma_metadata/tracks.csv."
PUBLISHED = {"fma_small": 8000, "fma_medium": 25_000, "fma_large": 106_574, "fma_full": 106_574}
"""Tracks of each set (Defferrard et al. 2017)."""

_SUBSETS = {"fma_small": ("small",), "fma_medium": ("small", "medium"), "fma_large": ("small", "medium", "large"), "fma_full": ()}
_COLUMNS = {"split": ("set", "split"), "subset": ("set", "subset"), "artist": ("artist", "id"), "album": ("album", "title")}


@dataclass(frozen=True)
class Archive:
    """One set as it lies on the disk: its name, its recordings, and what the table says of each of its tracks."""

    name: str
    files: Files
    tracks: tuple[dict[str, str], ...]


def archive(look: Look, **columns: tuple[str, str]) -> Archive:
    """The smallest set that is there; `columns` are those wanted beside the usual. Raises DataError for other data."""
    name = next((name for name in _SUBSETS if (look.folder / name).is_dir()), look.folder.name)
    look.refuse_unless(name in _SUBSETS, "it has no folder fma_small, fma_medium, fma_large or fma_full")
    files = look.files(name)
    there = _SUBSETS[name]
    return Archive(name, files, tuple(about for about in _tracks(look, _COLUMNS | columns) if not there or about["subset"] in there))


def take(look: Look, given: Archive, labels_of: Callable[[dict[str, str]], Sequence[str]]) -> int:
    """Add the tracks that have labels; returns how many have none. Artist and album are groups."""
    without = 0
    for about in given.tracks:
        labels = tuple(labels_of(about))
        without += not labels
        number = f"{int(about['id']):06}"
        if labels and (path := look.at(given.files, f"{number[:3]}/{number}.mp3")):
            album = f"{about['artist']}: {about['album']}" if about["album"] else ""
            look.add(path, labels, split=SPLITS.get(about["split"], ""), groups={"artist": about["artist"], "album": album})
    return without


def listed(text: str) -> list[str]:
    """A list as the table holds it, such as "[21, 12]" or "['calm', 'night']"; nothing where it is none."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return []
    return [str(one).strip() for one in found] if isinstance(found, list) else []


def table(look: Look, name: str) -> Path:
    """A table of fma_metadata, below the folder or beside it. Raises DataError where it is not there."""
    places = (f"fma_metadata/{name}", name, f"../fma_metadata/{name}")
    found = next((look.folder / place for place in places if (look.folder / place).is_file()), None)
    if found is None:
        raise look.about.refusal(look.folder, f"it has no file “{places[0]}”")
    return found


def _tracks(look: Look, columns: dict[str, tuple[str, str]]) -> Iterator[dict[str, str]]:
    """What the table says of each track; its columns have names of two parts, in two lines."""
    path = table(look, "tracks.csv")
    lines = rows(path, look.about)
    header = list(zip(next(lines, []), next(lines, []), strict=False))
    look.refuse_unless(set(columns.values()) <= set(header), f"“{path.name}” is not the FMA's table of tracks")
    places = {name: header.index(column) for name, column in columns.items()}
    for line in lines:
        if len(line) == len(header) and line[0].isdecimal():
            yield {"id": line[0]} | {name: line[place].strip() for name, place in places.items()}
