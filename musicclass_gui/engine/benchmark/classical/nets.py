"""Small nets that hear samples at 16 kHz and answer with one score for each output: two of the course's, and Won et al.'s from nothing.

They know no labels and no files. Imports torch, so only modules that are loaded late import it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from musicclass_gui.engine.encoders.samplecnn_net import SAMPLES, SampleCNN
from musicclass_gui.engine.encoders.taggers_harmonic import HarmonicCNN
from musicclass_gui.engine.encoders.taggers_nets import ShortChunk
from musicclass_gui.engine.encoders.taggers_parts import BINS, SAMPLE_RATE, Conv, MelNet, TaggingNet, add_layers, through_layers

if TYPE_CHECKING:
    from collections.abc import Callable

_MELS = 96
_THREE_S = 3 * SAMPLE_RATE
_FIVE_S = 5 * SAMPLE_RATE
_UNUSED = 1
"""Outputs of a last layer that is replaced before it is used."""


class Cnn1d(MelNet):
    """Mel bands as channels: four convolutions along time, then the mean over it."""

    def __init__(self) -> None:
        super().__init__(_MELS)
        add_layers(self, [_along(*pair) for pair in pairwise((_MELS, 64, 64, 128, 128))])
        self.dense = nn.Linear(128, _UNUSED)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 21,000 samples → `(n, 128)`."""
        return through_layers(self, self.picture(samples).squeeze(1), 4).mean(2)


def _along(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv1d(channels, out, 3, padding=1), nn.BatchNorm1d(out), nn.ReLU(), nn.MaxPool1d(3))


class Cnn2d(MelNet):
    """A mel spectrogram as a picture: four convolutions, then the maximum over what is left."""

    def __init__(self) -> None:
        super().__init__(_MELS)
        add_layers(self, [Conv(*pair) for pair in pairwise((1, 32, 64, 128, 128))])
        self.dense = nn.Linear(128, _UNUSED)

    def forward(self, samples: Tensor) -> Tensor:
        """At least 4,000 samples → `(n, 128)`."""
        return through_layers(self, self.picture(samples), 4).amax((2, 3))


@dataclass(frozen=True)
class Kind:
    """How a net is made, and how many samples it hears at once."""

    make: Callable[[], TaggingNet]
    samples: int


KINDS = {
    "cnn1d": Kind(Cnn1d, _THREE_S),
    "cnn2d": Kind(Cnn2d, _THREE_S),
    "short-chunk": Kind(lambda: ShortChunk(residual=False), SAMPLES),
    "short-chunk-res": Kind(lambda: ShortChunk(residual=True), SAMPLES),
    "sample-cnn": Kind(SampleCNN, SAMPLES),
    "harmonic-cnn": Kind(HarmonicCNN, _FIVE_S),
}


class Net(nn.Module):
    """A tagging net with a new last layer: `(n, samples)` → `(n, outputs)` logits."""

    def __init__(self, name: str, outputs: int) -> None:
        super().__init__()
        self.samples = KINDS[name].samples
        self.body = KINDS[name].make()
        setattr(self.body, self.body.LAST, nn.Linear(self.body.last().in_features, outputs))
        if isinstance(self.body, MelNet):
            _fill(self.body)

    def forward(self, samples: Tensor) -> Tensor:
        """Logits of chunks of `self.samples` samples."""
        found: Tensor = self.body.last()(self.body(samples))
        return found


def _fill(net: MelNet) -> None:
    """Give a net its mel bands, which otherwise come with weights: torchaudio's, from 0 to 8 kHz.

    Of 128 bands the lowest are narrower than a bin, so that some are empty, as in the paper; torchaudio would warn of that.
    """
    bands = net.spec.mel_scale.fb
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        bands.copy_(melscale_fbanks(BINS, 0.0, SAMPLE_RATE / 2, bands.shape[1], SAMPLE_RATE))


def made(name: str, outputs: int, seed: int) -> Net:
    """A net as it is before training; the same for the same seed, whatever was drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Net(name, outputs)
