"""Getting at a project file: connections, what is checked before a file is believed to be a project, migrations, whole copies.

What SQLite says is turned into sentences here. It knows no table by name but those of the schema it is given.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from musicclass_gui.engine.audio_paths import shown_name
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION_ID = int.from_bytes(b"MuCl", "big")
"""Kept in the file's header: what tells a project from any other SQLite file."""

_WAIT_S = 5.0  # for another process that is just writing or recovering
_CHECKED_BYTES = 64 << 20  # files up to this size are read through before anything is written to them
_TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", SCHEMA))
_REASONS = {
    sqlite3.SQLITE_FULL: "the drive is full; free some space and try again",
    sqlite3.SQLITE_BUSY: "another program is using it; close that and try again",
    sqlite3.SQLITE_LOCKED: "another program is using it; close that and try again",
    sqlite3.SQLITE_READONLY: "it cannot be written; copy it to a folder of your own and open the copy",
    sqlite3.SQLITE_PERM: "it may not be opened by you; copy it to a folder of your own and open the copy",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; look whether its folder can still be reached and written",
    sqlite3.SQLITE_IOERR: "the drive could not be read or written; look whether it is still connected and has space left",
    sqlite3.SQLITE_CORRUPT: "it is damaged; go back to a copy of it, such as one ending in “.before-v…”",
    sqlite3.SQLITE_NOTADB: "it is not a MusicClass project, or it is damaged",
}
_REASONS_OF_SYSTEM = {
    errno.EACCES: "you have no permission for that here; choose a folder of your own",
    errno.EPERM: "you have no permission for that here; choose a folder of your own",
    errno.EROFS: "nothing can be written there; choose a folder of your own",
    errno.ENOSPC: "the drive is full; free some space and try again",
    errno.EDQUOT: "you may store no more there; free some space and try again",
    errno.ENOENT: "its folder is not there; choose another one",
    errno.ENOTDIR: "its folder is not there; choose another one",
    errno.ENAMETOOLONG: "its name is too long for this system; choose a shorter one",
}


@contextmanager
def explained(path: Path, doing: str = "used") -> Iterator[None]:
    """Turn what SQLite and the system say about the file `path` into a ProjectError; faults of the program stay what they are."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise ProjectError(sentence(path, doing, error)) from error
    except OSError as error:
        raise ProjectError(
            f"“{shown_name(path)}” cannot be {doing}: {_REASONS_OF_SYSTEM.get(error.errno or 0, error.strerror or error)}."
        ) from error


def sentence(path: Path, doing: str, error: sqlite3.Error) -> str:
    """What went wrong with `path`, and what to do."""
    reason = _REASONS.get(_code(error), str(error))
    return f"“{shown_name(path)}” cannot be {doing}: {reason}."


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to an existing project, checked to be one. Raises ProjectError, sqlite3.Error."""
    if write:
        return _opened(path, "mode=rw", "PRAGMA synchronous=NORMAL")
    try:
        if may_write(path):
            return _opened(path, "mode=rw", "PRAGMA query_only=ON")  # the last one to close it tidies up, which mode=ro could not
    except sqlite3.OperationalError as error:
        if _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or _has_journal(path):
            raise
    mode = "mode=ro" if _has_journal(path) else "mode=ro&immutable=1"  # which needs no file of SQLite's own beside it
    return _opened(path, mode, "PRAGMA query_only=ON")


