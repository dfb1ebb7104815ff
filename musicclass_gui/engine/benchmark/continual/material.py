"""What all cells of a continual run share: the data as found, both divisions where they differ, and all chunks in one store.

Cells take rows of it; a session's pools are made here. It knows no strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from musicclass_gui.engine.benchmark.continual.pools import Pool, Store
from musicclass_gui.engine.benchmark.continual.sessions import Session
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from musicclass_gui.engine.benchmark.continual.division import Division
    from musicclass_gui.engine.benchmark.continual.scenarios import Sessions
    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.benchmark.embedded import Chunks, Heard

RANDOM, GRID = "random", "grid"


@dataclass(frozen=True)
class Material:
    """`rows` says where the chunks of a file lie in the store, by cut ("random", "grid") and key; `divisions` are by "leaking"."""

    found: Found
    divisions: Mapping[bool, Division]
    store: Store
    rows: Mapping[str, Mapping[str, range]]
    problems: tuple[str, ...]

    def sessions(self, order: Sessions, *, leaking: bool) -> tuple[Session, ...]:
        """The sessions of a class order. Raises BenchmarkError where one has nothing to learn or to test."""
        names = [name for session in order for name in session]
        labels = {item.key: names.index(item.labels[0]) for item in self.found.items}
        made, first = [], 0
        for number, classes in enumerate(order, 1):
            made.append(self._session(number, classes, first, labels, leaking=leaking))
            first += len(classes)
        return tuple(made)

    def _session(self, number: int, classes: tuple[str, ...], first: int, labels: Mapping[str, int], *, leaking: bool) -> Session:
        split = self.divisions[leaking].split
        wanted = range(first, first + len(classes))

        def pool(keys: Iterable[str], cut: str) -> Pool:
            return self._pool([key for key in keys if labels[key] in wanted and key in self.rows[cut]], cut, labels)

        session = Session(
            number, classes, first, pool(split.train, RANDOM), pool(split.train, GRID), pool(split.valid, GRID), pool(split.test, GRID)
        )
        if not (len(session.train) and len(session.grid) and len(session.test)):
            text = "no recording for training or for test could be heard"
            raise BenchmarkError(f"Session {number} ({', '.join(classes)}) cannot be run, because {text}; check the data.")
        return session

    def _pool(self, keys: Sequence[str], cut: str, labels: Mapping[str, int]) -> Pool:
        spans = [self.rows[cut][key] for key in keys]
        rows = np.concatenate([np.asarray(span, np.int64) for span in spans]) if spans else np.zeros(0, np.int64)
        owners = np.repeat(np.arange(len(keys)), [len(span) for span in spans]).astype(np.int64)
        own = np.array([labels[key] for key in keys], np.int64)[owners] if keys else np.zeros(0, np.int64)
        return Pool(self.store, torch.from_numpy(rows), torch.from_numpy(own), torch.from_numpy(owners), tuple(keys))


def gathered(found: Found, divisions: Mapping[bool, Division], heard: Mapping[str, Heard], *, layered: bool) -> Material:
    """All chunks in one store; `heard` is by cut. With `layered` heads learn a mix of the layers."""
    parts: list[Chunks] = []
    rows: dict[str, dict[str, range]] = {}
    at = 0
    for cut, those in heard.items():
        rows[cut] = {}
        for key, chunks in those.chunks.items():
            rows[cut][key] = range(at, at + len(chunks.data))
            parts.append(chunks)
            at += len(chunks.data)
    if not parts:
        raise BenchmarkError(f"None of the recordings in “{found.folder}” could be heard; check the data.")
    problems = tuple(dict.fromkeys(text for those in heard.values() for text in those.problems))
    return Material(found, divisions, Store(_flat(parts), _layers(parts) if layered else None), rows, problems)


def _flat(parts: Sequence[Chunks]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([np.asarray(part.data, np.float32) for part in parts]))


def _layers(parts: Sequence[Chunks]) -> torch.Tensor | None:
    layers: list[Any] = [part.layers for part in parts if part.layers is not None]
    return torch.from_numpy(np.concatenate(layers)) if len(layers) == len(parts) else None
