"""Self-attention: the net of Won et al. 2019 (arXiv 1906.04972) as their 2020 comparison has it: convolutions, then two transformer layers.

Written from the geometry that the papers and the state dicts state. Imports torch, so only other nets import it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders.taggers_parts import TAGS, MelNet, Residual, add_layers, through_layers

_CHANNELS = 128
_WIDTH = 256
_INNER = 1024
_HEADS = 8
_NORM_EPS = 1e-12


class Heads(nn.Module):
    """Eight heads of attention, each over 32 numbers of a step."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(_WIDTH, _WIDTH) for _ in range(3))

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → the same shape."""
        parts = [layer(steps).unflatten(2, (_HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)]
        return nn.functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)


class Added(nn.Module):
    """A linear layer, added to what went around it, and normed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, _WIDTH)
        self.LayerNorm = nn.LayerNorm(_WIDTH, eps=_NORM_EPS)

    def forward(self, inner: Tensor, around: Tensor) -> Tensor:
        """`(n, steps, width)` and `(n, steps, 256)` → `(n, steps, 256)`."""
        found: Tensor = self.LayerNorm(self.dense(inner) + around)
        return found


class Attention(nn.Module):
    """The heads and what is around them."""

    def __init__(self) -> None:
        super().__init__()
        self.self = Heads()
        self.output = Added(_WIDTH)

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → the same shape."""
        found: Tensor = self.output(self.self(steps), steps)
        return found


class Widened(nn.Module):
    """The inner layer of the two that follow attention."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(_WIDTH, _INNER)

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → `(n, steps, 1024)`."""
        return nn.functional.gelu(self.dense(steps))


class Layer(nn.Module):
    """One transformer layer, normed after each half."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.intermediate = Widened()
        self.output = Added(_INNER)

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → the same shape."""
        attended = self.attention(steps)
        found: Tensor = self.output(self.intermediate(attended), attended)
        return found


class Layers(nn.Module):
    """Two transformer layers, under the name that the state dicts use."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList([Layer(), Layer()])

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → the same shape."""
        for layer in self.layer:
            steps = layer(steps)
        return steps


class Pooler(nn.Module):
    """What the first step has gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(_WIDTH, _WIDTH)

    def forward(self, steps: Tensor) -> Tensor:
        """`(n, steps, 256)` → `(n, 256)`."""
        return torch.tanh(self.dense(steps[:, 0]))


class SelfAttention(MelNet):
    """Seven residual blocks make steps of 15 s, among which a first one is put that gathers from them all; their order is not told."""

    first_step: Tensor

    def __init__(self) -> None:
        super().__init__(128)
        widths = [1, _CHANNELS, _CHANNELS, *[2 * _CHANNELS] * 5]
        strides = [(2, 2)] * 3 + [(2, 1)] * 4
        add_layers(self, [Residual(*pair, stride) for pair, stride in zip(pairwise(widths), strides, strict=True)])
        self.encoder = Layers()
        self.pooler = Pooler()
        self.dense = nn.Linear(_WIDTH, TAGS)
        self.register_buffer("first_step", _first_step(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 257 samples → `(n, 256)`."""
        steps = through_layers(self, self.picture(samples), 7).squeeze(2).transpose(1, 2)
        first = self.first_step.expand(len(steps), -1, -1)
        pooled: Tensor = self.pooler(self.encoder(torch.cat([first, steps], 1)))
        return pooled


def _first_step() -> Tensor:
    """`(1, 1, 256)`: not learned and in no state dict, but drawn by numpy's first generator from seed 0, which draws the same for ever."""
    drawn = np.random.RandomState(0).random_sample((1, 1, _WIDTH))
    return torch.from_numpy(drawn).float()
