"""The nets of Won et al. 2020 (arXiv 2006.00751) that see mel bands, and the table of all their nets.

`forward` of each gives the embedding; its tags are what its last layer and a sigmoid make of it. Written from the geometry that the
paper and the state dicts state. Imports torch, so only `taggers` imports it, and only when an encoder is loaded.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.encoders.samplecnn_net import SampleCNN, SampleCNNSqueezed
from musicclass_gui.engine.encoders.taggers_attention import SelfAttention
from musicclass_gui.engine.encoders.taggers_harmonic import HarmonicCNN
from musicclass_gui.engine.encoders.taggers_parts import TAGS, Conv, MelNet, Residual, TaggingNet, add_layers, folded, through_layers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CHANNELS = 128


class FCN(MelNet):
    """Choi et al. 2016: five convolutions that leave one value of 29 s in each of 64 channels."""

    def __init__(self) -> None:
        super().__init__(96)
        pools = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
        channels = (1, 64, 128, 128, 128, 64)
        add_layers(self, [Conv(*pair, pool) for pair, pool in zip(pairwise(channels), pools, strict=True)])
        self.dense = nn.Linear(64, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """327,424 to 655,103 samples → `(n, 64)`; pooling leaves out what comes after the first 1,280 frames, 20.5 s."""
        return through_layers(self, self.picture(samples), 5).flatten(1)


class CRNN(MelNet):
    """Choi et al. 2017: four convolutions, then two recurrent layers that end with a summary of 29 s."""

    def __init__(self) -> None:
        super().__init__(96)
        channels = (1, 64, 128, 128, 128)
        add_layers(self, [Conv(*pair, pool) for pair, pool in zip(pairwise(channels), (2, 3, 4, 4), strict=True)])
        self.layer5 = nn.GRU(128, 32, 2, batch_first=True)
        self.dense = nn.Linear(32, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 24,320 samples → `(n, 32)`."""
        steps = through_layers(self, self.picture(samples), 4).squeeze(2).transpose(1, 2)
        states: Tensor = self.layer5(steps)[0]
        return states[:, -1]


class Vertical(nn.Module):
    """Filters that are `bands` high and 7 frames long; the loudest place over frequency counts."""

    def __init__(self, out: int, bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, out, (bands, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, 1, f, t)` → `(n, out, t)`."""
        return torch.relu(self.bn(self.conv(x))).amax(2)


class Horizontal(nn.Module):
    """Filters that are `frames` long, over the mean of all bands."""

    def __init__(self, out: int, frames: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, out, frames, padding=frames // 2)
        self.bn = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, 1, f, t)` → `(n, out, t)`."""
        return torch.relu(self.bn(self.conv(x.mean(2))))


class Along(nn.Module):
    """A convolution over 7 frames, batch norm, ReLU."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, out, 7, padding=3)
        self.bn = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, t)` → `(n, out, t)`."""
        return torch.relu(self.bn(self.conv(x)))


class MusiCNN(MelNet):
    """Pons et al. 2018: filters of musical shapes, three convolutions along time, maximum and mean over 3 s."""

    LAST: ClassVar[str] = "dense2"

    def __init__(self) -> None:
        super().__init__(96)
        self.layers = nn.ModuleList([Vertical(204, 67), Vertical(204, 38), Horizontal(51, 129), Horizontal(51, 65), Horizontal(51, 33)])
        self.layer1, self.layer2, self.layer3 = Along(561, 64), Along(64, 64), Along(64, 64)
        self.dense1 = nn.Linear(2 * (561 + 3 * 64), 200)
        self.bn = nn.BatchNorm1d(200)
        self.dense2 = nn.Linear(200, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 257 samples → `(n, 200)`."""
        picture = self.picture(samples)
        seen = torch.cat([layer(picture) for layer in self.layers], 1)
        first: Tensor = self.layer1(seen)
        second = self.layer2(first) + first
        third = self.layer3(second) + second
        every = torch.cat([seen, first, second, third], 1)
        return torch.relu(self.bn(self.dense1(torch.cat([every.amax(2), every.mean(2)], 1))))


class ShortChunk(MelNet):
    """Won et al. 2020: seven small convolutions, then the maximum over time of what is left of 3.69 s; `residual` or plain."""

    LAST: ClassVar[str] = "dense2"

    def __init__(self, *, residual: bool) -> None:
        super().__init__(128)
        widths = [1, *(_CHANNELS * times for times in (1, 1, 2, 2, 2, 2, 4))]
        block = Residual if residual else Conv
        add_layers(self, [block(*pair) for pair in pairwise(widths)])
        self.dense1 = nn.Linear(widths[-1], widths[-1])
        self.bn = nn.BatchNorm1d(widths[-1])
        self.dense2 = nn.Linear(widths[-1], TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 32,512 samples → `(n, 512)`."""
        loudest = through_layers(self, self.picture(samples), 7).amax((2, 3))
        return torch.relu(self.bn(self.dense1(loudest)))


def _short_chunk_residual() -> TaggingNet:
    return ShortChunk(residual=True)


def _short_chunk() -> TaggingNet:
    return ShortChunk(residual=False)


NETS: dict[str, Callable[[], TaggingNet]] = {
    "fcn-mtat": FCN,
    "fcn-jamendo": FCN,
    "musicnn-mtat": MusiCNN,
    "crnn-msd": CRNN,
    "short-chunk": _short_chunk,
    "short-chunk-res": _short_chunk_residual,
    "harmonic-cnn": HarmonicCNN,
    "sample-cnn": SampleCNN,
    "sample-cnn-se": SampleCNNSqueezed,
    "self-attention": SelfAttention,
}
"""What each encoder of `taggers` is, by id."""


def read(encoder_id: str, path: Path) -> TaggingNet:
    """The net with the weights of `path`, ready for inference. Raises WeightsError unless they fit exactly and are finite."""
    net = NETS[encoder_id]().eval().requires_grad_(False)
    opening.fill(net, opening.tensors(path), path)
    folded(net)
    return net
