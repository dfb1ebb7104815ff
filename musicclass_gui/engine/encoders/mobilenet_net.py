"""The net behind `mn04-as`, written from its published geometry: front end, inverted residuals, and how weights are read.

Imports torch, so only `mobilenet` imports it, and only when the encoder is loaded.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SAMPLE_RATE = 32_000
EMBEDDING_DIM = 384
LABELS = 527
"""AudioSet's classes."""

_N_FFT, _WINDOW, _HOP = 1024, 800, 320
_MELS, _MEL_TOP_HZ = 128, 15_000.0
_PRE_EMPHASIS = 0.97
_STEM = 8
_BATCH_NORM_EPS = 1e-3


class Block(NamedTuple):
    """Geometry of one inverted residual: depthwise kernel, channels inside and out, squeeze-excite, activation, stride."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    activation: type[nn.Module]
    stride: int


BLOCKS = (
    Block(3, 8, 8, False, nn.ReLU, 1),
    Block(3, 24, 16, False, nn.ReLU, 2),
    Block(3, 32, 16, False, nn.ReLU, 1),
    Block(5, 32, 16, True, nn.ReLU, 2),
    Block(5, 48, 16, True, nn.ReLU, 1),
    Block(5, 48, 16, True, nn.ReLU, 1),
    Block(3, 96, 32, False, nn.Hardswish, 2),
    Block(3, 80, 32, False, nn.Hardswish, 1),
    Block(3, 72, 32, False, nn.Hardswish, 1),
    Block(3, 72, 32, False, nn.Hardswish, 1),
    Block(3, 192, 48, True, nn.Hardswish, 1),
    Block(3, 272, 48, True, nn.Hardswish, 1),
    Block(5, 272, 64, True, nn.Hardswish, 2),
    Block(5, 384, 64, True, nn.Hardswish, 1),
    Block(5, 384, 64, True, nn.Hardswish, 1),
)


class FrontEnd(nn.Module):
    """`(n, samples)` at 32 kHz → `(n, 1, 128, frames)`: pre-emphasis, power STFT, Kaldi mel bands, scaled logarithm."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(_WINDOW, periodic=False), persistent=False)
        self.register_buffer("bands", _mel_bands(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Frames come every 320 samples; at least 514 samples are needed."""
        emphasised = samples[:, 1:] - _PRE_EMPHASIS * samples[:, :-1]
        spectrum = torch.stft(emphasised, _N_FFT, _HOP, _WINDOW, self.window, center=True, return_complex=True)
        mel = self.bands @ (spectrum.real.square() + spectrum.imag.square())
        return ((mel + 1e-5).log() + 4.5).div(5).unsqueeze(1)


class SqueezeExcite(nn.Module):
    """Scales channels by a gate computed from their means over frequency and time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _multiple_of_8(channels / 4)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → the same shape."""
        gate = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class ConcurrentSqueezeExcite(nn.Module):
    """Holds the one `SqueezeExcite` under the name that the published state dict uses."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([SqueezeExcite(channels)])

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → the same shape."""
        gated: Tensor = self.conc_se_layers[0](x)
        return gated


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, squeeze-excite where marked, project 1×1; a skip where shapes agree."""

    def __init__(self, channels: int, b: Block) -> None:
        super().__init__()
        self._skips = b.stride == 1 and channels == b.out
        self.block = nn.Sequential(
            *([_conv(channels, b.expanded, 1, activation=b.activation)] if b.expanded != channels else []),
            _conv(b.expanded, b.expanded, b.kernel, stride=b.stride, groups=b.expanded, activation=b.activation),
            *([ConcurrentSqueezeExcite(b.expanded)] if b.squeeze else []),
            _conv(b.expanded, b.out, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(n, channels, f, t)` → `(n, out, f / stride, t / stride)`."""
        y: Tensor = self.block(x)
        return x + y if self._skips else y


class MobileNet(nn.Module):
    """`(n, samples)` at 32 kHz → `(n, 384)` embeddings."""

    def __init__(self) -> None:
        super().__init__()
        channels = [_STEM, *(b.out for b in BLOCKS)]
        residuals = [InvertedResidual(c, b) for c, b in zip(channels, BLOCKS, strict=False)]
        self.front_end = FrontEnd()
        self.features = nn.Sequential(
            _conv(1, _STEM, 3, stride=2, activation=nn.Hardswish),
            *residuals,
            _conv(channels[-1], EMBEDDING_DIM, 1, activation=nn.Hardswish),
        )
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(EMBEDDING_DIM, 512), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(512, LABELS)
        )

    def forward(self, samples: Tensor) -> Tensor:
        """The features pooled over frequency and time."""
        pooled: Tensor = self.features(self.front_end(samples)).mean((2, 3))
        return pooled

    def logits(self, embeddings: Tensor) -> Tensor:
        """`(n, 384)` embeddings → `(n, 527)` scores of AudioSet's labels, before the sigmoid."""
        scores: Tensor = self.classifier[2:](embeddings)
        return scores


def read(path: Path) -> MobileNet:
    """The net with the weights of `path`, ready for inference. Raises WeightsError unless they fit exactly and are finite."""
    net = MobileNet()
    opening.fill(net, opening.tensors(path), path)
    folded = _fold_batch_norms(net.eval()).requires_grad_(False)
    return folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]  # missing in torch's overloads


def split(net: MobileNet, blocks: int) -> tuple[nn.Module, nn.ModuleDict]:
    """The net as two: `(n, samples)` → maps, which is the net's own, and maps → maps, a copy of the last `blocks` inverted residuals and
    the convolution after them. The embedding is the mean of the latter over frequency and time. The copy's names are the net's.
    """
    first = len(net.features) - 1 - blocks
    last = nn.ModuleDict({f"{place}": copy.deepcopy(net.features[place]) for place in range(first, len(net.features))})
    return nn.Sequential(net.front_end, net.features[:first]), nn.ModuleDict({"features": last})


def with_tensors(net: MobileNet, tensors: Mapping[str, Tensor]) -> MobileNet:
    """A copy of the net with some of its tensors replaced. Raises WeightsError unless they fit and are finite."""
    own = net.state_dict()
    odd = [name for name, value in tensors.items() if name not in own or own[name].shape != value.shape or not value.isfinite().all()]
    if odd:
        raise WeightsError(f"The tuned end of the encoder does not fit mn04-as ({len(odd)} entries, such as “{odd[0]}”); teach it again.")
    twin = copy.deepcopy(net)
    twin.load_state_dict({**own, **tensors})
    return twin


def _fold_batch_norms(net: MobileNet) -> MobileNet:
    """Fold each batch norm into the convolution before it: the same function with fewer passes over memory."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for layer in net.modules():
        if isinstance(layer, nn.Sequential) and len(layer) > 1 and isinstance(layer[0], nn.Conv2d) and isinstance(layer[1], nn.BatchNorm2d):
            layer[0] = fuse_conv_bn_eval(layer[0], layer[1])
            layer[1] = nn.Identity()
    return net


def _conv(
    channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1, activation: type[nn.Module] | None = None
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=_BATCH_NORM_EPS),
        *([activation()] if activation else []),
    )


def _mel_bands() -> Tensor:
    """`(128, 513)` weights of Kaldi's mel bands; Kaldi leaves the Nyquist bin out."""
    from torchaudio.compliance.kaldi import get_mel_banks

    bands: Tensor = get_mel_banks(_MELS, _N_FFT, float(SAMPLE_RATE), 0.0, _MEL_TOP_HZ, 100.0, -500.0, 1.0)[0]
    return nn.functional.pad(bands, (0, 1))


def _multiple_of_8(channels: float) -> int:
    return max(8, int(channels + 4) // 8 * 8)
