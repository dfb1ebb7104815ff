"""iCaRL: replay with distillation of the network before (continual-paper.md §1.5; Rebuffi 2017).

The published code distils a softmax with temperature 2 (`icarl_distillation`) and answers with the linear head
(`icarl_linear_head`); the method's own classifier is the nearest mean of exemplars, and its distillation a sigmoid's.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.strategies.replay import Strategy as Replay

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.head import Head
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy(Replay):
    """Replay, a second loss on the old outputs, and the nearest mean of exemplars."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.teacher: Head | None = None
        self.linear = self.settings.flag("icarl_linear_head")

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy + distillation of the network before, both with weight 1."""
        logits = self.net(inputs)
        entropy = functional.cross_entropy(logits, labels)
        if self.teacher is None:
            return entropy
        with torch.no_grad():
            before = self.teacher(inputs)
        return entropy + self.distillation(before, logits[:, : self.teacher.classes])

    def distillation(self, before: Tensor, now: Tensor) -> Tensor:
        """ "softmax": mean of −Σ softmax(before / T) log softmax(now / T), no T²; "sigmoid": binary cross-entropy, summed over outputs."""
        if self.settings.word("icarl_distillation") == "softmax":
            warm = self.settings.number("temperature")
            return -(functional.softmax(before / warm, 1) * functional.log_softmax(now / warm, 1)).sum(1).mean()
        return functional.binary_cross_entropy_with_logits(now, before.sigmoid(), reduction="none").sum(1).mean()

    def remember(self, session: Session) -> None:
        """Keep exemplars, and the network as the next session's teacher."""
        super().remember(session)
        self.teacher = copy.deepcopy(self.net).eval()

    def candidates(self, pool: Pool) -> NDArray[np.float32]:
        """What herding looks at: as published the mix of the layers, else what the classifier compares, the hidden layer."""
        return super().candidates(pool) if self.linear else self._through(self.net.features, pool)

    def predict(self, items: Pool) -> Numbers:
        """By the linear head, or the nearest mean of exemplars: unit hidden features, of chunks averaged per class and per file."""
        if self.linear or self.memory is None:
            return super().predict(items)
        files = items.means(unit(self._through(self.net.features, items)))
        centers, labels = self.centers()
        nearest = (np.linalg.norm(files[:, None] - centers[None], axis=2)).argmin(1)
        return np.asarray(labels[nearest], np.int64)

    def centers(self) -> tuple[NDArray[np.float64], Numbers]:
        """The unit mean of each stored label's exemplars (classes, 512), and the labels."""
        assert self.memory is not None
        pool = self.memory.pool
        features, stored = unit(self._through(self.net.features, pool)), pool.numpy_labels()
        labels = np.unique(stored)
        return unit(np.stack([features[stored == label].mean(0) for label in labels])), labels


def unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows (n, dim) brought to length 1; zero stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), np.float64)
