"""The front ends that a recipe can ask for, as torch modules that take whole batches. It knows no model.

Imports torch, so it is only imported when an encoder is loaded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from musicclass_gui.engine import mel as slaney
from musicclass_gui.engine.encoders.onnx_recipe import Log, Mel, Waveform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders.onnx_recipe import Recipe

_LEAST_DEVIATION = 1e-5


class WaveformFront(nn.Module):
    """`(n, samples)` → `(n, 1, samples)`."""

    def __init__(self, recipe: Waveform) -> None:
        super().__init__()
        self._recipe = recipe

    def forward(self, samples: Tensor) -> Tensor:
        """The samples, scaled, each window normalised where the recipe says so."""
        if self._recipe.normalise == "window":
            centred = samples - samples.mean(1, keepdim=True)
            samples = centred / centred.square().mean(1, keepdim=True).sqrt().clamp_min(_LEAST_DEVIATION)
        return (samples * self._recipe.scale).unsqueeze(1)


class MelFront(nn.Module):
    """`(n, samples)` at `sample_rate` → `(n, bands, frames)`, as `Mel` describes."""

    window: Tensor
    bands: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, recipe: Mel, sample_rate: int) -> None:
        super().__init__()
        self._recipe = recipe
        self.register_buffer("window", _window(recipe), persistent=False)
        self.register_buffer("bands", torch.from_numpy(mel_bands(recipe, sample_rate)), persistent=False)
        self.register_buffer("mean", torch.tensor(recipe.mean)[:, None], persistent=False)
        self.register_buffer("std", torch.tensor(recipe.std)[:, None], persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """At least `Mel.frame` samples are needed."""
        recipe = self._recipe
        frames = self._padded(samples * recipe.scale).unfold(1, recipe.frame, recipe.hop_length)
        spectrum = torch.fft.rfft(frames * self.window, n=recipe.n_fft)
        energy = spectrum.real.square() + spectrum.imag.square()
        bands = (_to_power(energy, recipe.power / 2) @ self.bands.T).mT
        return (logarithm(_to_power(bands, recipe.band_power), recipe.log) - self.mean) / self.std

    def _padded(self, samples: Tensor) -> Tensor:
        before, after = _padding(self._recipe, samples.shape[1])
        return nn.functional.pad(samples.unsqueeze(1), (before, after), mode=self._recipe.pad_mode).squeeze(1)


def front_of(recipe: Recipe) -> nn.Module:
    """`(n, samples)` → `(n, bands, steps)`; a waveform is one band."""
    found = recipe.front_end
    return MelFront(found, recipe.sample_rate) if isinstance(found, Mel) else WaveformFront(found)


def logarithm(x: Tensor, log: Log) -> Tensor:
    """What `Log` says, of `(n, bands, frames)`."""
    if log.kind == "none":
        return x
    held = (x * log.multiplier + log.offset).clamp_min(log.floor)
    found = held.log() if log.kind == "ln" else held.log10() * (10 if log.kind == "db" else 1)
    if log.reference == "max":
        found = found - found.amax((1, 2), keepdim=True)
    return torch.maximum(found, found.amax((1, 2), keepdim=True) - log.range) if log.range else found


def mel_bands(recipe: Mel, sample_rate: int) -> NDArray[np.float32]:
    """`(n_mels, n_fft // 2 + 1)` weights of triangles that are evenly spaced on the mel scale."""
    low, high = (to_mel(hz, recipe.mel_scale) for hz in (recipe.f_min, recipe.f_max or sample_rate / 2))
    edges, bins = np.linspace(float(low), float(high), recipe.n_mels + 2), np.fft.rfftfreq(recipe.n_fft, 1 / sample_rate)
    edges_hz = to_hz(edges, recipe.mel_scale)
    weights = _triangles(edges_hz, bins) if recipe.triangles == "hz" else _triangles(edges, to_mel(bins, recipe.mel_scale))
    if recipe.norm == "slaney":
        weights *= (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]
    return weights.astype(np.float32)


def to_mel(hz: float | NDArray[np.floating], scale: str) -> NDArray[np.float64]:
    """Hz → mel, by the scale's name."""
    return slaney.hz_to_mel(hz) if scale == "slaney" else 2595 * np.log10(1 + np.asarray(hz, np.float64) / 700)


def to_hz(mel: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Mel → Hz, by the scale's name."""
    return slaney.mel_to_hz(mel) if scale == "slaney" else 700 * (10 ** (mel / 2595) - 1)


def _triangles(edges: NDArray[np.floating], bins: NDArray[np.floating]) -> NDArray[np.float64]:
    widths = np.diff(edges)
    rising = (bins - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - bins) / widths[1:, None]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float64)


def _window(recipe: Mel) -> Tensor:
    make = torch.hann_window if recipe.window.startswith("hann") else torch.hamming_window
    return make(recipe.frame, periodic=not recipe.window.endswith("symmetric"))


def _padding(recipe: Mel, samples: int) -> tuple[int, int]:
    """Samples before and after."""
    if recipe.padding == "none":
        return 0, 0
    if recipe.padding == "center":
        return recipe.frame // 2, recipe.frame // 2
    total = max(0, (math.ceil(samples / recipe.hop_length) - 1) * recipe.hop_length + recipe.frame - samples)
    return total // 2, total - total // 2


def _to_power(x: Tensor, exponent: float) -> Tensor:
    return x if exponent == 1 else x.sqrt() if exponent == 0.5 else x**exponent
