"""What the eye needs of a recording: a min/max envelope and a mel image at many time scales, kept on disk.

The writer appends while the recording is read, the reader takes what is there by offset, so neither holds more than
a block and a picture of ten hours opens like one of ten seconds. It knows no audio file and no screen; the reader
needs only numpy.

A folder holds `envelope_K.i16` (rows of min, max per 64 · 4**K samples), `mel_K.u8` (rows of 128 levels, the maximum
over 2**K frames) and, once all is written, `meta.json`.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.files import write_whole
from musicclass_gui.engine.mel import MEL_BANDS, MEL_HOP, MEL_RATE, MelStream, hz_to_note, mel_band_hz, to_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from musicclass_gui.engine.windows import Audio

__all__ = ["MEL_BANDS", "MEL_HOP", "MEL_RATE", "VERSION", "MelStrip", "Picture", "PictureWriter", "hz_to_note", "mel_band_hz"]

VERSION = 1  # of the files' layout; part of what a cached picture is found by
BASE = 64  # samples per row of the finest envelope
TILE = 1024  # columns of a mel tile

_ENVELOPE_LEVELS, _ENVELOPE_FACTOR = 8, 4  # a row of the coarsest is 24 s at 44.1 kHz
_MEL_LEVELS, _MEL_FACTOR = 12, 2  # a row of the coarsest is 48 s
_FULL = 32767  # what amplitude 1 is stored as

Rows = NDArray[np.int16] | NDArray[np.uint8]


@dataclass(frozen=True)
class _Pyramid:
    """How one of the two pyramids lies on disk."""

    name: str
    dtype: type[np.generic]
    width: int
    levels: int
    factor: int
    reduce: Callable[[NDArray[Any]], NDArray[Any]]  # (rows, some, width) → (rows, width)

    def path(self, folder: Path, level: int) -> Path:
        return folder / f"{self.name.replace('K', str(level))}"

    @property
    def row_bytes(self) -> int:
        return self.width * np.dtype(self.dtype).itemsize


def _min_max(rows: NDArray[Any]) -> NDArray[Any]:
    return np.stack([rows[:, :, 0].min(axis=1), rows[:, :, 1].max(axis=1)], axis=1)


def _max(rows: NDArray[Any]) -> NDArray[Any]:
    highest: NDArray[Any] = rows.max(axis=1)
    return highest


_ENVELOPE = _Pyramid("envelope_K.i16", np.int16, 2, _ENVELOPE_LEVELS, _ENVELOPE_FACTOR, _min_max)
_MEL = _Pyramid("mel_K.u8", np.uint8, MEL_BANDS, _MEL_LEVELS, _MEL_FACTOR, _max)


class _PyramidWriter:
    """Appends rows to the files of a pyramid; of each level it holds the few rows that do not fill one of the next."""

    def __init__(self, shape: _Pyramid, folder: Path) -> None:
        self._shape = shape
        self._files = [shape.path(folder, level).open("wb", buffering=0) for level in range(shape.levels)]
        self._held = [np.empty((0, shape.width), shape.dtype) for _ in self._files]

    def push(self, rows: NDArray[Any], level: int = 0) -> None:
        """Append `(n, width)` rows to `level`, and to the coarser ones what they complete."""
        if not len(rows):
            return
        _write_all(self._files[level], rows)
        if level + 1 == self._shape.levels:
            return
        rows = np.concatenate([self._held[level], rows])
        whole = len(rows) - len(rows) % self._shape.factor
        self._held[level] = rows[whole:].copy()
        self.push(self._shape.reduce(rows[:whole].reshape(-1, self._shape.factor, self._shape.width)), level + 1)

    def finish(self) -> None:
        """Write the rows that the end left unfilled, from fine to coarse."""
        for level in range(self._shape.levels - 1):
            held = self._held[level]
            self.push(self._shape.reduce(held[None]) if len(held) else held, level + 1)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()


def _write_all(file: Any, rows: NDArray[Any]) -> None:
    data = np.ascontiguousarray(rows).data.cast("B")
    while data:
        data = data[file.write(data) :]


class PictureWriter:
    """Writes a picture into `folder` (made new) while a recording at `sample_rate` Hz is read.

    Raises MusicClassError when the folder cannot be written to, such as when the disk is full.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self._folder, self._sample_rate = folder, sample_rate
        self._frames = 0
        self._held: Audio = np.empty(0, np.float32)
        self._mel = MelStream()
        with _disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _meta_path(folder).unlink(missing_ok=True)
            self._envelope_rows = _PyramidWriter(_ENVELOPE, folder)
            self._mel_rows = _PyramidWriter(_MEL, folder)

    def __enter__(self) -> PictureWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def push(self, mono: Audio) -> None:
        """Add native-rate samples to the envelope."""
        self._frames += mono.size
        samples = np.concatenate([self._held, mono]) if self._held.size else mono
        whole = samples.size - samples.size % BASE
        self._held = samples[whole:].copy()
        self._append(self._envelope_rows, _envelope_rows(samples[:whole].reshape(-1, BASE)))

    def push_mel(self, mono: Audio) -> None:
        """Add samples at `MEL_RATE` to the mel image."""
        self._append(self._mel_rows, to_levels(self._mel.push(mono)))

    def finish(self) -> None:
        """Write what the end left unfilled and mark the picture complete."""
        if self._held.size:
            self._append(self._envelope_rows, _envelope_rows(self._held[None]))
        self._append(self._mel_rows, to_levels(self._mel.finish()))
        with _disk_errors(self._folder):
            self._envelope_rows.finish()
            self._mel_rows.finish()
            self.close()
            meta = {"version": VERSION, "frames": self._frames, "sample_rate": self._sample_rate, "complete": True}
            write_whole(_meta_path(self._folder), json.dumps(meta).encode())

    def close(self) -> None:
        """Let go of the files; a picture that was not finished stays incomplete."""
        self._envelope_rows.close()
        self._mel_rows.close()

    def _append(self, writer: _PyramidWriter, rows: NDArray[Any]) -> None:
        with _disk_errors(self._folder):
            writer.push(rows)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MusicClassError(
            f"The picture of the recording could not be written to {folder}: {error.strerror}. "
            "Free some space or choose another cache folder."
        ) from error


