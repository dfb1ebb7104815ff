"""Reads the Jamendo corpus for singing voice detection (Ramona et al. 2008): each stretch of a label file is an item of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Count, Found, Item
from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, number, plain, split_counts, tally, text, without_ending

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "jamendo_voice", "Jamendo singing voice", "classes"
WHERE = "Get it from zenodo.org/records/2585988 (songs under Creative Commons licences)."
LAYOUT = (
    "A folder “labels” with one .lab file for each song, the songs in “audio”, in folders train, valid, test or told apart by “filelists”."
)
CLASSES = ("nosing", "sing")

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_SONGS, _PUBLISHED = 93, (2592, 821, 673)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All stretches, song by song. A key is the song's path, “#” and the stretch's number from 0; the song is the group "piece".

    Raises DataError.
    """
    look = Look(_ABOUT, folder, token)
    songs = {plain(path.stem): path for path in look.files("audio").paths}
    splits = _file_lists(look.folder)
    labels = sorted(look.folder.glob("**/*.lab"))
    look.refuse_unless(labels, "it has no .lab files")
    for lab in labels:
        song = songs.get(plain(lab.stem))
        if song is None:
            look.missing.append(lab.stem)
        else:
            _take(look, lab, song, splits.get(plain(lab.stem)) or SPLITS.get(song.parent.name, ""))
    count = Count("songs", len({item.path for item in look.items}), _SONGS)
    return look.found(
        CLASSES, [count, tally(look.items, "stretches", sum(_PUBLISHED)), *split_counts(look.items, _PUBLISHED)], decode=decode
    )


def _file_lists(folder: Path) -> dict[str, str]:
    """The part of each song that the lists name, by its name without ending."""
    lists = {path: SPLITS[path.stem] for path in folder.glob("filelists/*") if path.stem in SPLITS and path.is_file()}
    return {
        plain(without_ending(line.strip()).split("/")[-1]): part for path, part in lists.items() for line in text(path, _ABOUT).splitlines()
    }


def _take(look: Look, lab: Path, song: Path, split: str) -> None:
    for index, line in enumerate(text(lab, _ABOUT).splitlines()):
        start, end, label = (*line.split(), "", "", "")[:3]
        look.refuse_unless(label in CLASSES, f"line {index + 1} of “{lab.name}” is not a start, an end and “sing” or “nosing”")
        times = [number(time, _ABOUT, look.folder, "time") for time in (start, end)]
        look.items.append(Item(f"{look.key(song)}#{index}", str(song), (label,), None, split, {"piece": lab.stem}, *times))
