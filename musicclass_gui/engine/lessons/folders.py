"""Which audio files lie below a folder, found quickly: names are looked at, contents are not.

It knows nothing of classes. A folder of ten thousand files, links that lead in circles and folders that nobody may read are
everyday here, and looking stops when its time is up.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import AUDIO_SUFFIXES, naming_errors_of, natural, shown_name
from musicclass_gui.engine.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from musicclass_gui.engine.task import Token

_DEEPEST = 64  # a chain of folders longer than this leads in a circle that cannot be seen


class Watch:
    """Says how long to go on: for `budget_s` seconds (None: to the end), and until the token says stop."""

    def __init__(self, budget_s: float | None, token: Token | None = None) -> None:
        self._until = None if budget_s is None else time.monotonic() + budget_s
        self._token = token

    def goes_on(self) -> bool:
        """Whether there is time left. Raises Cancelled when the token says so."""
        if self._token is not None:
            self._token.check()
        return self._until is None or time.monotonic() < self._until


@dataclass
class Below:
    """What lies below a folder. `audio`: (the folders that lead there, path), in natural order, a folder's own files first."""

    audio: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    others: int = 0
    problems: list[str] = field(default_factory=list)
    complete: bool = True


@dataclass
class _Inside:
    """A folder's entries."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: int = 0
    complete: bool = True


def below(folder: Path, watch: Watch) -> Below:
    """Audio (by name) in `folder` and its sub-folders, without what is hidden. Raises Cancelled, and nothing for bad folders."""
    found, seen = Below(), {os.path.realpath(folder)}
    waiting: list[tuple[str, tuple[str, ...]]] = [(str(folder), ())]
    while waiting:
        path, parts = waiting.pop()
        inside = _list(path, watch, found.problems)
        found.audio += [(parts, os.path.join(path, name)) for name in _sorted(inside.files)]
        found.others += inside.others
        names = [*inside.folders, *_new_links(path, inside.links, seen, found.problems)]
        if names and len(parts) >= _DEEPEST:
            found.problems.append(f"“{shown_name(path)}” lies {_DEEPEST} folders deep, so what is below it was left out.")
            names = []
        waiting += [(os.path.join(path, name), (*parts, name)) for name in reversed(_sorted(names))]
        if not inside.complete or (waiting and not watch.goes_on()):
            found.complete = False
            break
    return found


def is_audio_name(name: str) -> bool:
    """Whether a file is audio, by the end of its name."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=natural)


def _list(path: str, watch: Watch, problems: list[str]) -> _Inside:
    inside = _Inside()
    try:
        with naming_errors_of(path), os.scandir(path) as entries:
            for entry in entries:
                _sort_in(entry, inside)
                if not watch.goes_on():
                    inside.complete = False
                    break
    except AudioError as error:
        problems.append(str(error))
    return inside


def _sort_in(entry: os.DirEntry[str], inside: _Inside) -> None:
    if entry.name.startswith("."):
        return
    if _is_folder(entry):
        (inside.links if entry.is_symlink() else inside.folders).append(entry.name)
    elif is_audio_name(entry.name) and not _is_special(entry):
        inside.files.append(entry.name)
    else:
        inside.others += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself, of which reading says what is wrong
        return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether it is a pipe or a device. What is not there any more is not: reading says so."""
    try:
        return not entry.is_file() and os.path.exists(entry.path)
    except OSError:
        return False


def _new_links(parent: str, names: list[str], seen: set[str], problems: list[str]) -> list[str]:
    """The links to folders that lead somewhere new; `seen` grows by where they lead."""
    new = []
    for name in _sorted(names):
        target = os.path.realpath(os.path.join(parent, name))
        if any(_overlap(target, known) for known in seen):
            problems.append(f"“{shown_name(name)}” is a link to a folder that is looked through anyway, so it was left out.")
        else:
            seen.add(target)
            new.append(name)
    return new


def _overlap(one: str, other: str) -> bool:
    return os.path.commonpath([one, other]) in (one, other) if _same_drive(one, other) else False


def _same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0] == os.path.splitdrive(other)[0]
