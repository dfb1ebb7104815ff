"""The nets behind `choi2017` and `choi2017-keras2`, written from their published geometry: front end, five blocks, how weights are read.

Choi et al., Transfer learning for music classification and regression tasks (ISMIR 2017). Both are the same convolutions; what differs is
where frames start, what normalises, and where features are taken. Imports torch, so only `choi` imports it, when an encoder is loaded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, max_pool2d, pad

from musicclass_gui.engine.encoders import keras_h5, opening
from musicclass_gui.engine.encoders.mels import slaney_bands

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 12_000
PIECE = 29 * SAMPLE_RATE
"""Samples that a net hears at once."""
CHANNELS = 32
POOLS = ((2, 4), (3, 4), (2, 5), (2, 4), (4, 4))
"""Mel bands × frames that each block's pooling makes one."""
CALIBRATION_FILE = Path(__file__).with_name("choi_calibration.safetensors")
"""Means and variances `(5, 32)` before each batch norm of `choi2017` on 48 windows of music, measured by this project.

The paper's net normalised by the batch that it was given, so its file has none (`transfer-paper.md`, section 0). Its metadata name the
weights for which they hold.
"""

_N_FFT, _HOP, _MELS, _TOP_HZ = 512, 256, 96, 6000.0
_FLOOR, _DEEPEST_DB = 1e-10, -80.0
_BATCH_NORM_EPS = 1e-3
_THEANO_LEFT = _N_FFT // 2 + 1  # Theano turns kernels around, so that a frame starts one sample earlier
_THEANO_PARTS = {"W": "convs.{}.weight", "b": "convs.{}.bias", "gamma": "norms.{}.weight", "beta": "norms.{}.bias"}
_THEANO_NAME = re.compile(r"ConvBNEluDr/(?:convolution2d|batchnormalization)_(?P<block>[1-5])_(?P<part>W|b|gamma|beta)")
_THEANO_UNUSED = re.compile(r"melgram/.*|dense_1/.*|ConvBNEluDr/batchnormalization_[1-5]_running_(mean|std)")


class FrontEnd(nn.Module):
    """`(n, samples)` at 12 kHz → `(n, 96, frames)`: mel spectrogram in decibels below its own loudest point, at most 80."""

    window: Tensor
    bands: Tensor

    def __init__(self, *, theano: bool) -> None:
        super().__init__()
        self._theano = theano
        self.register_buffer("window", torch.hann_window(_N_FFT), persistent=False)
        self.register_buffer("bands", torch.from_numpy(slaney_bands(SAMPLE_RATE, _N_FFT, _MELS, _TOP_HZ)), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """A frame every 256 samples, as many as begin in `samples`; silence before and after."""
        spectrum = torch.stft(
            pad(samples, self._padding(samples.shape[1])), _N_FFT, _HOP, window=self.window, center=False, return_complex=True
        )
        mel = self.bands @ (spectrum.real.square() + spectrum.imag.square())
        decibels = 10.0 * mel.clamp_min(_FLOOR).log10()
        return (decibels - decibels.amax((1, 2), keepdim=True)).clamp_min(_DEEPEST_DB)

    def _padding(self, samples: int) -> tuple[int, int]:
        frames = -(-samples // _HOP)
        total = (frames - 1) * _HOP + _N_FFT - samples
        left = _THEANO_LEFT if self._theano else total // 2
        return left, total - left


class ChoiNet(nn.Module):
    """`(n, k · 348,000)` samples at 12 kHz → `(n, 5, 32)`: the mean of each block's maps, over the k pieces too.

    `theano` is the paper's net: maps are averaged after pooling. The other standardises what it hears, and averages before pooling.
    """

    def __init__(self, *, theano: bool) -> None:
        super().__init__()
        self._theano = theano
        self.front_end = FrontEnd(theano=theano)
        self.convs = nn.ModuleList([nn.Conv2d(CHANNELS if block else 1, CHANNELS, 3, padding=1) for block in range(len(POOLS))])
        self.norms = nn.ModuleList([nn.BatchNorm2d(CHANNELS, eps=_BATCH_NORM_EPS) for _ in POOLS])

    def forward(self, samples: Tensor) -> Tensor:
        """Each piece of 29 s on its own, then their mean."""
        pieces = samples.reshape(-1, PIECE)
        means = self.means(self.heard(self.front_end(pieces)))
        return means.reshape(len(samples), -1, *means.shape[1:]).mean(1)

    def heard(self, decibels: Tensor) -> Tensor:
        """`(n, 96, frames)` decibels → what the first convolution sees, `(n, 1, 96, frames)`."""
        if not self._theano:
            spread, mean = torch.std_mean(decibels, (1, 2), correction=0, keepdim=True)
            decibels = (decibels - mean) / (spread + _FLOOR)
        return decibels.unsqueeze(1)

    def means(self, x: Tensor) -> Tensor:
        """`(n, 1, 96, frames)` → `(n, 5, 32)`."""
        found = []
        for conv, norm, pool in zip(self.convs, self.norms, POOLS, strict=True):
            x = elu(norm(conv(x)))
            pooled = max_pool2d(x, pool)
            found.append((pooled if self._theano else x).mean((2, 3)))
            x = pooled
        return torch.stack(found, 1)


def read_theano(path: Path) -> ChoiNet:
    """The paper's net from `weights_theano.hdf5`, kernels turned round and statistics from the calibration. Raises WeightsError."""
    found = dict(_named_theano(name, array) for name, array in opening.arrays_h5(path).items() if not _THEANO_UNUSED.fullmatch(name))
    for name, rows in opening.tensors(CALIBRATION_FILE).items():
        found |= {f"norms.{block}.running_{name}": row for block, row in enumerate(rows)}
    return _filled(ChoiNet(theano=True), found, path)


def read_keras2(path: Path) -> ChoiNet:
    """The later net from `model_best.hdf5`, with the statistics that it keeps. Raises WeightsError."""
    layers = {f"conv2d_{block + 1}": f"convs.{block}" for block in range(len(POOLS))}
    layers |= {f"batch_normalization_{block + 1}": f"norms.{block}" for block in range(len(POOLS))}
    return _filled(ChoiNet(theano=False), keras_h5.weights(path, layers, unused=("melgram", "dense_1")), path)


def _named_theano(name: str, array: NDArray[np.float32]) -> tuple[str, Tensor]:
    match = _THEANO_NAME.fullmatch(name)
    tensor = torch.from_numpy(array)
    if match is None:
        return name, tensor
    return _THEANO_PARTS[match["part"]].format(int(match["block"]) - 1), tensor.flip(2, 3) if tensor.ndim == 4 else tensor


def _filled(net: ChoiNet, found: dict[str, Tensor], path: Path) -> ChoiNet:
    keras_h5.fill(net, found, path)
    return _fold_batch_norms(net.eval()).requires_grad_(False)


def _fold_batch_norms(net: ChoiNet) -> ChoiNet:
    """Fold each batch norm into the convolution before it: the same function with fewer passes over memory."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for block, (conv, norm) in enumerate(zip(net.convs, net.norms, strict=True)):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            net.convs[block], net.norms[block] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return net
