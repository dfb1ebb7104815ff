"""What an analysis leaves behind so that opening the recording again is instant: hashes, embeddings, pictures.

Everything here can be computed again. So a damaged or foreign cache is thrown away rather than repaired, and one that cannot
be used costs time and nothing else: what cannot be read is not known, what cannot be written is not kept.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import uuid
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from musicclass_gui.engine import picture
from musicclass_gui.engine.encoders import layers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec, LayerData
    from musicclass_gui.engine.windows import Span

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readings (hash TEXT PRIMARY KEY, duration_s REAL NOT NULL, notices TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS embeddings (
    hash TEXT, encoder TEXT, version TEXT, grid TEXT, n INTEGER, dim INTEGER, data BLOB, spans BLOB, loud BLOB,
    PRIMARY KEY (hash, encoder, version, grid)
);
CREATE TABLE IF NOT EXISTS layers (
    hash TEXT, encoder TEXT, version TEXT, grid TEXT, n INTEGER, count INTEGER, dim INTEGER, data BLOB, spans BLOB, loud BLOB,
    PRIMARY KEY (hash, encoder, version, grid)
);
CREATE TABLE IF NOT EXISTS pictures (hash TEXT PRIMARY KEY, version INTEGER NOT NULL, folder TEXT NOT NULL);
PRAGMA user_version = 3;
"""
_VERSION = 3
_WITHOUT_LAYERS = 2  # a cache of this version lacks one table and is right otherwise
_WAIT_S = 2.0  # for another process that is just writing
_PICTURE_BYTES = 4 << 30  # pictures are dropped, oldest first, beyond this
_ABANDONED_S = 86400.0


