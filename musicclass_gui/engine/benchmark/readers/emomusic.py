"""Reads emoMusic (1000 songs, of which 744 are left without repetitions): how aroused or how positive a song sounds, as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, number, table, tally
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "emomusic", "emoMusic", "regression"
WHERE = "Get it from cvml.unige.ch/databases/emoMusic (on request, research use only)."
LAYOUT = "A folder “clips_45seconds” with 2.mp3 and so on, and annotations/static_annotations.csv."
TARGETS = ("arousal", "valence")

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PUBLISHED = 744
_LARGEST = 9  # of the scale that people answered on; Choi et al. 2017 divide by it
_TABLES = ("annotations/static_annotations.csv", "static_annotations.csv")


def read(folder: Path, token: Token, *, decode: bool = True, target: str = "arousal") -> Found:
    """All clips in the table's order, with the mean of the answers from 1 to 9 divided by 9 (Choi et al. 2017) as the target.

    `target` is "arousal" or "valence". Artist is a group where songs_info.csv is there. Raises DataError.
    """
    if target not in TARGETS:
        raise DataError(f"emoMusic has no numbers for “{target}”; choose {' or '.join(TARGETS)}.")
    look = Look(_ABOUT, folder, token)
    files, about = look.files("clips_45seconds"), _songs(look.folder)
    column = f"mean_{target}"
    for row in look.table(*_TABLES, columns=("song_id", column)):
        if path := look.at(files, f"{row['song_id']}.mp3"):
            song = about.get(row["song_id"], {})
            value = number(row[column], _ABOUT, look.folder, target) / _LARGEST
            look.add(path, target=value, split=SPLITS.get(song.get("set", ""), ""), groups={"artist": song.get("artist", "")})
    return look.found((), [tally(look.items, "clips", _PUBLISHED)], decode=decode)


def _songs(folder: Path) -> dict[str, dict[str, str]]:
    """Artist and part of each song by its number; nothing where the table is not there."""
    for path in (folder / "annotations" / "songs_info.csv", folder / "songs_info.csv"):
        if path.is_file():
            lines = table(path, _ABOUT, ("song_id",))
            return {line["song_id"]: {"artist": line.get("Artist", ""), "set": line.get("Mediaeval 2013 set", "")} for line in lines}
    return {}