def _envelope_rows(cut: Audio) -> NDArray[np.int16]:
    extremes = np.stack([cut.min(axis=1), cut.max(axis=1)], axis=1)
    stored: NDArray[np.int16] = np.rint(np.clip(np.nan_to_num(extremes, copy=False), -1, 1) * _FULL).astype(np.int16)
    return stored


def _meta_path(folder: Path) -> Path:
    return folder / "meta.json"


@dataclass(frozen=True)
class MelStrip:
    """Mel levels `(128, n)` uint8, row 0 the lowest band, whose n columns fill `[start_s, end_s)` evenly."""

    levels: NDArray[np.uint8]
    start_s: float
    end_s: float


class Picture:
    """Reads the picture in `folder` of a recording at `sample_rate` Hz, whole or while it is being written.

    What is not there yet, or no longer, reads as shorter or empty; nothing here raises for it.
    """

    mel_levels = _MEL_LEVELS

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder, self.sample_rate = folder, sample_rate
        self._meta: dict[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether all of the recording is in the picture."""
        if self._meta is None:
            self._meta = _read_meta(self.folder)
        return self._meta is not None and self._count(_ENVELOPE, 0) == -(-self._meta["frames"] // BASE)

    @property
    def ready_s(self) -> float:
        """How many seconds have been written."""
        if self.complete and self._meta is not None:
            return float(self._meta["frames"]) / self.sample_rate
        return self._count(_ENVELOPE, 0) * BASE / self.sample_rate

    def envelope(self, start_s: float, end_s: float, columns: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Least and greatest sample, −1…1, of each of `columns` equal parts of `[start_s, end_s)`; fewer where not yet read.

        A part is widened to the rows of the fitting level that touch it.
        """
        level = _fitting((end_s - start_s) * self.sample_rate / columns / BASE, _ENVELOPE)
        rows_per_s = self.sample_rate / (BASE * _ENVELOPE_FACTOR**level)
        parts = _Parts.of(start_s * rows_per_s, end_s * rows_per_s, columns, widened=True).within(
            self._count(_ENVELOPE, level), self.complete
        )
        rows = self._rows(_ENVELOPE, level, parts)
        scale = np.float32(1 / _FULL)
        return parts.reduce(np.minimum, rows[:, 0]) * scale, parts.reduce(np.maximum, rows[:, 1]) * scale

    def mel(self, start_s: float, end_s: float, columns: int) -> MelStrip:
        """The mel image of `[start_s, end_s)`: `columns` maxima of equal parts, or the frames themselves where those are fewer.

        Ends early where not yet read. Frame i fills the time from i − ½ to i + ½ hops.
        """
        frames_per_s = MEL_RATE / MEL_HOP
        first, last = start_s * frames_per_s + 0.5, end_s * frames_per_s + 0.5
        if last - first < columns:
            return self._mel_frames(int(first), int(np.ceil(last)))
        level = _fitting((last - first) / columns, _MEL)
        parts = _Parts.of(first / 2**level, last / 2**level, columns, widened=False).within(self._count(_MEL, level), self.complete)
        levels = parts.reduce(np.maximum, self._rows(_MEL, level, parts))
        return MelStrip(levels.T, start_s, start_s + len(levels) * (end_s - start_s) / columns)

    def mel_tile(self, level: int, index: int) -> NDArray[np.uint8]:
        """Columns `index` × 1024 … of a level, `(128, ≤ 1024)`, row 0 the lowest band; each the maximum over 2**`level` frames."""
        count = min(TILE, max(0, self._count(_MEL, level) - index * TILE))
        return np.ascontiguousarray(self._read(_MEL, level, index * TILE, count).T)

    def mel_level_at(self, time_s: float, height: float, width_s: float = 0.0) -> int | None:
        """The level shown at a time and a band in a view where a column is `width_s` wide; None where nothing was read."""
        strip = self.mel(max(0.0, time_s - width_s / 2), time_s + max(width_s / 2, 1e-9), 1)
        band = int(height)
        return int(strip.levels[band].max()) if strip.levels.size and 0 <= band < MEL_BANDS else None

    def _mel_frames(self, first: int, last: int) -> MelStrip:
        rows = self._read(_MEL, 0, first, max(0, min(last, self._count(_MEL, 0)) - first))
        hop_s = MEL_HOP / MEL_RATE
        return MelStrip(rows.T, (first - 0.5) * hop_s, (first + len(rows) - 0.5) * hop_s)

    def _count(self, shape: _Pyramid, level: int) -> int:
        try:
            return os.stat(shape.path(self.folder, level)).st_size // shape.row_bytes
        except OSError:
            return 0

    def _rows(self, shape: _Pyramid, level: int, parts: _Parts) -> NDArray[Any]:
        rows = self._read(shape, level, parts.first, parts.last - parts.first)
        return rows if len(rows) == parts.last - parts.first else np.zeros((parts.last - parts.first, shape.width), shape.dtype)

    def _read(self, shape: _Pyramid, level: int, first: int, count: int) -> NDArray[Any]:
        try:
            values = np.fromfile(shape.path(self.folder, level), shape.dtype, count * shape.width, offset=first * shape.row_bytes)
        except OSError:
            values = np.empty(0, shape.dtype)
        return values[: values.size // shape.width * shape.width].reshape(-1, shape.width)


def _read_meta(folder: Path) -> dict[str, Any] | None:
    try:
        meta = json.loads(_meta_path(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fits = isinstance(meta, dict) and meta.get("version") == VERSION and isinstance(meta.get("frames"), int)
    return meta if fits else None


def _fitting(rows_per_column: float, shape: _Pyramid) -> int:
    """The coarsest level whose rows are no wider than a column."""
    level = int(np.floor(np.log(max(rows_per_column, 1.0)) / np.log(shape.factor) + 1e-9))
    return min(level, shape.levels - 1)


@dataclass(frozen=True)
class _Parts:
    """Which rows touch each of some equal parts: `starts` ≤ row < `ends`."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, first: float, last: float, parts: int, *, widened: bool) -> _Parts:
        """The parts of `[first, last)`, in rows; a row on an edge is in both parts when `widened`, else in the latter."""
        if first < 0 or last <= first or parts < 1:
            raise ValueError(f"{parts} parts of the rows {first} to {last} are not a view")
        edges = np.linspace(first, last, parts + 1)
        starts = np.floor(edges[:-1]).astype(np.int64)
        ends = np.ceil(edges[1:]) if widened else np.floor(edges[1:])
        return cls(starts, np.maximum(ends.astype(np.int64), starts + 1))

    def within(self, count: int, complete: bool) -> _Parts:
        """The parts that `count` rows hold: wholly, or in part when no more rows will come."""
        kept = int(np.searchsorted(self.starts if complete else self.ends - 1, count))
        return _Parts(self.starts[:kept], np.minimum(self.ends[:kept], count))

    @property
    def first(self) -> int:
        """The first row that any part touches."""
        return int(self.starts[0]) if self.starts.size else 0

    @property
    def last(self) -> int:
        """One past the last row that any part touches."""
        return int(self.ends[-1]) if self.ends.size else 0

    def reduce(self, by: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
        """`by` over the rows of each part; `rows[0]` is row `first`."""
        if not self.starts.size:
            return rows[:0]
        if int((self.ends - self.starts).max()) <= 2:
            return np.asarray(by(rows[self.starts - self.first], rows[self.ends - 1 - self.first]))
        padded = np.concatenate([rows, rows[-1:]])  # reduceat takes no index past the end
        pairs = np.stack([self.starts, self.ends], axis=1).ravel() - self.first
        return np.asarray(by.reduceat(padded, pairs)[::2])
