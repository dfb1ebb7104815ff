"""VGGish and OpenL3 as torch nets, written from their published geometry, with the names that their torch ports use.

Imports torch, so it is only imported when one of them is loaded from such a file.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders import onnx_front, opening
from musicclass_gui.engine.encoders.running import OnRunner, Runner, padded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.encoders.onnx_recipe import Recipe
    from musicclass_gui.engine.windows import Audio

VGGISH_HIDDEN = 4096
_VGGISH_CHANNELS = ((64,), (128,), (256, 256), (512, 512))
_OPENL3_CHANNELS = ((64, 64), (128, 128), (256, 256), (512,))
_OPENL3_DIM = 512
_BATCH_NORM_EPS = 1e-3  # Keras's


class Vggish(nn.Module):
    """`(n, 64, 96)` log mel → `(n, 128)`: four blocks of 3×3 convolutions, each halved by max pooling, then three linear layers.

    As in the present published code, the last layer is not rectified; the torch port's older copies do so.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*_vggish_layers())
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, VGGISH_HIDDEN),
            nn.ReLU(),
            nn.Linear(VGGISH_HIDDEN, VGGISH_HIDDEN),
            nn.ReLU(),
            nn.Linear(VGGISH_HIDDEN, 128),
        )

    def forward(self, mel: Tensor) -> Tensor:
        """The maps are laid out time, frequency, channel before the linear layers."""
        maps = self.features(mel.mT.unsqueeze(1))
        found: Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return found


class OpenL3(nn.Module):
    """`(n, 256, 199)` decibels → `(n, 512)`: eight 3×3 convolutions with batch norms, halved three times, then the largest of each map."""

    def __init__(self) -> None:
        super().__init__()
        channels = [1, *(channels for block in _OPENL3_CHANNELS for channels in block)]
        self._blocks = _OPENL3_CHANNELS
        for number, (before, after) in enumerate(pairwise(channels), 1):
            self.add_module(f"batch_normalization_{number}", nn.BatchNorm2d(before, eps=_BATCH_NORM_EPS))
            self.add_module(f"conv2d_{number}", nn.Conv2d(before, after, 3, padding=1))
        self.add_module(f"batch_normalization_{len(channels)}", nn.BatchNorm2d(channels[-1], eps=_BATCH_NORM_EPS))
        self.audio_embedding_layer = nn.Conv2d(channels[-1], _OPENL3_DIM, 3, padding=1)

    def forward(self, mel: Tensor) -> Tensor:
        """The last maps are 32 × 24, and one window of pooling takes them whole."""
        maps = self.get_submodule("batch_normalization_1")(mel.unsqueeze(1))
        number = 0
        for place, block in enumerate(self._blocks):
            if place:
                maps = nn.functional.max_pool2d(maps, 2)
            for _ in block:
                number += 1
                maps = self.get_submodule(f"conv2d_{number}")(maps)
                maps = torch.relu(self.get_submodule(f"batch_normalization_{number + 1}")(maps))
        found: Tensor = self.audio_embedding_layer(maps)[:, :, :32, :24].amax((2, 3))
        return found


class TorchEncoder(OnRunner):
    """One of the nets behind its front end."""

    def __init__(self, spec: EncoderSpec, recipe: Recipe, net: nn.Module, device: str, notices: Sequence[str]) -> None:
        self._samples = recipe.samples
        whole = nn.Sequential(onnx_front.front_of(recipe), net)
        runner = Runner(_Patched(whole, recipe), spec.sample_rate, device, notices, prepare=self._stack, cpu_batch_s=8.0)
        super().__init__(spec, runner)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows, ≥ 1 sample each → `(len(windows), dim)` float32."""
        return self._runner.run(windows).reshape(len(windows), self.spec.dim)

    def _stack(self, windows: Sequence[Audio]) -> Audio:
        return padded(windows, self._samples)


class _Patched(nn.Module):
    """A net that sees windows of the recipe's length; longer ones are cut, and their embeddings averaged."""

    def __init__(self, net: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.net, self._samples = net, recipe.samples

    def forward(self, samples: Tensor) -> Tensor:
        count = samples.shape[1] // self._samples
        found: Tensor = self.net(samples[:, : count * self._samples].reshape(-1, self._samples))
        return found.reshape(len(samples), count, -1).mean(1)


def load(spec: EncoderSpec, recipe: Recipe, file: Path, device: str, notices: Sequence[str]) -> TorchEncoder:
    """`vggish` or `openl3` with the tensors of `file`. Raises WeightsError unless they are this net's."""
    tensors = opening.tensors(file)
    if spec.id == "vggish":
        return TorchEncoder(spec, recipe, _filled(Vggish(), tensors, file, ("pproc.pca_eigen_vectors", "pproc.pca_means")), device, notices)
    return TorchEncoder(spec, recipe, _filled(OpenL3(), tensors, file, _openl3_extras(tensors)), device, notices)


def _filled(net: nn.Module, tensors: dict[str, Tensor], file: Path, optional: Sequence[str]) -> nn.Module:
    opening.fill(net, tensors, file, optional=optional)
    return net.requires_grad_(False)


def _openl3_extras(tensors: dict[str, Tensor]) -> list[str]:
    """What ports may have beside the net, or leave out: the front end's tables, and batch counts."""
    counts = [f"batch_normalization_{number}.num_batches_tracked" for number in range(1, 9)]
    return [*counts, *(name for name in tensors if name.startswith("speclayer."))]


def _vggish_layers() -> list[nn.Module]:
    layers: list[nn.Module] = []
    before = 1
    for block in _VGGISH_CHANNELS:
        for after in block:
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            before = after
        layers.append(nn.MaxPool2d(2))
    return layers