def may_write(path: Path) -> bool:
    """Whether the file's permissions let it be written; its folder's may not."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _has_journal(path: Path) -> bool:
    """Whether some of the project is still in the file beside it."""
    with suppress(OSError):
        return path.with_name(path.name + "-wal").stat().st_size > 0
    return False


def _opened(path: Path, mode: str, pragma: str) -> sqlite3.Connection:
    db = sqlite3.connect(_uri(path, mode), timeout=_WAIT_S, isolation_level=None, uri=True)
    try:
        check(db, path)
        db.execute(pragma)
        db.execute("PRAGMA foreign_keys=ON")
    except BaseException:
        db.close()
        raise
    return db


def _uri(path: Path, mode: str) -> str:
    text = quote(os.fsencode(path.as_posix()))
    return f"file://{'' if text.startswith('/') else '/'}{text}?{mode}"


def check(db: sqlite3.Connection, path: Path) -> None:
    """Raise ProjectError when the file is no project; nothing in it is run."""
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("PRAGMA cell_size_check=ON")
    ours = number(db, "application_id") == APPLICATION_ID
    kinds = {kind for (kind,) in db.execute("SELECT DISTINCT type FROM sqlite_master")}
    if not ours or kinds & {"trigger", "view"}:
        raise ProjectError(f"“{shown_name(path)}” is not a MusicClass project, or not one that this program made.")


def check_version(db: sqlite3.Connection, path: Path, newest: int) -> int:
    """The file's schema version. Raises ProjectError when it is from a newer program."""
    version = number(db, "user_version")
    if version > newest:
        raise ProjectError(
            f"“{shown_name(path)}” was made by a newer MusicClass (its format is {version}, this program knows {newest}); "
            "update MusicClass to open it."
        )
    return version


def check_whole(db: sqlite3.Connection, path: Path) -> None:
    """Raise ProjectError when the file lacks tables or, as far as that is quick to see, is damaged."""
    found = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    small = path.stat().st_size <= _CHECKED_BYTES
    if not found >= _TABLES or (small and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"):
        raise ProjectError(f"“{shown_name(path)}” cannot be opened: {_REASONS[sqlite3.SQLITE_CORRUPT]}.")


def number(db: sqlite3.Connection, pragma: str) -> int:
    """The value of a pragma that is a number."""
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def build(path: Path, title: str, version: int) -> None:
    """Make an empty project at `path`, where no file is. Raises sqlite3.Error, OSError."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA page_size=16384")
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.executescript(f"BEGIN; {SCHEMA}; PRAGMA user_version={version};")
        db.execute("INSERT INTO about VALUES ('title', ?)", (title,))
        db.execute("COMMIT")


def copy(db: sqlite3.Connection, target: Path) -> None:
    """Copy a whole project to `target`, where no file is, as one file. Raises sqlite3.Error, OSError."""
    with closing(sqlite3.connect(target, isolation_level=None)) as other:
        db.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")


def settle(path: Path) -> None:
    """See that nobody has the database at `path` open and that all of it is in that one file, so that it can be replaced.

    Anything else at `path` is left as it is. Raises sqlite3.OperationalError when someone has it open.
    """
    if path.exists():
        with closing(sqlite3.connect(_uri(path, "mode=rw"), timeout=_WAIT_S / 5, uri=True)) as db:
            try:
                db.execute("PRAGMA journal_mode=DELETE")
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # no database, or a damaged one
                return


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Bring a project up to date: all of `migrations` that it lacks in one transaction, after a copy `path` + ".before-vN".

    The first of `migrations` leads from version 1 to 2, and so on; N is the newest version. Raises ProjectError, sqlite3.Error,
    OSError; then the file is as it was.
    """
    newest = len(migrations) + 1
    version = check_version(db, path, newest)
    if version == newest:
        return
    with whole(path.with_name(f"{path.name}.before-v{newest}")) as part:
        copy(db, part)
    try:
        _step(db, ";\n".join(migrations[version - 1 :]), newest)
    except sqlite3.Error as error:
        if _code(error) in _REASONS:
            raise
        raise ProjectError(
            f"“{shown_name(path)}” cannot be brought up to date ({error}); it was left as it was, please report this."
        ) from error


def _step(db: sqlite3.Connection, script: str, version: int) -> None:
    db.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction; tables that are made anew need it
    try:
        db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={version};")
        if db.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.DatabaseError("rows would be left that belong to nothing")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.execute("PRAGMA foreign_keys=ON")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder, which becomes `path` if all goes well and nothing if not. Raises OSError.

    It is the same name each time, so that what a killed program left is cleared away by the next; so hold the lock meanwhile.
    """
    part = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    _clear(part)
    try:
        yield part
        _sync(part)
        os.replace(part, path)
    finally:
        _clear(part)


def _clear(part: Path) -> None:
    for leftover in (part, *(Path(f"{part}-{ending}") for ending in ("wal", "shm", "journal"))):
        with suppress(OSError):
            leftover.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
