"""Reads MagnaTagATune with its fifty commonest tags and the usual split by folder (0–b, c, d–f; Dieleman and Schrauwen 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Count, Found
from musicclass_gui.engine.benchmark.readers._looking import About, Look, split_counts, table, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "magnatagatune", "MagnaTagATune", "tags"
WHERE = "Get it from mirg.city.ac.uk/codeapps/the-magnatagatune-dataset (CC BY-NC-SA)."
LAYOUT = "The tables annotations_final.csv and clip_info_final.csv, and the clips in folders 0 to f, there or in a folder “mp3”."
CLASSES = (
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano"),
    *("ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing"),
    *("vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop"),
    *("soft", "sitar", "solo", "man", "classic", "choir", "voice", "new age", "dance", "male voice"),
    *("female vocal", "beats", "harp", "cello", "no voice", "weird", "country", "metal", "female voice", "choral"),
)
"""The fifty commonest tags, the commonest first."""

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_CLIPS = 25863
_FOLDERS = dict.fromkeys("0123456789ab", TRAIN) | {"c": VALID} | dict.fromkeys("def", TEST)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All clips with those of the fifty tags that they have, some with none; artist, album and piece are groups. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files("mp3")
    groups = _groups(look.folder)
    for row in look.table("annotations_final.csv", columns=("clip_id", "mp3_path"), delimiter="\t"):
        if path := look.at(files, row["mp3_path"]):
            tags = tuple(tag for tag in CLASSES if row.get(tag) == "1")
            look.add(path, tags, split=_FOLDERS.get(row["mp3_path"][0], ""), groups=groups.get(row["clip_id"], {}))
    look.refuse_unless(any(item.labels for item in look.items) or not look.items, "its clips have none of the fifty tags")
    untagged = Count("clips without any of the fifty tags", sum(not item.labels for item in look.items))
    return look.found(CLASSES, [tally(look.items, "clips", _CLIPS), *split_counts(look.items, (0, 0, 0)), untagged], decode=decode)


def _groups(folder: Path) -> dict[str, dict[str, str]]:
    """Artist, album and piece by the clip's number; nothing where the table is not there."""
    path = folder / "clip_info_final.csv"
    if not path.is_file():
        return {}
    lines = table(path, _ABOUT, ("clip_id", "artist", "album", "title"), "\t")
    return {line["clip_id"]: _named(line["artist"], line["album"], line["title"]) for line in lines}


def _named(artist: str, album: str, title: str) -> dict[str, str]:
    return {"artist": artist, "album": f"{artist}: {album}" if album else "", "piece": f"{artist}: {album}: {title}" if title else ""}
