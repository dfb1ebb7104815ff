"""SampleCNN, the net that hears samples: as Won et al. 2020 trained it for tags, with squeeze and excitation too, and as CLMR's encoder.

All three are eleven stages that divide time by 3 until 59,049 samples are one step. They differ in names, in the ends' kernels, and in
what a stage is. Written from the geometry of Lee et al. 2017 (arXiv 1703.01789), Kim et al. 2018 (arXiv 1710.10451) and CLMR
(arXiv 2103.09410). Imports torch, so only modules that are loaded late import it.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders.taggers_parts import TAGS, TaggingNet, add_layers, through_layers

SAMPLES = 59_049
"""3 to the power of 10."""

DIM = 512


class Stage(NamedTuple):
    """Geometry of one stage: channels in and out, kernel, stride, padding, and the maximum over how many steps follows."""

    channels: int
    out: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    pool: int = 3


_WIDTHS = (128, 128, 128, *[256] * 6, DIM)
_MIDDLE = tuple(Stage(*pair) for pair in pairwise(_WIDTHS))

WON_STAGES = (Stage(1, 128, stride=3, pool=1), *_MIDDLE, Stage(DIM, DIM, kernel=1, padding=0, pool=1))
"""As the taggers have them: the first stage pads, and the last is of kernel 1."""

CLMR_STAGES = (Stage(1, 128, stride=3, padding=0, pool=1), *_MIDDLE, Stage(DIM, DIM, pool=1))
"""As CLMR has them: the first stage pads nothing, and the last is of kernel 3."""


def convolution(stage: Stage) -> nn.Sequential:
    """Convolution, batch norm, ReLU, maximum: `(n, channels, t)` → `(n, out, t / stride / pool)`. Its parts are `conv` and `bn`."""
    return nn.Sequential(OrderedDict(zip(("conv", "bn", "relu", "pool"), _parts(stage), strict=True)))


def _parts(stage: Stage) -> tuple[nn.Conv1d, nn.BatchNorm1d, nn.ReLU, nn.MaxPool1d]:
    conv = nn.Conv1d(stage.channels, stage.out, stage.kernel, stage.stride, stage.padding)
    return conv, nn.BatchNorm1d(stage.out), nn.ReLU(), nn.MaxPool1d(stage.pool)


class SqueezedStage(nn.Module):
    """Two convolutions whose channels are weighed by their means over time, beside a third where the shapes differ."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        out, kernel, pad = stage.out, stage.kernel, stage.padding
        self.conv_1, self.bn_1 = nn.Conv1d(stage.channels, out, kernel, stage.stride, pad), nn.BatchNorm1d(out)
        self.conv_2, self.bn_2 = nn.Conv1d(out, out, kernel, 1, pad), nn.BatchNorm1d(out)
        self.dense1, self.dense2 = nn.Linear(out, out), nn.Linear(out, out)
        self._reshapes = stage.stride != 1 or stage.channels != out
        if self._reshapes:
            self.conv_3, self.bn_3 = nn.Conv1d(stage.channels, out, kernel, stage.stride, pad), nn.BatchNorm1d(out)
        self.pool = nn.MaxPool1d(stage.pool)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, t)` → `(n, out, t / stride / pool)`."""
        inner = self.bn_2(self.conv_2(torch.relu(self.bn_1(self.conv_1(x)))))
        gate = torch.sigmoid(self.dense2(torch.relu(self.dense1(inner.mean(2)))))
        around = self.bn_3(self.conv_3(x)) if self._reshapes else x
        found: Tensor = self.pool(torch.relu(around + inner * gate[:, :, None]))
        return found


class SampleCNN(TaggingNet):
    """Eleven convolutions: 59,049 samples at 16 kHz → 512 numbers."""

    def __init__(self) -> None:
        super().__init__()
        add_layers(self, [convolution(stage) for stage in WON_STAGES])
        self.dense = nn.Linear(DIM, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """`(n, 59049)` → `(n, 512)`."""
        return through_layers(self, samples.unsqueeze(1), len(WON_STAGES)).squeeze(2)


class SampleCNNSqueezed(TaggingNet):
    """Eleven stages with squeeze and excitation, and one layer more before the tags."""

    LAST: ClassVar[str] = "dense2"

    def __init__(self) -> None:
        super().__init__()
        add_layers(self, [SqueezedStage(stage) for stage in WON_STAGES])
        self.dense1 = nn.Linear(DIM, DIM)
        self.bn = nn.BatchNorm1d(DIM)
        self.dense2 = nn.Linear(DIM, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """`(n, 59049)` → `(n, 512)`."""
        heard = through_layers(self, samples.unsqueeze(1), len(WON_STAGES)).squeeze(2)
        return torch.relu(self.bn(self.dense1(heard)))


class ContrastiveCNN(nn.Module):
    """CLMR's encoder without what followed it in training: 59,049 samples at 22.05 kHz → 512 numbers; parts are `sequential.STAGE.PART`."""

    def __init__(self) -> None:
        super().__init__()
        self.sequential = nn.Sequential(*(nn.Sequential(*_parts(stage)) for stage in CLMR_STAGES))

    def forward(self, samples: Tensor) -> Tensor:
        """`(n, 59049)` → `(n, 512)`."""
        heard: Tensor = self.sequential(samples.unsqueeze(1)).squeeze(2)
        return heard
