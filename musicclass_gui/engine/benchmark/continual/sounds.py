"""Chunks as sound instead of embeddings, for what learns inside an encoder: pools over a temporary file, cut just as embeddings are.

It knows no net. What it writes has no name on the disk, and is gone when nothing uses it any more.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine.audio import content_hash
from musicclass_gui.engine.benchmark import cutter
from musicclass_gui.engine.benchmark.continual.pools import Store
from musicclass_gui.engine.errors import AudioError, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from musicclass_gui.engine.benchmark.continual.pools import Pool
    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.embedded import Cut
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid


@dataclass(frozen=True)
class Sounds:
    """Where pools' files are, and what their chunks are made into: mono at `rate` Hz, and then what `prepare` makes of them."""

    items: Mapping[str, Item]
    grid: Grid
    rate: int
    prepare: Callable[[Sequence[Audio]], Audio]
    token: Token

    def pools(self, wanted: Sequence[tuple[Pool, Cut]]) -> list[Pool]:
        """The same files, labels and chunks over one store, whose `inputs` are (m, samples). All cuts have chunks of one length.

        Raises BenchmarkError for files that are not what they were, Cancelled.
        """
        starts = np.cumsum([0, *(len(pool) for pool, _ in wanted)])
        store = Store(
            torch.from_numpy(self._written(int(starts[-1]), (chunks for pool, cut in wanted for chunks in self._read(pool, cut))))
        )
        return [
            replace(pool, store=store, rows=torch.arange(len(pool)) + int(start)) for (pool, _), start in zip(wanted, starts, strict=False)
        ]

    def _written(self, count: int, read: Iterator[Audio]) -> Audio:
        """All chunks on the disk."""
        first = next(read, None)
        if first is None:
            return np.zeros((0, 1), np.float32)
        with tempfile.TemporaryFile() as file:
            written = np.memmap(file, np.float32, "w+", shape=(count, first.shape[1]))
        written[: (at := len(first))] = first
        for chunks in read:
            written[at : (at := at + len(chunks))] = chunks
        return written

    def _read(self, pool: Pool, cut: Cut) -> Iterator[Audio]:
        """Each file's chunks, as many as the pool has of it; they lie one after the other there."""
        counts = np.bincount(pool.numpy_owners(), minlength=len(pool.keys))
        for key, count in zip(pool.keys, counts, strict=True):
            self.token.check()
            chunks = self._chunks(self.items[key], cut)
            if len(chunks) != count:
                raise BenchmarkError(f"“{self.items[key].path}” has changed while the benchmark ran; run this again.")
            yield chunks

    def _chunks(self, item: Item, cut: Cut) -> Audio:
        """A file's chunks, cut where `embedded` cuts them."""
        try:
            draw = int(content_hash(Path(item.path), self.token)[:12], 16)
            stretch = cutter.Stretch(cut, self.grid, item.start_s, item.end_s, draw)
            windows = cutter.cut(Path(item.path), [stretch], self.rate, self.token).chunks[0]
        except AudioError as error:
            raise BenchmarkError(f"“{item.path}” could be read before and cannot be any more: {error}") from error
        return self.prepare([window.samples for window in windows])
