"""Where a run's features come from: the published files, or audio that is read, cut and embedded. It knows no grid and no scores.

What is found in a folder decides: a task's `labels.csv` with its arrays, else the task's data set as its reader knows it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark import embedded, readers
from musicclass_gui.engine.benchmark.readers import emomusic
from musicclass_gui.engine.benchmark.transfer import feature_files, mfcc, tasks
from musicclass_gui.engine.benchmark.transfer.feature_files import Rows
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.protocol import Config, Tell
    from musicclass_gui.engine.benchmark.transfer.tasks import Task
    from musicclass_gui.engine.task import Token

    Matrix = NDArray[np.float64]

CHOI = "choi2017"
_LISTENED_S = 29.0
_READ = 1 << 20


@dataclass(frozen=True)
class Source:
    """A task and the folder that it is learned from; `published` where that has the published features."""

    task: Task
    folder: Path
    published: bool


@dataclass(frozen=True)
class Material:
    """A task as it is learned: its rows, its features by part (from audio), and what could not be used."""

    source: Source
    rows: Rows
    heard: dict[str, Matrix] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def features(self, key: str) -> Matrix:
        """What a key joins: `(n, d)`. Raises BenchmarkError when there is no such part, DataError when its file is damaged."""
        if self.source.published:
            _require(self.source, key)
            return feature_files.features(self.source.folder, key, len(self.rows))
        return np.hstack([self.heard[part] for part in tasks.parts(key)])


def _require(source: Source, key: str) -> None:
    if not feature_files.has(source.folder, key):
        raise BenchmarkError(
            f"The published features of “{source.task.title}” lack what “{key}” joins; leave it out, or run it from audio."
        )


def find(config: Config) -> list[Source]:
    """The source of each task: of those asked for, else of those that the folder has. Raises BenchmarkError when there is none."""
    asked = tasks.chosen(config.tasks) or tasks.TASKS
    found = {task: _source(task, config) for task in asked}
    missing = [task.id for task, source in found.items() if source is None]
    there = [source for source in found.values() if source is not None]
    if not there or (missing and config.tasks):
        raise BenchmarkError(
            f"“{config.data}” has nothing for {', '.join(missing)}: neither the published features nor a folder of audio of that name. "
            "Choose a folder that has a folder for each task, or a data set's own folder and its name."
        )
    return there


def _source(task: Task, config: Config) -> Source | None:
    data = Path(config.data)
    published = feature_files.folder_of(data, task)
    if published is not None:
        return Source(task, published, True)
    named = [folder for folder in (data / task.folder, data / task.reader) if os.path.isdir(folder)]
    is_own = config.dataset == task.reader and os.path.isdir(data)
    folder = next(iter(named), data if is_own else None)
    return Source(task, folder, False) if folder else None


def default_keys(source: Source, encoder: str) -> tuple[str, ...]:
    """All that the paper tried and this source has; for an encoder other than the paper's, its embedding and MFCC."""
    if source.published:
        return tuple(key for key in tasks.KEYS if feature_files.has(source.folder, key))
    return tasks.KEYS if _has_five(encoder) else (tasks.EMBEDDING, tasks.MFCC, f"{tasks.MFCC}+{tasks.EMBEDDING}")


def _has_five(encoder: str) -> bool:
    return encoder.startswith(CHOI) or not encoder


def require(source: Source, key: str, encoder: str) -> None:
    """Raise BenchmarkError when a source cannot give what a key joins."""
    parts = tasks.parts(key)
    if source.published and tasks.EMBEDDING in parts:
        raise BenchmarkError("The published features have layers and MFCC only; “embedding” can be had from audio.")
    if not source.published and not _has_five(encoder) and set(parts) & set(tasks.LAYERS):
        raise BenchmarkError(f"“{key}” names layers of the paper's net; with {encoder}, ask for embedding, mfcc, or mfcc+embedding.")


@dataclass(frozen=True)
class Glance:
    """A task without its features: its rows, the items behind them (none for published features), and what is wrong with them."""

    rows: Rows
    items: tuple[Item, ...] = ()
    problems: tuple[str, ...] = ()


def look(source: Source, token: Token) -> Glance:
    """Look at a task, decoding nothing. Raises DataError."""
    if source.published:
        return Glance(feature_files.rows(source.folder, source.task))
    found = _read(source, token, decode=False)
    items = _usable(found, source.task)
    return Glance(_rows(items, found, source.task), tuple(items), found.problems)


