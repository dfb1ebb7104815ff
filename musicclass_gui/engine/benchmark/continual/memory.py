"""Exemplars: which chunks of a class are kept (herding), how many (quotas), and under which label; as the paper's code has it, or right.

It knows neither networks nor sessions. continual-paper.md §1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from musicclass_gui.engine.benchmark.continual.pools import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.pools import Pool


def quota(total: int, classes: int) -> int:
    """How many exemplars each class may have."""
    return total // classes


def herded(features: NDArray[Any], count: int) -> list[int]:
    """The candidates (n, dim) whose running mean follows the class's mean best, in the order of picking; all when there are fewer.

    Candidates are brought to length 1, their mean is not (iCaRL, Rebuffi 2017, as the paper's code has it); the first wins a tie.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = (features / np.maximum(lengths, np.finfo(np.float64).tiny)).astype(np.float64)
    mean, total = unit.mean(0), np.zeros(unit.shape[1])
    left = np.ones(len(unit), bool)
    picks: list[int] = []
    for number in range(1, min(count, len(unit)) + 1):
        distances = np.linalg.norm(mean - (unit + total) / number, axis=1)
        pick = int(np.where(left, distances, np.inf).argmin())
        left[pick] = False
        total = total + unit[pick]
        picks.append(pick)
    return picks


@dataclass(frozen=True)
class Memory:
    """Exemplars: `pool` as it is trained on, with the labels that are stored, and the `truth` (m,) of each."""

    pool: Pool
    truth: Tensor

    @classmethod
    def of(cls, parts: Sequence[Self]) -> Self:
        """Several memories as one, in that order."""
        return cls(joined([part.pool for part in parts]), torch.cat([part.truth for part in parts]))

    def trimmed(self, count: int) -> Self:
        """The first `count` of each stored label, by label. Wrongly labelled exemplars stand behind the right ones, and are lost."""
        labels = sorted(set(self.pool.labels.tolist()))
        kept = [torch.nonzero(self.pool.labels == label).flatten()[:count] for label in labels]
        which = torch.cat(kept) if kept else torch.zeros(0, dtype=torch.int64)
        return type(self)(self.pool.picked(which), self.truth[which])

    def content(self) -> dict[tuple[int, int], int]:
        """How many exemplars there are of each (true label, stored label)."""
        pairs = list(zip(self.truth.tolist(), self.pool.labels.tolist(), strict=True))
        return {pair: pairs.count(pair) for pair in sorted(set(pairs))}
