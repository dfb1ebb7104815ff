"""Learning without Forgetting (Li and Hoiem, 2016): the network before a session keeps the old outputs where they were, on the new chunks.

Loss = cross-entropy over the session's own outputs + weight · mean of −Σ softmax(before / T) log softmax(now / T) over the old outputs.
Over all outputs the cross-entropy would push the old ones down, which the second term is to keep. It keeps no chunks. Its authors know
the task of each file they ask about; where all classes are asked about at once, as here, it forgets much.
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
        """Cross-entropy over the new outputs + weighted distillation of the old ones."""
        logits = self.net(inputs)
        if self.teacher is None:
            return functional.cross_entropy(logits, labels)
        with torch.no_grad():
            before = self.teacher(inputs)
        old, warm = self.teacher.classes, self.settings.number("temperature")
        entropy = functional.cross_entropy(logits[:, old:], labels - old)
        return entropy + self.settings.number("lwf_weight") * distilled(before, logits[:, :old], warm)

    def remember(self, session: Session) -> None:
        """Keep the network as the next session's teacher."""
        self.teacher = copy.deepcopy(self.net).eval()


def distilled(before: Tensor, now: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of softened outputs (m, classes), mean over the rows."""
    return functional.cross_entropy(now / temperature, functional.softmax(before / temperature, 1))
