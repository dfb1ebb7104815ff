"""Cached embeddings as strategies learn from them: rows of one store, with the label and the file of each.

It knows tensors only; which files are in a pool is the session's business (`sessions`), what is done with it the strategy's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Store:
    """All chunks of a run: `data` (n, dim) float32, and `layers` (n, count, dim) float16 where heads learn a mix of an encoder's layers."""

    data: Tensor
    layers: Tensor | None = None


@dataclass(frozen=True)
class Pool:
    """Some chunks: their `rows` in the store, the global `labels` (m,) of each, and its file, `keys[owners[i]]`; int64 on the CPU.

    A label is the class's place in `Task.classes`; −1 where it may not be known. Every key owns one chunk at least.
    """

    store: Store
    rows: Tensor
    labels: Tensor
    owners: Tensor
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, which: Tensor | slice | None = None) -> Tensor:
        """What a head is given: layers (m, count, dim) where there are some, else embeddings (m, dim); float32."""
        rows = self.rows if which is None else self.rows[which]
        source = self.store.data if self.store.layers is None else self.store.layers
        return source[rows].float()

    def flat(self) -> Floats:
        """The chunks' embeddings (m, dim)."""
        return np.asarray(self.store.data[self.rows].numpy(), np.float32)

    def numpy_labels(self) -> Numbers:
        """The chunks' labels (m,)."""
        return np.asarray(self.labels.numpy(), np.int64)

    def numpy_owners(self) -> Numbers:
        """The chunks' files (m,), as places in `keys`."""
        return np.asarray(self.owners.numpy(), np.int64)

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The mean of the chunks' `values` (m, width) for each file: (len(keys), width), summed in the chunks' order."""
        owners = self.numpy_owners()
        sums = np.zeros((len(self.keys), values.shape[1]))
        np.add.at(sums, owners, values.astype(np.float64))
        return sums / np.bincount(owners, minlength=len(self.keys))[:, None]

    def picked(self, which: Tensor) -> Self:
        """These chunks, in this order; the files stay numbered as they were, so `means` is not for it."""
        return replace(self, rows=self.rows[which], labels=self.labels[which], owners=self.owners[which])

    def of(self, label: int) -> Self:
        """The chunks of a class."""
        return self.picked(torch.nonzero(self.labels == label).flatten())

    def labelled(self, label: int) -> Self:
        """The same chunks under another label."""
        return replace(self, labels=torch.full_like(self.labels, label))


def joined(pools: Sequence[Pool]) -> Pool:
    """All chunks of pools of the same store, one after the other."""
    keys = tuple(key for pool in pools for key in pool.keys)
    starts = np.cumsum([0, *(len(pool.keys) for pool in pools)])
    owners = [pool.owners + int(start) for pool, start in zip(pools, starts, strict=False)]
    rows, labels = [pool.rows for pool in pools], [pool.labels for pool in pools]
    return Pool(pools[0].store, torch.cat(rows), torch.cat(labels), torch.cat(owners), keys)
