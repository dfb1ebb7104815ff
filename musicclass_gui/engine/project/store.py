"""A project: one SQLite file that holds a user's work. Made, opened, copied and closed here; one process writes it at a time.

What is in it is read and written by `recordings`, `classifiers` and `journal`. It knows nothing of how lessons work.
"""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import shown_name
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project import checking, opening, schema
from musicclass_gui.engine.project.classifiers import Classifiers
from musicclass_gui.engine.project.journal import Journal
from musicclass_gui.engine.project.lock import Held, Lock
from musicclass_gui.engine.project.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import TracebackType

SUFFIX = ".musicclass"
_KEY_LENGTH = 40


class Project(Recordings, Classifiers, Journal):
    """One open project file; used from the thread that opened it, and closed at the end of a `with` block."""

    def __init__(self, db: sqlite3.Connection, path: Path, read_only: str, lock: Lock | None) -> None:
        super().__init__(db, path, read_only)
        self._lock = lock

    @classmethod
    def create(cls, path: Path, title: str = "") -> Project:
        """Make a new project and open it. Raises ProjectError: there is a file already, no space, no permission."""
        path = absolute(path)
        with opening.explained(path, "made"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _held(path), opening.whole(path) as part:
                if path.exists():
                    raise ProjectError(f"“{shown_name(path)}” is there already; open it, or choose another name.")
                _set_aside(path)
                opening.build(part, title, schema.VERSION)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, write: bool = True) -> Project:
        """Open a project; one of an older version is brought up to date, after a copy of it was made.

        Where it cannot be written, or is being written by someone else, `read_only` says so. Raises ProjectError: missing, no
        project, damaged, from a newer program.
        """
        path = absolute(path)
        _check_file(path)
        lock, read_only = _try_to_lock(path) if write else (None, f"“{shown_name(path)}” was opened only to be read.")
        try:
            with opening.explained(path, "opened"):
                db = _prepared(path, write=not read_only)
        except BaseException:
            if lock:
                lock.release()
            raise
        return cls(db, path, read_only, lock)

    @property
    def title(self) -> str:
        """What the project is called: its file's name where it was given no title."""
        row = self._row("SELECT value FROM about WHERE key='title'")
        return (row and row[0]) or self.path.stem

    def save_as(self, path: Path) -> None:
        """Copy the whole project to `path`, over what is there; this project stays open. Raises ProjectError."""
        path = absolute(path)
        if path == self.path or (path.exists() and path.samefile(self.path)):
            raise ProjectError(f"“{shown_name(path)}” is this project itself, which is saved all the time; choose another name.")
        with opening.explained(path, "written"), _held(path), opening.whole(path) as part:
            if path.is_dir():
                raise ProjectError(f"“{shown_name(path)}” is a folder; choose a name for the project in it.")
            opening.copy(self._db, part)
            opening.settle(path)
            _set_aside(path)

    def close(self) -> None:
        """Close the file; nothing is left beside it when nobody else has it open."""
        if self._lock:
            with suppress(sqlite3.Error):  # someone still reads it: then the last reader tidies up
                self._db.execute("PRAGMA busy_timeout=200")
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        if self._lock:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Project:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def slug(title: str, taken: Collection[str]) -> str:
    """A key for something of this title: small letters, digits and "-", none of `taken`."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    letters = "".join(letter if letter.isalnum() else "-" for letter in plain if not unicodedata.combining(letter))
    key = "-".join(part for part in letters.split("-") if part)[:_KEY_LENGTH].strip("-") or "classifier"
    numbered = (f"{key}-{number}" for number in range(2, len(taken) + 3))
    return key if key not in taken else next(one for one in numbered if one not in taken)


def absolute(path: Path) -> Path:
    """The path that a project has once it is open. Raises ProjectError for one that no file can have."""
    try:
        return Path(os.path.realpath(path))  # a lock beside a link would not be the one beside the file
    except ValueError as error:
        raise ProjectError(f"“{shown_name(path)}” holds characters that no file name can have; choose another name.") from error


def _check_file(path: Path) -> None:
    """Raise ProjectError for what is no file at all."""
    with opening.explained(path, "opened"):
        if not path.exists():
            raise ProjectError(f"“{shown_name(path)}” is not there; it may have been moved or renamed, or its drive is not connected.")
        if not path.is_file():
            raise ProjectError(f"“{shown_name(path)}” is not a file; choose a project, whose name ends in “{SUFFIX}”.")
        if path.stat().st_size == 0:
            raise ProjectError(f"“{shown_name(path)}” is empty, so it is not a MusicClass project; go back to a copy of it.")


def _prepared(path: Path, *, write: bool) -> sqlite3.Connection:
    db = opening.connect(path, write=write)
    try:
        version = opening.check_version(db, path, schema.VERSION)
        if write:
            opening.migrate(db, path, schema.MIGRATIONS)
            opening.check_whole(db, path)
            checking.require_rows(db, path, again=True)
            db.execute("PRAGMA journal_mode=WAL")
        elif version < schema.READABLE:
            raise ProjectError(
                f"“{shown_name(path)}” is from an older MusicClass and must be brought up to date first; open it where it can be written."
            )
        else:
            checking.require_rows(db, path, again=False)
    except BaseException:
        db.close()
        raise
    return db


def _try_to_lock(path: Path) -> tuple[Lock | None, str]:
    """The lock of the one who may write, or a sentence about why there is none."""
    try:
        if not opening.may_write(path):
            raise PermissionError(0, "the file is write-protected")
        return Lock(path), ""
    except Held:
        return None, f"“{shown_name(path)}” is already open in another window, so nothing can be changed here; close it there first."
    except OSError as error:
        return None, f"“{shown_name(path)}” cannot be changed here ({error.strerror}); save a copy of it in a folder of your own."


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Nobody else writes the project at `path` meanwhile. Raises ProjectError, OSError."""
    try:
        lock = Lock(path)
    except Held:
        raise ProjectError(f"“{shown_name(path)}” is open in another window; close it there first, or choose another name.") from None
    try:
        yield
    finally:
        lock.release()


def _set_aside(path: Path) -> None:
    """What SQLite left beside a project that is gone must not be taken for part of the new one."""
    for ending in ("-wal", "-shm", "-journal"):
        leftover = Path(f"{path}{ending}")
        if leftover.exists():
            leftover.replace(f"{leftover}.old")
