"""The nets behind `musicnn-mtt`, `musicnn-msd` and `vgg-mtt`, written from the geometry that their Keras files describe.

Pons and Serra, musicnn: pre-trained convolutional neural networks for music audio tagging (ISMIR 2019, late-breaking). Maps are time ×
mel bands, as there. Imports torch, so only `musicnn` imports it, and only when an encoder is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from musicclass_gui.engine.encoders import keras_h5
from musicclass_gui.engine.encoders.mels import slaney_bands

if TYPE_CHECKING:
    from pathlib import Path

Net = TypeVar("Net", bound="Tagger")

SAMPLE_RATE = 16_000
FRAMES = 187
"""What the nets were trained on, and so what they hear at once."""
HOP = 256
PIECE = FRAMES * HOP
"""Samples of it: 2.992 s."""
TAGS = 50

_N_FFT, _MELS, _TOP_HZ = 512, 96, 8000.0
_LOUDER = 10_000.0  # before the logarithm
_BATCH_NORM_EPS = 1e-3
_TIMBRAL = ((38, 204), (67, 204))  # mel bands of a kernel that is 7 frames long, and how many there are
_TEMPORAL = ((128, 51), (64, 51), (32, 51))  # frames of a kernel that is one band high
_FRONT = sum(count for _, count in (*_TIMBRAL, *_TEMPORAL))
_MIDDLE = 64
_POOLED = _FRONT + 3 * _MIDDLE
_SPAN = 7  # frames of a kernel
MUSICNN_DIM = 200
VGG_DIM = 256
_VGG_CHANNELS = 128
_VGG_POOLS = (((4, 1), 2), ((2, 2), 2), ((2, 2), 2), ((2, 2), 2), ((4, 4), 4))  # size and stride


class FrontEnd(nn.Module):
    """`(n, 47872)` samples at 16 kHz → `(n, 1, 187, 96)`: the logarithm of librosa's mel spectrogram, mirrored at its edge."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(_N_FFT), persistent=False)
        self.register_buffer("bands", torch.from_numpy(slaney_bands(SAMPLE_RATE, _N_FFT, _MELS, _TOP_HZ)), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Frames are centred on every 256th sample, from the first."""
        mirrored = pad(samples, (_N_FFT // 2, 0), mode="reflect")
        spectrum = torch.stft(mirrored, _N_FFT, HOP, window=self.window, center=False, return_complex=True)
        mel = self.bands @ (spectrum.real.square() + spectrum.imag.square())
        return (_LOUDER * mel + 1.0).log10().transpose(1, 2).unsqueeze(1)


class Tagger(nn.Module):
    """`(n, k · 47872)` samples at 16 kHz → `(n, dim)`, the mean over the k pieces; `tags` makes their tags' logits of embeddings."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.front_end = FrontEnd()
        self.norm = nn.BatchNorm2d(1, eps=_BATCH_NORM_EPS)
        self.tags = nn.Linear(dim, TAGS)

    def forward(self, samples: Tensor) -> Tensor:
        """Each piece of 187 frames on its own, then their mean."""
        found = self.heard(self.norm(self.front_end(samples.reshape(-1, PIECE))))
        return found.reshape(len(samples), -1, found.shape[1]).mean(1)

    def heard(self, mel: Tensor) -> Tensor:
        """`(n, 1, 187, 96)` → `(n, dim)`."""
        raise NotImplementedError


class Shape(nn.Module):
    """One shape of kernel of MusiCNN's front: convolution, ReLU, batch norm, then the loudest over all bands: `(n, count, frames)`."""

    def __init__(self, frames: int, bands: int, count: int) -> None:
        super().__init__()
        self._padding = (0, 0, (frames - 1) // 2, frames // 2)  # TensorFlow's "same" has the odd frame at the end
        self.conv = nn.Conv2d(1, count, (frames, bands))
        self.norm = nn.BatchNorm2d(count, eps=_BATCH_NORM_EPS)

    def forward(self, mel: Tensor) -> Tensor:
        """`(n, 1, frames, bands)` → `(n, count, frames)`."""
        loudest: Tensor = self.norm(self.conv(pad(mel, self._padding)).relu()).amax(3)
        return loudest


class Dense(nn.Module):
    """A convolution over all channels and 7 frames, then ReLU and batch norm: `(n, channels, frames)` → `(n, 64, frames)`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, _MIDDLE, _SPAN, padding=_SPAN // 2)
        self.norm = nn.BatchNorm1d(_MIDDLE, eps=_BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """As many frames as there were."""
        normed: Tensor = self.norm(self.conv(x).relu())
        return normed


class MusiCNN(Tagger):
    """Kernels shaped like timbres and rhythms, three residual layers over time, and the maximum and mean of all of them: 200 numbers."""

    def __init__(self) -> None:
        super().__init__(MUSICNN_DIM)
        timbral = [Shape(_SPAN, bands, count) for bands, count in _TIMBRAL]
        temporal = [Shape(frames, 1, count) for frames, count in _TEMPORAL]
        self.shapes = nn.ModuleList([*timbral, *temporal])
        self.middle = nn.ModuleList([Dense(_FRONT), Dense(_MIDDLE), Dense(_MIDDLE)])
        self.pooled_norm = nn.BatchNorm1d(2 * _POOLED, eps=_BATCH_NORM_EPS)
        self.dense = nn.Linear(2 * _POOLED, MUSICNN_DIM)
        self.dense_norm = nn.BatchNorm1d(MUSICNN_DIM, eps=_BATCH_NORM_EPS)

    def heard(self, mel: Tensor) -> Tensor:
        """`(n, 1, 187, 96)` → `(n, 200)`."""
        front = torch.cat([shape(mel) for shape in self.shapes], 1)
        first = self.middle[0](front)
        second = self.middle[1](first) + first
        third = self.middle[2](second) + second
        layers = torch.cat([front, first, second, third], 1)
        pooled = torch.stack([layers.amax(2), layers.mean(2)], 2).flatten(1)
        embeddings: Tensor = self.dense_norm(self.dense(self.pooled_norm(pooled)).relu())
        return embeddings


class Vgg(Tagger):
    """Five layers of small kernels, 128 channels each, down to two moments of them: 256 numbers."""

    def __init__(self) -> None:
        super().__init__(VGG_DIM)
        self.convs = nn.ModuleList(
            [nn.Conv2d(_VGG_CHANNELS if block else 1, _VGG_CHANNELS, 3, padding=1) for block in range(len(_VGG_POOLS))]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(_VGG_CHANNELS, eps=_BATCH_NORM_EPS) for _ in _VGG_POOLS])

    def heard(self, mel: Tensor) -> Tensor:
        """`(n, 1, 187, 96)` → `(n, 256)`, in Keras' order: all channels of the first moment, then of the second."""
        for conv, norm, (size, stride) in zip(self.convs, self.norms, _VGG_POOLS, strict=True):
            mel = nn.functional.max_pool2d(norm(conv(mel).relu()), size, stride)
        return mel.permute(0, 2, 3, 1).flatten(1)


def read_musicnn(path: Path) -> MusiCNN:
    """MusiCNN with the weights of a Keras file. Raises WeightsError unless they fit exactly and are finite."""
    layers = {"batch_normalization": "norm", "bn_flatpool": "pooled_norm", "dense": "dense", "bn_dense": "dense_norm", "dense_1": "tags"}
    for place in range(len(_TIMBRAL) + len(_TEMPORAL)):
        layers |= {
            f"conv2d{f'_{place}' if place else ''}": f"shapes.{place}.conv",
            f"batch_normalization_{place + 1}": f"shapes.{place}.norm",
        }
    for place in range(3):
        layers |= {f"midend_conv{place + 1}": f"middle.{place}.conv", f"bn_midend_conv{place + 1}": f"middle.{place}.norm"}
    found = keras_h5.weights(path, layers)
    for name in [name for name in found if name.startswith("middle.") and found[name].ndim == 4]:
        found[name] = found[name].squeeze(1).transpose(1, 2)  # (out, 1, frames, channels): in Keras, channels lie where bands did
    return _filled(MusiCNN(), found, path)


def read_vgg(path: Path) -> Vgg:
    """The VGG with the weights of a Keras file. Raises WeightsError unless they fit exactly and are finite."""
    layers = {"bn_input": "norm", "output": "tags"}
    for place in range(len(_VGG_POOLS)):
        layers |= {f"{place + 1}CNN": f"convs.{place}", f"bn_conv{place + 1}": f"norms.{place}"}
    return _filled(Vgg(), keras_h5.weights(path, layers), path)


def _filled(net: Net, found: dict[str, Tensor], path: Path) -> Net:
    keras_h5.fill(net, found, path)
    return net.eval().requires_grad_(False)
