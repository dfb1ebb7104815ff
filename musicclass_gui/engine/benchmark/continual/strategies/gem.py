"""Gradient episodic memory: no step may make the loss on remembered chunks larger (continual-paper.md §1.6; Lopez-Paz 2017).

The published code has one constraint for each class, not for each session (`gem_per_class`), and computes their gradients in training
mode: with dropout, and with batch statistics of a single class that also change the running ones (`gem_train_mode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.memory import Memory, quota
from musicclass_gui.engine.benchmark.continual.training import Learner

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task

EPSILON = 1e-3
"""Added to the diagonal of the quadratic program's matrix (GEM's code, the paper's too)."""


class Strategy(Learner):
    """Fine-tuning whose gradient is projected to where it agrees with those of all remembered groups."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.memory: Memory | None = None
        self.groups: list[tuple[Tensor, Tensor]] = []

    def remember(self, session: Session) -> None:
        """Keep the first training chunks of each class that a drawn order meets, under their true labels."""
        count = quota(self.settings.whole("memory"), session.seen)
        own = torch.Generator().manual_seed(self.task.seed)
        met = session.train.picked(torch.randperm(len(session.train), generator=own))
        new = Memory(met, met.labels).trimmed(count)
        self.memory = new if self.memory is None else Memory.of([self.memory.trimmed(count), new])
        self.groups = [self._group(labels) for labels in self._grouped(session)]

    def _grouped(self, session: Session) -> list[list[int]]:
        if self.settings.flag("gem_per_class"):
            return [[label] for label in range(session.seen)]
        return [list(one.labels) for one in (*self.past, session)]

    def _group(self, labels: list[int]) -> tuple[Tensor, Tensor]:
        assert self.memory is not None
        pool = self.memory.pool
        which = torch.nonzero(torch.isin(pool.labels, torch.tensor(labels))).flatten()
        return pool.inputs(which), pool.labels[which]

    def adjust(self) -> None:
        """Project the gradient when a step along it would make the loss on any group larger."""
        least = 2 if self.settings.flag("gem_train_mode") else 1  # batch statistics need two
        groups = [group for group in self.groups if len(group[1]) >= least]
        if not groups:
            return
        references = torch.stack([self.reference(*group) for group in groups])
        parameters = list(self.net.parameters())
        slope = torch.cat([one.grad.flatten() for one in parameters if one.grad is not None])
        if bool((references @ slope < 0).any()):
            found = projected(slope.numpy(), references.numpy(), self.settings.number("gem_margin"))
            self._write(torch.from_numpy(found))

    def reference(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The gradient (parameters,) of the mean cross-entropy on a group."""
        self.net.train(self.settings.flag("gem_train_mode"))
        entropy = functional.cross_entropy(self.net(inputs), labels)
        slopes = torch.autograd.grad(entropy, list(self.net.parameters()))
        self.net.train()
        return torch.cat([slope.flatten() for slope in slopes])

    def _write(self, slope: Tensor) -> None:
        at = 0
        for one in self.net.parameters():
            one.grad = slope[at : at + one.numel()].reshape(one.shape).clone()
            at += one.numel()


def projected(slope: NDArray[np.float32], references: NDArray[np.float32], margin: float) -> NDArray[np.float32]:
    """g + Mᵀv, v of min ½ vᵀPv + (Mg)ᵀv with v ≥ margin, P = MMᵀ + 0.001 I; M (k, parameters) the references, in float64.

    With P = LLᵀ and v = margin + w it is the non-negative least squares problem min ‖Lᵀw + L⁻¹(P·margin + Mg)‖, w ≥ 0, which scipy
    solves exactly by active sets, as the published code's quadprog does.
    """
    from scipy.optimize import nnls

    wide, g = references.astype(np.float64), slope.astype(np.float64)
    products = wide @ wide.T
    matrix = (products + products.T) / 2 + EPSILON * np.eye(len(wide))
    lower = np.linalg.cholesky(matrix)
    line = matrix @ np.full(len(wide), margin) + wide @ g
    weights = nnls(lower.T, -np.linalg.solve(lower, line))[0] + margin
    return np.asarray(g + wide.T @ weights, np.float32)
