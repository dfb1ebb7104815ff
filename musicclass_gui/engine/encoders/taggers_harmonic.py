"""Harmonic CNN: the net of Won et al. 2020 (ICASSP, “Data-driven harmonic filters”) whose bands come in harmonic series.

Its triangular filters are computed from one learned number, the quality of all of them. Written from the geometry that the paper and
its state dicts state. Imports torch, so only other nets import it.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders.taggers_parts import (
    BINS,
    SAMPLE_RATE,
    TAGS,
    Conv,
    PooledResidual,
    Spectrogram,
    TaggingNet,
    add_layers,
    decibels,
    through_layers,
)

HARMONICS = 6
_LOWEST, _HIGHEST = 24, 88  # MIDI notes: C1, and the E6 that is the note nearest to the highest tone with six harmonics below 8 kHz
_PER_SEMITONE = 2
LEVELS = (_HIGHEST - _LOWEST) * _PER_SEMITONE
_BANDWIDTH_SLOPE, _BANDWIDTH_HZ = 0.1079, 24.7  # of hearing's critical bands (Glasberg and Moore 1990), as the paper takes them


class HarmonicSTFT(nn.Module):
    """`(n, samples)` → `(n, 6, 128, frames)` decibels: the bands at once, twice and up to six times 128 tones, half a semitone apart."""

    centres: Tensor
    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.spec = Spectrogram()
        self.bw_Q = nn.Parameter(torch.ones(1))
        self.register_buffer("centres", _centres(), persistent=False)
        self.register_buffer("bins", torch.linspace(0, SAMPLE_RATE // 2, BINS), persistent=False)

    def filters(self) -> Tensor:
        """`(257, 6 · 128)` weights: triangles as wide as hearing's critical bands divided by the quality, in Hz."""
        widths = (_BANDWIDTH_SLOPE * self.centres + _BANDWIDTH_HZ) / self.bw_Q
        away = (self.bins[:, None] - self.centres).abs()
        return (1 - 2 * away / widths).clamp(min=0)

    def forward(self, samples: Tensor) -> Tensor:
        """The power in each band, in decibels."""
        bands = self.filters().T @ self.spec(samples)
        return decibels(bands.unflatten(1, (HARMONICS, LEVELS)))


class HarmonicCNN(TaggingNet):
    """Convolutions that see a tone's harmonics as channels, then the maximum over what is left of 5 s."""

    LAST: ClassVar[str] = "dense2"

    def __init__(self) -> None:
        super().__init__()
        self.hstft = HarmonicSTFT()
        self.hstft_bn = nn.BatchNorm2d(HARMONICS)
        first = [Conv(HARMONICS, 128), PooledResidual(128), PooledResidual(128), PooledResidual(128)]
        add_layers(self, [*first, Conv(128, 256), PooledResidual(256, (2, 3)), PooledResidual(256, (2, 3))])
        self.dense1 = nn.Linear(256, 256)
        self.bn = nn.BatchNorm1d(256)
        self.dense2 = nn.Linear(256, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 73,472 samples → `(n, 256)`."""
        loudest = through_layers(self, self.hstft_bn(self.hstft(samples)), 7).amax((2, 3))
        return torch.relu(self.bn(self.dense1(loudest)))


def _centres() -> Tensor:
    """`(6 · 128,)` centres of the bands in Hz, harmonic by harmonic."""
    midi = _LOWEST + torch.arange(LEVELS, dtype=torch.float64) / _PER_SEMITONE
    tones = 440 * 2 ** ((midi - 69) / 12)
    return (torch.arange(1, HARMONICS + 1)[:, None] * tones).flatten().float()
