"""The features that were published with Choi et al. 2017, as they lie on the disk: a folder for each task.

They were computed in batches of 256 that lie in the order of `labels.csv`, and each row carries a trace of its batch: they are right for
checking an evaluation to the last digit, and wrong for judging a feature.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.transfer import tasks
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHERE = "The features are in the folder data_transfer of github.com/keunwoochoi/transfer_learning_music; its authors state no licence."
LAYOUT = "A folder for each task, such as gtzan_genre, with labels.csv, layer_0.npy to layer_4.npy (n, 32) and mfcc.npy (n, 120)."
_CITY = (
    *("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling"),
    *("engine_idling", "gun_shot", "jackhammer", "siren", "street_music"),
)
_VOICE = ("nosing", "sing")
_SPEECH = ("music", "speech")
_NAMES = {"urbansound": _CITY, "jamendo_vd": _VOICE, "gtzan_speechmusic": _SPEECH}
"""What the numbers of classes stand for, where no folder says so (UrbanSound8K numbers them by name)."""


@dataclass(frozen=True)
class Rows:
    """The rows of a task in their file's order. `truth` has class numbers or values; `splits` and `groups` the data set's own."""

    keys: tuple[str, ...]
    truth: NDArray[np.float64]
    classes: tuple[str, ...]
    splits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)


def folder_of(data: Path, task: tasks.Task) -> Path | None:
    """Where a task's features are in or at a folder; None when it has none of them."""
    return next((folder for folder in (data / task.folder, data) if folder.name == task.folder and _is_one(folder)), None)


def _is_one(folder: Path) -> bool:
    names = (folder / f"{name}.npy" for name in ("layer_0", tasks.MFCC))
    return os.path.isfile(folder / "labels.csv") and any(map(os.path.isfile, names))  # unlike pathlib's, it never raises


def rows(folder: Path, task: tasks.Task) -> Rows:
    """Read a task's `labels.csv`. Raises DataError, naming the file, when it is not that."""
    path = folder / "labels.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        keys = tuple(line["filepath"] for line in lines)
        truth = np.asarray([float(line[task.label]) for line in lines])
        named = _classes(lines, task) if task.kind == tasks.CLASSES else ()
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DataError(f"“{path}” is not the list of labels that was published with the features ({error}).") from error
    return Rows(keys, truth, named, _column(lines, "category"), _column(lines, "fold"))


def _column(lines: list[dict[str, str]], name: str) -> tuple[str, ...]:
    return tuple(line.get(name) or "" for line in lines)


def _classes(lines: list[dict[str, str]], task: tasks.Task) -> tuple[str, ...]:
    """Names by the class's number: those known, else the folder in which its files lie."""
    by_number = {int(line["label"]): PurePosixPath(line["filepath"]).parent.name for line in lines}
    count = max(by_number) + 1
    known = _NAMES.get(task.folder, ())
    return known[:count] if len(known) >= count else tuple(by_number[number] for number in range(count))


def file_of(folder: Path, part: str) -> Path:
    """The file of a layer, numbered from 1, or of the MFCC."""
    return folder / (f"{tasks.MFCC}.npy" if part == tasks.MFCC else f"layer_{int(part) - 1}.npy")


def has(folder: Path, key: str) -> bool:
    """Whether all that a key joins is there (the MFCC of UrbanSound8K were never published)."""
    return all(part != tasks.EMBEDDING and file_of(folder, part).is_file() for part in tasks.parts(key))


def features(folder: Path, key: str, count: int) -> NDArray[np.float64]:
    """What a key joins, side by side: `(count, d)`. Raises DataError when a file is missing, damaged, or has another number of rows."""
    arrays = [_array(file_of(folder, part)) for part in tasks.parts(key)]
    for part, array in zip(tasks.parts(key), arrays, strict=True):
        if array.ndim != 2 or len(array) != count or not np.isfinite(array).all():
            raise DataError(f"“{file_of(folder, part)}” does not fit its list of {count} labels; fetch both again.")
    return np.hstack(arrays)


def _array(path: Path) -> NDArray[np.float64]:
    try:
        status = path.stat()
        return _read(path, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError) as error:
        raise DataError(f"“{path}” cannot be read as features ({error}).") from error


@lru_cache(maxsize=16)
def _read(path: Path, size: int, mtime_ns: int) -> NDArray[np.float64]:
    """A file as it was when it had this size and time."""
    return np.load(path, allow_pickle=False).astype(np.float64)  # type: ignore[no-any-return]
