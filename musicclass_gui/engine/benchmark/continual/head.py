"""The paper's head on frozen embeddings, which grows with the classes (continual-paper.md §2.1, §2.2).

Its random draws (first weights, dropout) come from the generator that it is given, so that runs do not depend on what else draws.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

HIDDEN = 512
DROPOUT = 0.25


class Head(nn.Module):
    """Layer mix where there are layers → dropout → hidden linear → batch norm → ReLU → dropout → linear.

    `shape` is (dim,), or (layers, dim) for a learned weighted sum and bias over the layers: a convolution with kernel 1 over their axis.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator
        self.mix = self._linear(shape[0], 1) if len(shape) == 2 else None
        self.hidden = self._linear(shape[-1], HIDDEN)
        self.norm = nn.BatchNorm1d(HIDDEN)
        self.out = self._linear(HIDDEN, classes)

    @property
    def classes(self) -> int:
        """How many outputs it has."""
        return self.out.out_features

    def grow(self, classes: int) -> None:
        """Have more outputs: the old rows are kept, new ones start as a new layer does."""
        old, self.out = self.out, self._linear(HIDDEN, classes)
        with torch.no_grad():
            self.out.weight[: old.out_features] = old.weight
            self.out.bias[: old.out_features] = old.bias

    def mixed(self, inputs: Tensor) -> Tensor:
        """(m, layers, dim) → (m, dim), the learned mix of the layers; (m, dim) stays as it is."""
        if self.mix is None:
            return inputs
        return torch.matmul(self.mix.weight[0], inputs) + self.mix.bias

    def features(self, inputs: Tensor) -> Tensor:
        """The hidden layer's output (m, 512), before the last dropout."""
        return torch.relu(self.norm(self.hidden(self._dropped(self.mixed(inputs)))))

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits (m, classes)."""
        logits: Tensor = self.out(self._dropped(self.features(inputs)))
        return logits

    def _linear(self, width: int, height: int) -> nn.Linear:
        """A linear layer with torch's usual first weights, drawn from the own generator."""
        layer = nn.Linear(width, height, device="meta").to_empty(device="cpu")
        bound = 1 / math.sqrt(width)
        nn.init.uniform_(layer.weight, -bound, bound, generator=self.generator)
        nn.init.uniform_(layer.bias, -bound, bound, generator=self.generator)
        return layer

    def _dropped(self, values: Tensor) -> Tensor:
        if not self.training:
            return values
        kept = torch.rand(values.shape, generator=self.generator) >= DROPOUT
        return values * kept / (1 - DROPOUT)
