"""Reads the extended ballroom data set: thirteen dances, very unequal in number. It has no split of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from musicclass_gui.engine.benchmark.readers._looking import About, Look, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "ballroom", "Extended ballroom", "classes"
WHERE = "Get it from anasynth.ircam.fr/home/media/ExtendedBallroom (research use)."
LAYOUT = (
    "One folder for each dance, Chacha to Wcswing, with its recordings; extendedballroom_v1.1.xml is read for artists where it is there."
)
CLASSES = (
    *("Chacha", "Foxtrot", "Jive", "Pasodoble", "Rumba", "Salsa", "Samba", "Slowwaltz"),
    *("Tango", "Viennesewaltz", "Waltz", "Wcswing", "Quickstep"),
)
"""In the order of the labels of Choi et al. 2017."""

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PUBLISHED = 4180
_XML = "extendedballroom_v1.1.xml"


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All recordings, dance by dance; artist and piece are groups where the XML file says them. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files("ballroom_extended_2016", "extended_ballroom")
    groups = _groups(look, files.folder)
    by_dance = {dance: list(files.below(dance)) for dance in CLASSES}
    lacking = [dance for dance, paths in by_dance.items() if not paths]
    look.refuse_unless(len(lacking) < len(CLASSES) // 2, f"it has no recordings in folders {', '.join(lacking)}")
    look.problems += [f"There is no recording of {', '.join(lacking)}."] if lacking else []
    for dance, paths in by_dance.items():
        for path in paths:
            look.add(path, (dance,), groups=groups.get(path.stem, {}))
    return look.found(CLASSES, [tally(look.items, "recordings", _PUBLISHED)], decode=decode)


def _groups(look: Look, folder: Path) -> dict[str, dict[str, str]]:
    """Artist and piece by the recording's number."""
    path = next((place / _XML for place in (look.folder, folder) if (place / _XML).is_file()), None)
    if path is None:
        return {}
    try:
        songs = [song.attrib for song in ElementTree.parse(path).iter() if "id" in song.attrib]
    except (ElementTree.ParseError, OSError) as error:
        look.problems.append(f"“{_XML}” cannot be read, so that artists are unknown ({error}).")
        return {}
    return {
        song["id"]: {"artist": song.get("artist", ""), "piece": _piece(song.get("artist", ""), song.get("title", ""))} for song in songs
    }


def _piece(artist: str, title: str) -> str:
    return f"{artist}: {title}" if title else ""
