"""Reads GTZAN's speech and music collection: 64 recordings of each. It has no split of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers._looking import About, Look, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "speechmusic", "GTZAN speech and music", "classes"
WHERE = "Get it from marsyas.info/downloads/datasets.html (research use only)."
LAYOUT = "Folders music_wav and speech_wav, in a folder “music_speech” or not."
CLASSES = ("music", "speech")

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PUBLISHED = 128


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All recordings, music first. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files("music_speech")
    names = {label: _folder(files.folder, label) for label in CLASSES}
    look.refuse_unless(all(names.values()), "it has no folders music_wav and speech_wav")
    for label, name in names.items():
        for path in files.below(name):
            look.add(path, (label,))
    return look.found(CLASSES, [tally(look.items, "recordings", _PUBLISHED)], decode=decode)


def _folder(folder: Path, label: str) -> str:
    return next((name for name in (f"{label}_wav", label) if (folder / name).is_dir()), "")
