"""Writing features: as an array (npy), as arrays with names and times (npz), or as a table (parquet), never more than a part in memory.

The columns of a table and the arrays of an npz file are described at `write`. It computes nothing.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from math import prod
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.errors import ExtractError
from musicclass_gui.engine.files import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.extract_list import Recordings
    from musicclass_gui.engine.extract_store import Journal

FORMATS = ("npz", "npy", "parquet")
_BLOCK_BYTES = 4 << 20  # of embeddings in one piece of a table


@dataclass(frozen=True)
class Features:
    """What is to be written: `shape` is that of one row, `by_window` whether a row is a window, `about` what made it."""

    recordings: Recordings
    journal: Journal
    shape: tuple[int, ...]
    by_window: bool
    about: dict[str, Any]

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return prod(self.shape)

    def counts(self) -> NDArray[np.int64]:
        """How many rows each line gives."""
        return self.journal.counts(len(self.recordings.numbers))[np.frombuffer(self.recordings.lines, np.int64)]


def write(path: Path, kind: str, features: Features) -> int:
    """Write `path` whole or not at all, as one of `FORMATS`; gives the number of rows. Raises ExtractError.

    Rows stand in the order of the lines. A recording that failed gives one row of NaN.

    * npy: embeddings `(rows, dim)` or `(rows, layers, dim)`, float32.
    * npz: `embeddings` as above; `paths`, `durations` in seconds; `failed` and `reasons`, the lines that failed and why; `path_index`,
      `times` (rows, 2) in seconds and `loud`, where each row is a window; `encoder`, `version`, `grid` and `about` as JSON.
    * parquet: columns `path`, `duration`, `error`, `embedding`, and `path_index`, `start`, `end`, `loud` where each row is a window; the
      key `musicclass` of the table's metadata has what made it, as JSON.
    """
    writers = {"npy": _write_npy, "npz": _write_npz, "parquet": _write_parquet}
    counts = features.counts()
    try:
        with whole(path, features.journal.scratch) as part:
            writers[kind](part, features, counts)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExtractError(
            f"“{path}” cannot be written ({reason}); free some space, or close what has it open. What was computed is kept."
        ) from error
    return int(counts.sum())


def _write_npy(path: Path, features: Features, counts: NDArray[np.int64]) -> None:
    with path.open("wb") as file:
        _put(file, (int(counts.sum()), *features.shape), "<f4", _embeddings(features))


def _write_npz(path: Path, features: Features, counts: NDArray[np.int64]) -> None:
    recordings, journal, rows = features.recordings, features.journal, int(counts.sum())
    with zipfile.ZipFile(path, "w") as archive:
        _member(archive, "embeddings", (rows, *features.shape), "<f4", _embeddings(features))
        _member(archive, "paths", (len(recordings),), *_texts([path for _, path in recordings]))
        _member(archive, "durations", (len(recordings),), "<f8", (np.float64(journal.facts(number)[0]) for number in recordings.lines))
        failed, reasons = _failures(features)
        _member(archive, "failed", (len(failed),), "<i8", [failed])
        _member(archive, "reasons", (len(reasons),), *_texts(reasons))
        if features.by_window:
            _member(archive, "path_index", (rows,), "<i8", [np.repeat(np.arange(len(recordings)), counts)])
            _member(archive, "times", (rows, 2), "<f8", (journal.spans(number) for number in recordings.lines))
            _member(archive, "loud", (rows,), "|b1", (journal.loud(number) for number in recordings.lines))
        for name in ("encoder", "version", "grid"):
            _member(archive, name, (), *_texts([features.about[name]]))
        _member(archive, "about", (), *_texts([json.dumps(features.about, ensure_ascii=False)]))


def _write_parquet(path: Path, features: Features, counts: NDArray[np.int64]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = json.dumps(features.about, ensure_ascii=False).encode()
    schema = pa.schema([pa.field(name, kind) for name, kind in _columns(pa, features).items()], metadata={"musicclass": about})
    with pq.ParquetWriter(path, schema) as writer:
        for lines in _blocks(counts, features.width):
            writer.write_batch(pa.record_batch(_block(pa, features, lines, counts), schema=schema))


def _columns(pa: Any, features: Features) -> dict[str, Any]:
    window = {"path_index": pa.int64(), "start": pa.float64(), "end": pa.float64(), "loud": pa.bool_()} if features.by_window else {}
    known = {"path": pa.string(), "duration": pa.float64(), "error": pa.string()}
    return {**known, **window, "embedding": pa.list_(pa.float32(), features.width)}


def _blocks(counts: NDArray[np.int64], width: int) -> Iterator[range]:
    """Lines whose rows are few enough to be held."""
    first, held = 0, 0
    for line, count in enumerate(counts.tolist()):
        held += count * width * 4
        if held >= _BLOCK_BYTES:
            yield range(first, line + 1)
            first, held = line + 1, 0
    if first < len(counts):
        yield range(first, len(counts))


def _block(pa: Any, features: Features, lines: range, counts: NDArray[np.int64]) -> list[Any]:
    journal, numbers = features.journal, [features.recordings.lines[line] for line in lines]
    repeats = counts[lines.start : lines.stop]
    facts = [journal.facts(number) for number in numbers]
    columns = [
        pa.array(_repeated([_shown(features.recordings.path(number)) for number in numbers], repeats), pa.string()),
        pa.array(_repeated([None if error else duration for duration, error in facts], repeats), pa.float64()),
        pa.array(_repeated([error or None for _, error in facts], repeats), pa.string()),
    ]
    if features.by_window:
        spans = np.concatenate([journal.spans(number) for number in numbers])
        loud = np.concatenate([journal.loud(number) for number in numbers])
        columns += [pa.array(np.repeat(np.arange(lines.start, lines.stop), repeats)), *map(pa.array, spans.T), pa.array(loud)]
    data = np.concatenate([journal.data(number, features.width) for number in numbers])
    return [*columns, pa.FixedSizeListArray.from_arrays(pa.array(data.reshape(-1)), features.width)]


def _repeated(values: list[Any], repeats: NDArray[np.int64]) -> list[Any]:
    return [value for value, times in zip(values, repeats.tolist(), strict=True) for _ in range(times)]


def _embeddings(features: Features) -> Iterator[NDArray[Any]]:
    return (features.journal.data(number, features.width) for number in features.recordings.lines)


def _failures(features: Features) -> tuple[NDArray[np.int64], list[str]]:
    reasons = dict(features.journal.failures())
    lines = [(line, reasons[number]) for line, number in enumerate(features.recordings.lines) if number in reasons]
    return np.array([line for line, _ in lines], np.int64), [reason for _, reason in lines]


def _texts(texts: list[str]) -> tuple[str, Iterator[NDArray[Any]]]:
    """Texts as NumPy keeps them, all as long as the longest, one at a time."""
    kind = f"<U{max(map(len, texts), default=1) or 1}"
    return kind, (np.array(text, kind) for text in texts)


def _member(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: str, parts: Iterable[Any]) -> None:
    """One array of an npz file; texts, which are mostly padding, are packed."""
    about = zipfile.ZipInfo(f"{name}.npy")
    about.compress_type = zipfile.ZIP_DEFLATED if kind.startswith("<U") else zipfile.ZIP_STORED
    with archive.open(about, "w", force_zip64=True) as file:
        _put(file, shape, kind, parts)


def _put(file: IO[bytes], shape: tuple[int, ...], kind: str, parts: Iterable[Any]) -> None:
    """An array in NumPy's format, part by part."""
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    for part in parts:
        file.write(np.ascontiguousarray(part, kind).tobytes())


def _shown(path: str) -> str:
    """A path as valid text; bytes that are none are shown as such."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
