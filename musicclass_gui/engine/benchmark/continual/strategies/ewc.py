"""Elastic weight consolidation: change least what mattered most for the sessions before (continual-paper.md §1.7).

The published code computes the penalty and throws it away, so that its EWC is fine-tuning (`ewc_penalty_discarded`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.training import Learner, shuffled

if TYPE_CHECKING:
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.pools import Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


@dataclass(frozen=True)
class Anchor:
    """What a session left behind: each parameter's value, and how much it matters."""

    values: dict[str, Tensor]
    importance: dict[str, Tensor]


class Strategy(Learner):
    """Fine-tuning with λ · Σ_sessions Σ_parameters F (θ − θ*)² in the loss; of the output layer, the rows that were there then."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.anchors: list[Anchor] = []
        self.discarded = self.settings.flag("ewc_penalty_discarded")

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, and the penalty where it is not thrown away."""
        entropy = super().loss(inputs, labels)
        return entropy if self.discarded or not self.anchors else entropy + self.penalty()

    def penalty(self) -> Tensor:
        """λ · Σ_sessions Σ_parameters F (θ − θ*)²."""
        now = dict(self.net.named_parameters())
        terms = [
            (anchor.importance[name] * (now[name][: len(value)] - value) ** 2).sum()
            for anchor in self.anchors
            for name, value in anchor.values.items()
        ]
        return self.settings.number("ewc_lambda") * torch.stack(terms).sum()

    def remember(self, session: Session) -> None:
        """Keep the parameters and their importance, one set for each session."""
        if not self.discarded:
            values = {name: value.detach().clone() for name, value in self.net.named_parameters()}
            self.anchors.append(Anchor(values, self.importance(session.train)))

    def importance(self, pool: Pool) -> dict[str, Tensor]:
        """The mean over batches of the squared gradient of the batch's mean cross-entropy, in evaluation mode."""
        parameters = dict(self.net.named_parameters())
        sums = {name: torch.zeros_like(value) for name, value in parameters.items()}
        own = torch.Generator().manual_seed(self.task.seed)
        parts = shuffled(len(pool), self.settings.whole("batch_size"), own)
        for batch in parts:
            self.task.token.check()
            entropy = functional.cross_entropy(self.net(pool.inputs(batch)), pool.labels[batch])
            for name, slope in zip(sums, torch.autograd.grad(entropy, list(parameters.values())), strict=True):
                sums[name] += slope**2
        return {name: value / len(parts) for name, value in sums.items()}
