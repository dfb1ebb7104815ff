"""The recordings of a project, their embeddings and small pictures. It knows nothing of classes and lessons."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.audio_paths import shown_name
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project.link import Link, from_json, to_json
from musicclass_gui.engine.project.moved import find_files
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from musicclass_gui.engine.task import Token

_RECORDING = "hash, path, size, mtime_ns, duration_s, title, artist, album, notices"
_OF_EMBEDDING = "hash=? AND encoder=? AND version=? AND grid=?"
_LOOK_QUICK_S = 0.1  # a look that takes no longer can be had again at once
_LOOK_SHARE = 0.01  # of the time may go into slower ones


class Recordings(Link):
    """What a project knows of recordings. `reads` counts the recordings whose window embeddings were read."""

    reads = 0
    _missing: frozenset[str] = frozenset()
    _look_at = 0.0  # when a slow drive may be asked again

    def recording(self, hash: str) -> RecordingRow | None:
        """The recording with this content."""
        row = self._row(f"SELECT {_RECORDING} FROM recordings WHERE hash=?", hash)
        return _recording(row) if row else None

    def recordings(self) -> list[RecordingRow]:
        """Every recording, in the order in which they came."""
        return [_recording(row) for row in self._rows(f"SELECT {_RECORDING} FROM recordings ORDER BY rowid")]

    def add_recording(self, row: RecordingRow) -> None:
        """Add a recording, or bring what is known of it up to date; its embeddings stay."""
        self._missing -= {row.hash}
        columns = _RECORDING.split(", ")
        update = ", ".join(f"{column}=excluded.{column}" for column in columns[1:])
        self._change(
            f"INSERT INTO recordings ({_RECORDING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET {update}",
            *(row.hash, _spelled(row.path), row.size, row.mtime_ns, row.duration_s),
            *(row.title, row.artist, row.album, to_json(row.notices)),
        )

    def set_path(self, hash: str, path: Path, size: int, mtime_ns: int) -> None:
        """Say where a recording is now."""
        self._missing -= {hash}
        self._change("UPDATE recordings SET path=?, size=?, mtime_ns=? WHERE hash=?", _spelled(path), size, mtime_ns, hash)

    def known_hash(self, path: Path) -> str | None:
        """The content hash of a file that is as it was (path, size, time) when its recording was added."""
        try:
            status = path.stat()
        except OSError:
            return None
        row = self._row(
            "SELECT hash FROM recordings WHERE path=? AND size=? AND mtime_ns=?", _spelled(path), status.st_size, status.st_mtime_ns
        )
        return row[0] if row else None

    def missing(self) -> set[str]:
        """The hashes of the recordings whose file is not where it was, or is of another size now."""
        rows = self._rows("SELECT hash, path, size FROM recordings")
        return {hash for hash, path, size in rows if not _is_there(path, size)}

    def missing_lately(self) -> frozenset[str]:
        """As `missing`, but for files on a slow drive as it was some time ago: ten thousand of them can take a minute."""
        started = time.monotonic()
        if started >= self._look_at:
            self._missing = frozenset(self.missing())
            took = time.monotonic() - started
            self._look_at = started + took / _LOOK_SHARE if took > _LOOK_QUICK_S else 0.0
        return self._missing

    def find_moved(self, folders: list[Path], token: Token) -> dict[str, Path]:
        """Look for missing recordings below `folders`, first by size, then by content; what is found is kept at once."""
        missing = self.missing()
        sought = {row.hash: row for row in self.recordings() if row.hash in missing}
        found = {}
        for hash, path in find_files({hash: (row.size, row.path.name) for hash, row in sought.items()}, folders, token):
            status = path.stat()
            with self.writing():
                self.set_path(hash, path, status.st_size, status.st_mtime_ns)
            found[hash] = path
        self._look_at = 0.0
        return found

    def has_embedding(self, hash: str, encoder: str, version: str, grid: str) -> bool:
        """Whether a recording's embeddings are stored."""
        return self._row(f"SELECT 1 FROM embeddings WHERE {_OF_EMBEDDING}", hash, encoder, version, grid) is not None

    def embedded(self, hash: str, encoder: str, version: str, grid: str) -> EmbeddedRow | None:
        """A recording's embeddings, as arrays that cannot be written to. Raises ProjectError when they are damaged."""
        row = self._row(f"SELECT n, dim, data, spans, loud, mean FROM embeddings WHERE {_OF_EMBEDDING}", hash, encoder, version, grid)
        if row is None:
            return None
        self.reads += 1
        n, dim, data, spans, loud, mean = row
        times = self._array(spans, np.float64, (n, 2)).tolist()
        return EmbeddedRow(
            hash,
            self._array(data, np.float32, (n, dim)),
            [(start, end) for start, end in times],
            self._array(loud, np.bool_, (n,)),
            self._array(mean, np.float32, (dim,)),
        )

    def add_embedding(self, row: EmbeddedRow, encoder: str, version: str, grid: str) -> None:
        """Keep a recording's embeddings."""
        n, dim = row.data.shape
        blobs = [
            np.ascontiguousarray(values, kind).tobytes()
            for values, kind in ((row.mean, np.float32), (row.loud, np.bool_), (row.spans, np.float64), (row.data, np.float32))
        ]
        self._change(
            "REPLACE INTO embeddings (hash, encoder, version, grid, n, dim, mean, loud, spans, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(row.hash, encoder, version, grid, n, dim, *blobs),
        )

    def means(self, encoder: str, version: str, grid: str, hashes: Iterable[str] | None = None) -> tuple[list[str], NDArray[np.float32]]:
        """The hashes of the recordings that have embeddings, or of those among `hashes`, sorted, and their means `(n, dim)`."""
        chosen = "" if hashes is None else "AND hash IN (SELECT value FROM json_each(?))"
        rows = self._rows(
            f"SELECT hash, mean FROM embeddings WHERE encoder=? AND version=? AND grid=? {chosen} ORDER BY hash",
            *(encoder, version, grid, *([] if hashes is None else [to_json(list(hashes))])),
        )
        if not rows:
            return [], np.zeros((0, 0), np.float32)
        dim = len(rows[0][1]) // 4
        return [hash for hash, _ in rows], self._array(b"".join(mean for _, mean in rows), np.float32, (len(rows), dim))

    def picture(self, hash: str) -> bytes | None:
        """A recording's mini-mel, or None where none was made."""
        row = self._row("SELECT picture FROM recordings WHERE hash=?", hash)
        return row[0] if row else None

    def set_picture(self, hash: str, picture: bytes) -> None:
        """Keep a recording's mini-mel."""
        self._change("UPDATE recordings SET picture=? WHERE hash=?", picture, hash)

    def _array(self, data: bytes, kind: type[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        try:
            return np.frombuffer(data, kind).reshape(shape)
        except (ValueError, TypeError) as error:
            raise ProjectError(
                f"“{shown_name(self.path)}” is damaged: stored embeddings are not whole; go back to a copy of it."
            ) from error


def _recording(row: tuple[Any, ...]) -> RecordingRow:
    hash, path, size, mtime_ns, duration_s, title, artist, album, notices = row
    return RecordingRow(hash, Path(os.fsdecode(path)), size, mtime_ns, duration_s, title, artist, album, from_json(notices, list))


def _spelled(path: Path) -> bytes:
    """A path as the system spells it, which need not be text."""
    return os.fsencode(os.path.abspath(path))


def _is_there(path: bytes, size: int) -> bool:
    try:
        return os.stat(os.fsdecode(path)).st_size == size
    except (OSError, ValueError):
        return False