@dataclass(frozen=True)
class FileStamp:
    """What tells a file from what it was before: its absolute path as the system spells it, its size and its time of change."""

    path: bytes
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """The stamp of a file as it is now. Raises OSError."""
        status = path.stat()
        return cls(os.fsencode(os.path.abspath(path)), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Reading:
    """What one complete pass over a recording found: how long it really is, and what was wrong with it."""

    duration_s: float
    notices: list[str]


@dataclass(frozen=True)
class Embedded:
    """All embeddings of a recording: `data` (n, dim) float32, `spans` in seconds, `loud` (n,) False where silent.

    `layers` (n, count, layer dim) float16 are what the embeddings were made of, for an encoder that keeps several.
    """

    data: Embeddings
    spans: list[Span]
    loud: NDArray[np.bool_]
    layers: LayerData | None = None


class Named(Protocol):
    """A way of cutting recordings, by a name that no other has: a `windows.Grid`, a benchmark's cut."""

    @property
    def name(self) -> str:
        """A stable text."""
        ...


class Cache:
    """The cache folder; one per process and thread, safe beside those of other processes.

    `problem` is a sentence about why it cannot be used, or "". Nothing here raises for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problem = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = _open(folder / "cache.sqlite")
        except (OSError, sqlite3.Error) as error:
            self._note(error)
            self._db = _connect(":memory:")

    def close(self) -> None:
        """Give the database back."""
        self._db.close()

    def known_hash(self, stamp: FileStamp) -> str | None:
        """The content hash of a file that has not changed (size, time) since it was hashed."""
        row = self._row("SELECT hash FROM files WHERE path=? AND size=? AND mtime_ns=?", (stamp.path, stamp.size, stamp.mtime_ns))
        return row[0] if row else None

    def remember_hash(self, stamp: FileStamp, content_hash: str) -> None:
        """Keep a file's content hash with its size and time, both from before it was hashed."""
        self._keep("REPLACE INTO files VALUES (?, ?, ?, ?)", (stamp.path, stamp.size, stamp.mtime_ns, content_hash))

    def reading(self, content_hash: str) -> Reading | None:
        """What the last complete pass over this content found."""
        row = self._row("SELECT duration_s, notices FROM readings WHERE hash=?", (content_hash,))
        return Reading(row[0], json.loads(row[1])) if row else None

    def remember_reading(self, content_hash: str, reading: Reading) -> None:
        """Keep what a complete pass found."""
        self._keep("REPLACE INTO readings VALUES (?, ?, ?)", (content_hash, reading.duration_s, json.dumps(reading.notices)))

    def embedded(self, content_hash: str, spec: EncoderSpec, grid: Named) -> Embedded | None:
        """The stored embeddings of this content by this encoder and grid; those of a view are made of the layers."""
        if spec.layers is not None:
            return self._layered(content_hash, spec, grid)
        row = self._row(
            "SELECT n, dim, data, spans, loud FROM embeddings WHERE hash=? AND encoder=? AND version=? AND grid=?",
            (content_hash, spec.id, spec.version, grid.name),
        )
        if row is None:
            return None
        n, dim, data, spans, loud = row
        return Embedded(np.frombuffer(data, np.float32).reshape(n, dim), _spans(spans), np.frombuffer(loud, np.bool_))

    def _layered(self, content_hash: str, spec: EncoderSpec, grid: Named) -> Embedded | None:
        row = self._row(
            "SELECT n, count, dim, data, spans, loud FROM layers WHERE hash=? AND encoder=? AND version=? AND grid=?",
            (content_hash, spec.of or spec.id, spec.version, grid.name),
        )
        if row is None:
            return None
        n, count, dim, data, spans, loud = row
        kept = np.frombuffer(data, np.float16).reshape(n, count, dim)
        return Embedded(layers.apply(spec, kept), _spans(spans), np.frombuffer(loud, np.bool_), kept)

    def remember_embedded(self, content_hash: str, spec: EncoderSpec, grid: Named, embedded: Embedded) -> None:
        """Keep a recording's embeddings, or the layers that they are made of."""
        kept = embedded.data if embedded.layers is None else embedded.layers
        table, holes = ("embeddings", 9) if embedded.layers is None else ("layers", 10)
        blobs = (kept.tobytes(), np.asarray(embedded.spans, np.float64).tobytes(), embedded.loud.tobytes())
        values = (content_hash, spec.of or spec.id, spec.version, grid.name, *kept.shape, *blobs)
        self._keep(f"REPLACE INTO {table} VALUES ({', '.join('?' * holes)})", values)

    def forget_encoder(self, encoder_id: str) -> None:
        """Drop all embeddings of an encoder, and the layers that they were made of."""
        for table in ("embeddings", "layers"):
            self._keep(f"DELETE FROM {table} WHERE encoder=?", (encoder_id,))

    def picture(self, content_hash: str) -> Path | None:
        """The folder of the finished picture of this content, which counts as used now."""
        row = self._row("SELECT folder FROM pictures WHERE hash=? AND version=?", (content_hash, picture.VERSION))
        if row is None:
            return None
        folder = self.folder / "pictures" / str(row[0])
        with suppress(OSError):
            os.utime(folder)
        return folder if folder.is_dir() else None

    def new_picture_folder(self, content_hash: str) -> Path:
        """A name for a picture to be made; no other process makes the same one."""
        return self.folder / "pictures" / f"{content_hash[:16]}-{uuid.uuid4().hex[:8]}"

    def remember_picture(self, content_hash: str, folder: Path) -> None:
        """Say that the picture in `folder` is finished."""
        self._keep("REPLACE INTO pictures VALUES (?, ?, ?)", (content_hash, picture.VERSION, folder.name))

    def trim(self, limit_bytes: int = _PICTURE_BYTES) -> None:
        """Drop unfinished pictures of an earlier day, then those used longest ago until the rest fits in `limit_bytes`."""
        finished = {row[0] for row in self._rows("SELECT folder FROM pictures")}
        known = not self.problem
        total = 0
        for used, size, folder in sorted(_folders(self.folder / "pictures"), reverse=True):
            total += size
            abandoned = known and folder.name not in finished and time.time() - used > _ABANDONED_S
            if abandoned or total > limit_bytes:
                self._keep("DELETE FROM pictures WHERE folder=?", (folder.name,))
                shutil.rmtree(folder, ignore_errors=True)

    def _row(self, sql: str, values: tuple[Any, ...]) -> Any:
        """The first row found, or None."""
        return next(iter(self._rows(sql, values)), None)

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._note(error)
            return []

    def _keep(self, sql: str, values: tuple[Any, ...]) -> None:
        try:
            with self._db:
                self._db.execute(sql, values)
        except sqlite3.Error as error:
            self._note(error)

    def _note(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        self.problem = (
            f"The cache folder “{self.folder}” cannot be used ({reason}), so nothing is kept for the next time; "
            "free some space, or name another folder in $MUSICCLASS_CACHE."
        )


def _spans(blob: bytes) -> list[Span]:
    return [(start, end) for start, end in np.frombuffer(blob, np.float64).reshape(-1, 2).tolist()]


def _folders(parent: Path) -> Iterator[tuple[float, int, Path]]:
    """Each picture folder as (time of last use, bytes, path); another process may be dropping some of them."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        with suppress(OSError):
            files = [file.stat() for file in folder.iterdir()]
            used = max(status.st_mtime for status in (folder.stat(), *files))
            yield used, sum(status.st_size for status in files), folder


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.OperationalError:  # locked, read only, no space: nothing is wrong with what is in it
        raise
    except sqlite3.DatabaseError:
        for leftover in path.parent.glob(path.name + "*"):
            leftover.unlink()
        return _connect(path)


def _connect(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _WITHOUT_LAYERS, _VERSION):
        raise sqlite3.DatabaseError("a cache of another version")
    if version != _VERSION:
        db.executescript(_SCHEMA)


@contextmanager
def opened(folder: Path) -> Iterator[Cache]:
    """A cache for the length of a `with` block."""
    with closing(Cache(folder)) as cache:
        yield cache
