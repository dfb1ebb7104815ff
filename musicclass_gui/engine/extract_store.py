"""The journal of an extraction: what is through, in a file beside the one that is to be written, so that it can be gone on with.

It is an SQLite file that one process at a time may use. Killed at any moment, it has every recording that was kept before. It knows
neither audio nor encoders.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.errors import ExtractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.cache import FileStamp
    from musicclass_gui.engine.encoders import Embeddings

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY, hash TEXT NOT NULL, size INTEGER, mtime_ns INTEGER,
    duration_s REAL, error TEXT NOT NULL, n INTEGER NOT NULL, data BLOB, spans BLOB, loud BLOB
);
CREATE INDEX IF NOT EXISTS by_hash ON rows (hash);
"""
_APPLICATION = 0x4D434658  # tells such a file from others
_MAGIC, _PLACE = b"SQLite format 3\0", 68  # where SQLite keeps that number
_WAIT_S = 0.5
_SCRATCH = "-out"
_ASIDES = (_SCRATCH, "-journal", "-wal", "-shm", "")


@dataclass(frozen=True)
class Kept:
    """What is kept of a recording: `data` (n, …) float32, `spans` (n, 2) in seconds, `loud` (n,)."""

    hash: str
    duration_s: float
    data: Embeddings
    spans: NDArray[np.float64]
    loud: NDArray[np.bool_]


class Journal:
    """What is through of an extraction. `begun` says whether it was there before, `differs` whether what was there was of another one.

    Every method raises ExtractError when the file cannot be used.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.begun = self.differs = False
        _refuse_foreign(path)
        with self._saying():
            self._db = self._opened(identity)

    @property
    def scratch(self) -> Path:
        """Where the features may be written before they get their name; it goes with the journal."""
        return self.path.with_name(self.path.name + _SCRATCH)

    def close(self) -> None:
        """Give the file back; it stays."""
        self._db.close()

    def remove(self) -> None:
        """Close it and take it away, when all of it is written elsewhere."""
        self.close()
        _remove(self.path)

    def forget_failures(self) -> None:
        """What could not be read is tried again: the disk may be there now."""
        self._do("DELETE FROM rows WHERE error != ''")

    def stamps(self) -> Iterator[tuple[int, int, int]]:
        """The number, size and time of change of every file that is through."""
        with self._saying():
            yield from self._db.execute("SELECT number, size, mtime_ns FROM rows ORDER BY number")

    def drop(self, numbers: list[int]) -> None:
        """Forget what is known of some recordings."""
        with self._saying(), self._db:
            self._db.executemany("DELETE FROM rows WHERE number=?", ((number,) for number in numbers))

    def keep(self, number: int, stamp: FileStamp, kept: Kept) -> None:
        """Store what came of a recording."""
        blobs = (kept.data.tobytes(), kept.spans.tobytes(), kept.loud.tobytes())
        values = (number, kept.hash, stamp.size, stamp.mtime_ns, kept.duration_s, "", len(kept.data), *blobs)
        self._do(f"REPLACE INTO rows VALUES ({', '.join('?' * len(values))})", values)

    def fail(self, number: int, reason: str) -> None:
        """Store why a recording gave nothing."""
        self._do("REPLACE INTO rows VALUES (?, '', NULL, NULL, NULL, ?, 1, NULL, NULL, NULL)", (number, reason))

    def copy(self, number: int, stamp: FileStamp, content: str) -> bool:
        """Let a recording have what came of another one with the same content; whether there is one."""
        done = self._do(
            "REPLACE INTO rows SELECT ?, hash, ?, ?, duration_s, error, n, data, spans, loud FROM rows WHERE hash=? LIMIT 1",
            (number, stamp.size, stamp.mtime_ns, content),
        )
        return done > 0

    def counts(self, total: int) -> NDArray[np.int64]:
        """How many rows each of `total` recordings gives; a failed one gives one."""
        found = np.zeros(total, np.int64)
        with self._saying():
            for number, n in self._db.execute("SELECT number, n FROM rows"):
                found[number] = n
        return found

    def failures(self) -> Iterator[tuple[int, str]]:
        """The numbers of recordings that gave nothing, with the reasons."""
        with self._saying():
            yield from self._db.execute("SELECT number, error FROM rows WHERE error != '' ORDER BY number")

    def facts(self, number: int) -> tuple[float, str]:
        """A recording's duration (NaN when it failed) and the reason why it failed, or ""."""
        with self._saying():
            duration_s, error = self._db.execute("SELECT duration_s, error FROM rows WHERE number=?", (number,)).fetchone()
        return (float("nan") if duration_s is None else duration_s), error

    def data(self, number: int, width: int) -> Embeddings:
        """Its embeddings, `(n, width)`; one row of NaN when it failed."""
        blob = self._blob("data", number)
        return np.full((1, width), np.nan, np.float32) if blob is None else np.frombuffer(blob, np.float32).reshape(-1, width)

    def spans(self, number: int) -> NDArray[np.float64]:
        """The times of its windows in seconds, `(n, 2)`; NaN when it failed."""
        blob = self._blob("spans", number)
        return np.full((1, 2), np.nan) if blob is None else np.frombuffer(blob, np.float64).reshape(-1, 2)

    def loud(self, number: int) -> NDArray[np.bool_]:
        """Which of its windows are not silent, `(n,)`."""
        blob = self._blob("loud", number)
        return np.zeros(1, np.bool_) if blob is None else np.frombuffer(blob, np.bool_)

    def _blob(self, column: str, number: int) -> bytes | None:
        with self._saying():
            found: bytes | None = self._db.execute(f"SELECT {column} FROM rows WHERE number=?", (number,)).fetchone()[0]
        return found

    def _do(self, sql: str, values: tuple[Any, ...] = ()) -> int:
        with self._saying(), self._db:
            return self._db.execute(sql, values).rowcount

    def _opened(self, identity: str) -> sqlite3.Connection:
        try:
            db = _connect(self.path)
        except sqlite3.OperationalError:  # locked, no space, no permission: nothing is wrong with what is in it
            raise
        except sqlite3.DatabaseError:
            _remove(self.path)
            db = _connect(self.path)
        row = db.execute("SELECT text FROM identity").fetchone()
        self.begun, self.differs = row == (identity,), row is not None and row != (identity,)
        if not self.begun:
            with db:
                db.execute("DELETE FROM rows")
                db.execute("DELETE FROM identity")
                db.execute("INSERT INTO identity VALUES (?)", (identity,))
        return db

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """What SQLite raises, as a sentence."""
        try:
            yield
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise ExtractError(f"“{self.path}” is in use: another extraction is writing it; wait until it is through.") from error
            raise ExtractError(f"“{self.path}” cannot be written ({error}); free some space, or choose another place.") from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_WAIT_S, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute(f"PRAGMA application_id={_APPLICATION}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_foreign(path: Path) -> None:
    """Nothing that somebody else wrote is thrown away because it has such a name."""
    try:
        with path.open("rb") as file:
            head = file.read(_PLACE + 4)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ExtractError(f"“{path}” cannot be used ({error.strerror or error}); choose another place for the features.") from error
    if head and not (head.startswith(_MAGIC) and int.from_bytes(head[_PLACE:], "big") == _APPLICATION):
        raise ExtractError(f"“{path}” is in the way, and no extraction wrote it; move it, or choose another name for the features.")


def _remove(path: Path) -> None:
    for aside in _ASIDES:
        with suppress(FileNotFoundError):
            os.unlink(f"{path}{aside}")
