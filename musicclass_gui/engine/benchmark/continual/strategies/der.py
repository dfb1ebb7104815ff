"""DER++ (Buzzega et al., NeurIPS 2020): a reservoir of chunks with their labels and the outputs they had, rehearsed with every batch.

Loss = cross-entropy of the batch + α · mean squared difference to the stored outputs + β · cross-entropy of stored labels, the last two
on batches drawn from the reservoir. Outputs that were added since a chunk was stored are not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.training import Learner

if TYPE_CHECKING:
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.sessions import Task

_FEWEST = 2  # batch norm needs two


class Reservoir:
    """At most `size` of all examples shown so far, each as likely as any other (Vitter's algorithm R)."""

    def __init__(self, size: int, seed: int) -> None:
        self.inputs: list[Tensor] = []
        self.labels: list[int] = []
        self.logits: list[Tensor] = []
        self.shown = 0
        self._size, self._random = size, np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.labels)

    def show(self, inputs: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Examples (m, …) with labels (m,) and outputs (m, classes); some are kept in place of others."""
        for row, draw in enumerate(self._random.integers(np.arange(self.shown, self.shown + len(labels)) + 1)):
            place = len(self) if len(self) < self._size else int(draw)
            if place < self._size:
                self._put(place, inputs[row].clone(), int(labels[row]), logits[row].clone())
        self.shown += len(labels)

    def drawn(self, count: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Some of them, or all there are: inputs, labels, and the outputs of each, as many as there were then."""
        rows = self._random.permutation(len(self))[:count]
        stored = torch.tensor([self.labels[row] for row in rows])
        return torch.stack([self.inputs[row] for row in rows]), stored, [self.logits[row] for row in rows]

    def _put(self, place: int, inputs: Tensor, label: int, logits: Tensor) -> None:
        here = slice(place, place + 1)
        self.inputs[here], self.labels[here], self.logits[here] = [inputs], [label], [logits]


class Strategy(Learner):
    """Fine-tuning with rehearsal of what was stored and what was said of it."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.reservoir = Reservoir(self.settings.whole("memory"), task.seed)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The three terms; then the reservoir is shown the batch."""
        logits = self.net(inputs)
        total = functional.cross_entropy(logits, labels) + self._rehearsal(len(labels))
        self.reservoir.show(inputs, labels, logits.detach())
        return total

    def _rehearsal(self, count: int) -> Tensor:
        if len(self.reservoir) < _FEWEST:
            return torch.zeros(())
        inputs, _, stored = self.reservoir.drawn(count)
        dark = difference(self.net(inputs), stored)
        inputs, labels, _ = self.reservoir.drawn(count)
        entropy = functional.cross_entropy(self.net(inputs), labels)
        return self.settings.number("der_alpha") * dark + self.settings.number("der_beta") * entropy


def difference(now: Tensor, stored: list[Tensor]) -> Tensor:
    """Mean squared difference over all outputs that were stored."""
    before = torch.nn.utils.rnn.pad_sequence(stored, batch_first=True, padding_value=torch.nan)
    known = ~before.isnan()
    return functional.mse_loss(now[:, : before.shape[1]][known], before[known])
