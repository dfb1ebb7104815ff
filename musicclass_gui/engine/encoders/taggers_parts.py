"""What the taggers of Won et al. 2020 are built of: their front end and their blocks, with the names that their state dicts use.

Written from the geometry that the paper (arXiv 2006.00751) and the state dicts state. Imports torch, so only other nets import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from collections.abc import Sequence

    Pool = int | tuple[int, int]

SAMPLE_RATE = 16_000
TAGS = 50
N_FFT, HOP = 512, 256
BINS = N_FFT // 2 + 1
_FLOOR = 1e-10
_FOLDED = (("conv", "bn"), ("conv_1", "bn_1"), ("conv_2", "bn_2"), ("conv_3", "bn_3"), ("0", "1"))


class TaggingNet(nn.Module):
    """A net that maps `(n, samples)` at 16 kHz to `(n, dim)`, of which its layer `LAST` makes scores of the 50 tags."""

    LAST: ClassVar[str] = "dense"

    def last(self) -> nn.Linear:
        """What turns embeddings into the tags' scores, before the sigmoid."""
        layer = getattr(self, self.LAST)
        assert isinstance(layer, nn.Linear)
        return layer


class Spectrogram(nn.Module):
    """`(n, samples)` → `(n, 257, frames)` power, a frame every 256 samples; the window comes with the weights."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(N_FFT))

    def forward(self, samples: Tensor) -> Tensor:
        """At least 257 samples are needed, which are mirrored at both ends."""
        found = torch.stft(samples, N_FFT, HOP, window=self.window, center=True, pad_mode="reflect", return_complex=True)
        return found.real.square() + found.imag.square()


class MelScale(nn.Module):
    """`(n, 257, frames)` → `(n, mels, frames)`; the bands come with the weights."""

    fb: Tensor

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.register_buffer("fb", torch.zeros(BINS, mels))

    def forward(self, power: Tensor) -> Tensor:
        """The power in each band."""
        return self.fb.T @ power


class MelSpectrogram(nn.Module):
    """`(n, samples)` → `(n, mels, frames)` power."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.spectrogram = Spectrogram()
        self.mel_scale = MelScale(mels)

    def forward(self, samples: Tensor) -> Tensor:
        """The power in each mel band."""
        mel: Tensor = self.mel_scale(self.spectrogram(samples))
        return mel


class MelNet(TaggingNet):
    """A net that sees decibels in mel bands, which a batch norm has scaled."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.spec = MelSpectrogram(mels)
        self.spec_bn = nn.BatchNorm2d(1)

    def picture(self, samples: Tensor) -> Tensor:
        """`(n, samples)` → `(n, 1, mels, frames)`."""
        found: Tensor = self.spec_bn(decibels(self.spec(samples)).unsqueeze(1))
        return found


class Conv(nn.Module):
    """A 3×3 convolution, batch norm, ReLU, maximum over `pool`."""

    def __init__(self, channels: int, out: int, pool: Pool = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.bn = nn.BatchNorm2d(out)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → `(n, out, f / pool, t / pool)`."""
        found: Tensor = self.pool(torch.relu(self.bn(self.conv(x))))
        return found


class Residual(nn.Module):
    """Two 3×3 convolutions beside a third, which all shrink by `stride`; their sum goes through ReLU."""

    def __init__(self, channels: int, out: int, stride: Pool = 2) -> None:
        super().__init__()
        self.conv_1, self.bn_1 = nn.Conv2d(channels, out, 3, stride, 1), nn.BatchNorm2d(out)
        self.conv_2, self.bn_2 = nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out)
        self.conv_3, self.bn_3 = nn.Conv2d(channels, out, 3, stride, 1), nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → `(n, out, f / stride, t / stride)`, rounded up."""
        inner = self.bn_2(self.conv_2(torch.relu(self.bn_1(self.conv_1(x)))))
        return torch.relu(inner + self.bn_3(self.conv_3(x)))


class PooledResidual(nn.Module):
    """Two 3×3 convolutions beside nothing; their sum goes through ReLU and a maximum over `pool`."""

    def __init__(self, channels: int, pool: Pool = 2) -> None:
        super().__init__()
        self.conv_1, self.bn_1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv_2, self.bn_2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → `(n, channels, f / pool, t / pool)`."""
        inner = self.bn_2(self.conv_2(torch.relu(self.bn_1(self.conv_1(x)))))
        found: Tensor = self.pool(torch.relu(x + inner))
        return found


def add_layers(net: nn.Module, layers: Sequence[nn.Module]) -> None:
    """Give a net its layers as `layer1`, `layer2` and so on."""
    for number, layer in enumerate(layers, start=1):
        net.add_module(f"layer{number}", layer)


def through_layers(net: nn.Module, x: Tensor, count: int) -> Tensor:
    """What the first `count` layers make of `x`, one after the other."""
    for number in range(1, count + 1):
        x = net.get_submodule(f"layer{number}")(x)
    return x


def folded(net: nn.Module) -> None:
    """Fold each batch norm of a net in evaluation mode into the convolution before it: the same function with fewer passes over memory.

    Blocks that see pictures get the memory format in which they are faster too. The net is not to be filled or saved after this.
    """
    for module in list(net.modules()):
        for conv, norm in _FOLDED:
            _fold(module, conv, norm)
        if isinstance(module, (Conv, Residual, PooledResidual)):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's overloads


def _fold(module: nn.Module, conv: str, norm: str) -> None:
    first, second = getattr(module, conv, None), getattr(module, norm, None)
    if isinstance(first, (nn.Conv1d, nn.Conv2d)) and isinstance(second, (nn.BatchNorm1d, nn.BatchNorm2d)):
        setattr(module, conv, fuse_conv_bn_eval(first, second))
        setattr(module, norm, nn.Identity())


def decibels(power: Tensor) -> Tensor:
    """Power as torchaudio's AmplitudeToDB gives it by default: 10 log10, no less than −100, and no ceiling."""
    return 10 * power.clamp(min=_FLOOR).log10()
