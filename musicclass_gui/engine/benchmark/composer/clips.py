"""Clips: how recordings are cut, and the clips of a part of the corpus as rows that methods learn from. It knows no method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.embedded import Cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.composer.settings import Settings
    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.embedded import Heard

    Rows = NDArray[np.float32]
    Shares = NDArray[np.float64]
    Numbers = NDArray[np.int64]

CODED_RATE = 16_000
"""The rate that the project's code counts seconds by, whatever the file's is."""


def cut_of(chosen: Settings) -> Cut:
    """Whole clips one after the other, the tail dropped, in seconds or as coded."""
    samples = round(chosen.clip_s * CODED_RATE) if chosen.clip_in_samples else 0
    seconds = 0.0 if samples else chosen.clip_s
    return Cut("full", seconds, samples=samples, rate_ignored=chosen.rate_ignored, first_channel=chosen.first_channel)


@dataclass(frozen=True)
class Clips:
    """All clips of some performances: `rows` (n, d), for each its composer's number and its performance's place in `keys`."""

    rows: Rows
    labels: Numbers
    owners: Numbers
    keys: tuple[str, ...]

    def __len__(self) -> int:
        """How many clips."""
        return len(self.labels)

    @property
    def truths(self) -> Numbers:
        """The composer's number of each performance."""
        return np.asarray(self.labels[np.unique(self.owners, return_index=True)[1]])

    def means(self, shares: Shares) -> Shares:
        """The mean over each performance's clips, (performances, m), of what is given for clips, (n, m)."""
        sums = np.zeros((len(self.keys), shares.shape[1]))
        np.add.at(sums, self.owners, shares)
        return sums / np.bincount(self.owners, minlength=len(self.keys))[:, None]


def gathered(items: Sequence[Item], heard: Heard, composers: Sequence[str]) -> Clips:
    """The clips of those performances that could be heard, in their order."""
    number = {name: place for place, name in enumerate(composers)}
    there = [item for item in items if item.key in heard.chunks]
    parts = [heard.chunks[item.key].data for item in there]
    counts = [len(part) for part in parts]
    labels = np.repeat(np.array([number[item.labels[0]] for item in there], np.int64), counts)
    rows = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
    return Clips(rows, labels, np.repeat(np.arange(len(there)), counts), tuple(item.key for item in there))
