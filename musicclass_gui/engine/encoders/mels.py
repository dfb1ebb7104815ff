"""Slaney's mel bands, as librosa has them by default: what the nets from Keras hear through.

Pure numpy, in double precision: torchaudio's, in single precision, is 1e-7 off. It knows no net.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINEAR_HZ = 200.0 / 3  # per mel, below
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0  # per mel, above


def slaney_bands(sample_rate: int, n_fft: int, bands: int, top_hz: float) -> NDArray[np.float32]:
    """`(bands, n_fft // 2 + 1)` triangles of equal area from 0 Hz to `top_hz` (Slaney, Auditory Toolbox, 1998)."""
    edges = _hz(np.linspace(0.0, _mel(np.asarray(top_hz)), bands + 2))[:, None]
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2]), np.float32)


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    over = mel - _BREAK_HZ / _LINEAR_HZ
    return np.where(over < 0.0, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(over * _LOG_STEP))
