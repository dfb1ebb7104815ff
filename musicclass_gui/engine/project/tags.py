"""What a file's tags say: title, artist, album. Whatever is wrong with them, a recording without tags is as good as any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 500
_NAMES = (  # mutagen's easy names, then those of ID3 in WAV and AIFF and those of WMA, for which it has none
    ("title", "TIT2", "Title"),
    ("artist", "TPE1", "Author"),
    ("album", "TALB", "WM/AlbumTitle"),
)


@dataclass(frozen=True)
class Tags:
    """What tags say, cleaned to one line each; empty where they say nothing."""

    title: str = ""
    artist: str = ""
    album: str = ""


def read_tags(path: Path) -> Tags:
    """The tags of a file; empty ones where there are none or they cannot be read. Never raises."""
    try:
        return _read(path) if path.is_file() else Tags()
    except Exception:  # mutagen raises errors of many kinds for damaged files
        return Tags()


def _read(path: Path) -> Tags:
    import mutagen

    found: Any = mutagen.File(path, easy=True)
    if found is None or not found.tags:
        return Tags()
    return Tags(*(_first(found.tags, names) for names in _NAMES))


def _first(tags: Any, names: tuple[str, ...]) -> str:
    texts = (clean(str(value)) for name in names for value in tags.get(name) or ())
    return next((text for text in texts if text), "")


def clean(text: str) -> str:
    """`text` as one line: what cannot be printed becomes space, at most 500 characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _LONGEST])
    return " ".join(shown.split())[:_LONGEST]


def group_of(tags: Tags, subfolder: str = "") -> str:
    """What keeps recordings on one side of a held-out test: the artist, else the album, else the sub-folder, else nothing.

    Recordings of one artist share a group whatever their album, as artist filters do; case does not count.
    """
    return tags.artist.casefold() or tags.album.casefold() or subfolder