def material(source: Source, keys: Sequence[str], config: Config, token: Token, tell: Tell) -> Material:
    """A task with all that these keys join. Raises DataError, BenchmarkError, EncoderError, WeightsError, Cancelled."""
    if source.published:
        return Material(source, feature_files.rows(source.folder, source.task))
    found = _read(source, token, decode=True)
    items = [_listened(item) for item in _usable(found, source.task)]
    heard, problems = _listen(items, {part for key in keys for part in tasks.parts(key)}, config, token, tell)
    kept = [item for item in items if all(item.key in rows for rows in heard.values())]
    if not kept:
        raise BenchmarkError(f"No clip of “{source.folder}” could be heard; the first reason is: {next(iter(problems), 'there is none')}.")
    arrays = {part: np.stack([rows[item.key] for item in kept]) for part, rows in heard.items()}
    return Material(source, _rows(kept, found, source.task), arrays, (*found.problems, *problems))


def _listened(item: Item) -> Item:
    """The first 29 s of it, as in the paper."""
    end = item.start_s + _LISTENED_S
    return replace(item, end_s=end if item.end_s < 0 else min(end, item.end_s))


def _listen(
    items: Sequence[Item], parts: set[str], config: Config, token: Token, tell: Tell
) -> tuple[dict[str, dict[str, Matrix]], tuple[str, ...]]:
    """Each part of each item that can be heard, by part and key, and sentences on the others."""
    heard: dict[str, dict[str, Matrix]] = {}
    problems: tuple[str, ...] = ()
    if tasks.MFCC in parts:
        tell(f"MFCC of {len(items):,} clips.")
        heard[tasks.MFCC], problems = mfcc.listen(items, token)
    if others := sorted(parts - {tasks.MFCC}):
        encoder, cut = config.encoder or CHOI, embedded.Cut("whole")
        found = embedded.embed(items, encoder, cut, token, tell, device=config.device, weights_folder=config.weights_folder)
        heard.update({part: {key: _part(chunks, part, encoder) for key, chunks in found.chunks.items()} for part in others})
        problems = tuple(dict.fromkeys((*problems, *found.problems)))
    return heard, problems


def _part(chunks: embedded.Chunks, part: str, encoder: str) -> Matrix:
    """The mean over its windows (one, for the paper's net) of a layer, or of the embedding."""
    if part == tasks.EMBEDDING:
        return chunks.data.mean(axis=0, dtype=np.float64)  # type: ignore[no-any-return]
    if chunks.layers is None:
        raise BenchmarkError(f"{encoder} keeps no layers; ask for “embedding”.")
    return chunks.layers[:, int(part) - 1].mean(axis=0, dtype=np.float64)  # type: ignore[no-any-return]


def _read(source: Source, token: Token, *, decode: bool) -> Found:
    """A task's data set. That of emotions has two values of each clip, of which its reader gives one."""
    if source.task.kind == tasks.REGRESSION:
        return emomusic.read(source.folder, token, decode=decode, target=source.task.target)
    return readers.reader(source.task.reader).read(source.folder, token, decode=decode)


def _usable(found: Found, task: Task) -> list[Item]:
    """The items that have what the task asks for."""
    return [item for item in found.items if (item.labels if task.kind == tasks.CLASSES else item.target is not None)]


def _rows(items: Sequence[Item], found: Found, task: Task) -> Rows:
    numbers = {name: number for number, name in enumerate(found.classes)}
    truth = [numbers[item.labels[0]] if task.kind == tasks.CLASSES else item.target for item in items]
    classes = found.classes if task.kind == tasks.CLASSES else ()
    splits = tuple(item.split for item in items)
    return Rows(
        tuple(item.key for item in items), np.asarray(truth, float), classes, splits, tuple(i.groups.get("fold", "") for i in items)
    )


def fingerprint(sources: Sequence[Source], rows: Sequence[Rows]) -> str:
    """What tells these data from others: of published features every byte, of audio which items there are and what is true of them."""
    digest = hashlib.sha256()
    for source, those in zip(sources, rows, strict=True):
        digest.update(source.task.id.encode())
        digest.update("\n".join(those.keys).encode())
        digest.update(those.truth.tobytes())
        for path in sorted(source.folder.glob("*.npy")) if source.published else ():
            with path.open("rb") as file:
                while block := file.read(_READ):
                    digest.update(block)
    return digest.hexdigest()
