"""The net behind `house-v1`, our own: a log-mel front end and a small residual net of plain convolutions.

Plain 3×3 convolutions, few and at coarse resolution, are what processors compute fastest: about the same number of multiplications as a
MobileNet in half the time. Imports torch, so only `house` and the training import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.encoders.mels import slaney_bands

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_RATE = 32_000
EMBEDDING_DIM = 384
MELS = 96
N_FFT, HOP = 1280, 640  # 40 ms and 20 ms

_TOP_HZ = 15_000.0
_FLOOR = 1e-4  # of mel power, for samples in [-1, 1]: about 16-bit noise
_STRIDES = 16  # of the net, in mel bands and in frames


class FrontEnd(nn.Module):
    """`(n, samples)` at 32 kHz → `(n, 1, 96, frames)`: the logarithm of Slaney mel power, of mean 0 and deviation 1 in the training."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        self.register_buffer("bands", torch.from_numpy(slaney_bands(SAMPLE_RATE, N_FFT, MELS, _TOP_HZ)), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """A frame every 640 samples, the first one around the first sample; at least 641 samples are needed."""
        spectrum = torch.stft(samples, N_FFT, HOP, N_FFT, self.window, center=True, return_complex=True)
        mel = self.bands @ (spectrum.real.square() + spectrum.imag.square())
        return (mel + _FLOOR).log().add(6.0).div(3.5).unsqueeze(1)


class Residual(nn.Module):
    """Two 3×3 convolutions around which the input is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(*_conv(channels, channels), *_conv(channels, channels)[:2])

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → the same shape."""
        return torch.relu(x + self.block(x))


class BandPool(nn.Module):
    """The mean over time and a weighted sum over frequency, weighted for each channel on its own, so that pitch range is not lost."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, bands), 1.0 / bands))

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, bands, t)` → `(n, channels)`."""
        return (x.mean(3) * self.weight).sum(2)


class HouseNet(nn.Module):
    """`(n, samples)` at 32 kHz → `(n, 384)` embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.front_end = FrontEnd()
        self.features = nn.Sequential(
            *_conv(1, 24, kernel=5, stride=2),
            *_conv(24, 48, stride=2),
            Residual(48),
            *_conv(48, 96, stride=2),
            Residual(96),
            Residual(96),
            *_conv(96, 160, stride=2),
            Residual(160),
            Residual(160),
            *_conv(160, EMBEDDING_DIM, kernel=1),
        )
        self.pool = BandPool(EMBEDDING_DIM, MELS // _STRIDES)

    def forward(self, samples: Tensor) -> Tensor:
        """Embeddings of samples."""
        return self.of_mels(self.front_end(samples))

    def of_mels(self, mels: Tensor) -> Tensor:
        """`(n, 1, 96, frames)` from the front end → `(n, 384)` embeddings."""
        pooled: Tensor = self.pool(self.features(mels.contiguous(memory_format=torch.channels_last)))
        return pooled


def new() -> HouseNet:
    """A net with random weights, in the memory layout that processors like best. Seed torch before."""
    net = HouseNet()
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]  # missing in torch's overloads


def read(path: Path) -> HouseNet:
    """The net with the float16 weights of `path`, ready for inference. Raises WeightsError unless they fit exactly and are finite."""
    net = new()
    opening.fill(net, _single(opening.tensors(path)), path)
    return _fold_batch_norms(net.eval()).requires_grad_(False)


def _single(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _fold_batch_norms(net: HouseNet) -> HouseNet:
    """Each batch norm into the convolution before it: the same function with fewer passes over memory."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for part in [module for module in net.modules() if isinstance(module, nn.Sequential)]:
        for place in range(len(part) - 1):
            convolution, norm = part[place], part[place + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                part[place], part[place + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return net


def _conv(channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()
