"""What an analysis leaves behind so that opening the recording again is instant: hashes, embeddings, pictures.

Everything here can be computed again, so a damaged or foreign cache is thrown away rather than repaired.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.windows import Grid, Span

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readings (hash TEXT PRIMARY KEY, duration_s REAL NOT NULL, notices TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS embeddings (
    hash TEXT, encoder TEXT, version TEXT, grid TEXT, n INTEGER, dim INTEGER, data BLOB, spans BLOB, loud BLOB,
    PRIMARY KEY (hash, encoder, version, grid)
);
CREATE TABLE IF NOT EXISTS pictures (hash TEXT PRIMARY KEY, version INTEGER NOT NULL, folder TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_VERSION = 1
_PICTURE_BYTES = 4 << 30  # pictures are dropped, oldest first, beyond this
_ABANDONED_S = 86400.0


@dataclass(frozen=True)
class Reading:
    """What one complete pass over a recording found: how long it really is, and what was wrong with it."""

    duration_s: float
    notices: list[str]


@dataclass(frozen=True)
class Embedded:
    """All embeddings of a recording: `data` (n, dim) float32, `spans` in seconds, `loud` (n,) False where silent."""

    data: Embeddings
    spans: list[Span]
    loud: NDArray[np.bool_]


class Cache:
    """The cache folder; one per process and thread, safe beside those of other processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._db = _open(folder / "cache.sqlite")

    def close(self) -> None:
        """Give the database back."""
        self._db.close()

    def known_hash(self, path: Path) -> str | None:
        """The content hash of a file that has not changed (size, time) since it was hashed."""
        stat = path.stat()
        row = self._db.execute("SELECT hash FROM files WHERE path=? AND size=? AND mtime_ns=?", (str(path), stat.st_size, stat.st_mtime_ns))
        found = row.fetchone()
        return found[0] if found else None

    def remember_hash(self, path: Path, content_hash: str) -> None:
        """Keep a file's content hash with its size and time."""
        stat = path.stat()
        with self._db:
            self._db.execute("REPLACE INTO files VALUES (?, ?, ?, ?)", (str(path), stat.st_size, stat.st_mtime_ns, content_hash))

    def reading(self, content_hash: str) -> Reading | None:
        """What the last complete pass over this content found."""
        row = self._db.execute("SELECT duration_s, notices FROM readings WHERE hash=?", (content_hash,)).fetchone()
        return Reading(row[0], json.loads(row[1])) if row else None

    def remember_reading(self, content_hash: str, reading: Reading) -> None:
        """Keep what a complete pass found."""
        with self._db:
            self._db.execute("REPLACE INTO readings VALUES (?, ?, ?)", (content_hash, reading.duration_s, json.dumps(reading.notices)))

    def embedded(self, content_hash: str, spec: EncoderSpec, grid: Grid) -> Embedded | None:
        """The stored embeddings of this content by this encoder and grid."""
        row = self._db.execute(
            "SELECT n, dim, data, spans, loud FROM embeddings WHERE hash=? AND encoder=? AND version=? AND grid=?",
            (content_hash, spec.id, spec.version, grid.name),
        ).fetchone()
        if row is None:
            return None
        n, dim, data, spans, loud = row
        times = np.frombuffer(spans, np.float64).reshape(n, 2)
        return Embedded(
            np.frombuffer(data, np.float32).reshape(n, dim), [(a, b) for a, b in times.tolist()], np.frombuffer(loud, np.bool_)
        )

    def remember_embedded(self, content_hash: str, spec: EncoderSpec, grid: Grid, embedded: Embedded) -> None:
        """Keep a recording's embeddings."""
        n, dim = embedded.data.shape
        blobs = (embedded.data.tobytes(), np.asarray(embedded.spans, np.float64).tobytes(), embedded.loud.tobytes())
        with self._db:
            self._db.execute(
                "REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (content_hash, spec.id, spec.version, grid.name, n, dim, *blobs),
            )

    def picture(self, content_hash: str) -> Path | None:
        """The folder of the finished picture of this content."""
        row = self._db.execute("SELECT folder FROM pictures WHERE hash=? AND version=?", (content_hash, picture.VERSION)).fetchone()
        folder = self.folder / "pictures" / row[0] if row else None
        return folder if folder and folder.is_dir() else None

    def new_picture_folder(self, content_hash: str) -> Path:
        """A name for a picture to be made; no other process makes the same one."""
        return self.folder / "pictures" / f"{content_hash[:16]}-{uuid.uuid4().hex[:8]}"

    def remember_picture(self, content_hash: str, folder: Path) -> None:
        """Say that the picture in `folder` is finished."""
        with self._db:
            self._db.execute("REPLACE INTO pictures VALUES (?, ?, ?)", (content_hash, picture.VERSION, folder.name))

    def trim(self, limit_bytes: int = _PICTURE_BYTES) -> None:
        """Drop unfinished pictures of an earlier day, then those made longest ago until the rest fits in `limit_bytes`."""
        finished = {row[0] for row in self._db.execute("SELECT folder FROM pictures")}
        total = 0
        for used, size, folder in sorted(_folders(self.folder / "pictures"), reverse=True):
            total += size
            abandoned = folder.name not in finished and time.time() - used > _ABANDONED_S
            if abandoned or total > limit_bytes:
                shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> Iterator[tuple[float, int, Path]]:
    """Each picture folder as (time of last use, bytes, path)."""
    if not parent.is_dir():
        return
    for folder in parent.iterdir():
        files = [file.stat() for file in folder.iterdir()]
        yield max((s.st_mtime for s in files), default=0.0), sum(s.st_size for s in files), folder


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError:
        for leftover in path.parent.glob(path.name + "*"):
            leftover.unlink()
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10.0)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
        db.close()
        raise sqlite3.DatabaseError("a cache of another version")
    db.executescript(_SCHEMA)
    return db


@contextmanager
def opened(folder: Path) -> Iterator[Cache]:
    """A cache for the length of a `with` block."""
    cache = Cache(folder)
    try:
        yield cache
    finally:
        cache.close()
