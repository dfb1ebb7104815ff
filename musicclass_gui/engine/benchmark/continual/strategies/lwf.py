"""Learning without Forgetting (Li and Hoiem, 2016): the network before a session keeps the old outputs where they were, on the new chunks.

Loss = cross-entropy + weight · mean of −Σ softmax(before / T) log softmax(now / T) over the old outputs. It keeps no chunks. Its authors
know the task of each file they ask about; where all classes are asked about at once, as here, it forgets much.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.training import Learner

if TYPE_CHECKING:
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.head import Head
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy(Learner):
    """Fine-tuning with a second loss on the old outputs."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.teacher: Head | None = None

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy over all outputs + weighted distillation of the old ones."""
        logits = self.net(inputs)
        entropy = functional.cross_entropy(logits, labels)
        if self.teacher is None:
            return entropy
        with torch.no_grad():
            before = self.teacher(inputs)
        warm = self.settings.number("temperature")
        kept = distilled(before, logits[:, : self.teacher.classes], warm)
        return entropy + self.settings.number("lwf_weight") * kept

    def remember(self, session: Session) -> None:
        """Keep the network as the next session's teacher."""
        self.teacher = copy.deepcopy(self.net).eval()


def distilled(before: Tensor, now: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of softened outputs (m, classes), mean over the rows."""
    return functional.cross_entropy(now / temperature, functional.softmax(before / temperature, 1))
