"""The yardstick for encoders: 120 MFCC statistics, as small a set of features as is still commonly used.

20 MFCC with their first and second differences, mean and standard deviation over a window (Choi et al., 2017, compare with the same).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.encoders import Embeddings

_COEFFICIENTS = 20
_SHORTEST = 8 * 512  # samples that give the nine frames which librosa's differences look at

SPEC = EncoderSpec(
    id="mfcc",
    version="1",
    title="120 MFCC statistics",
    sample_rate=22_050,
    grid=Grid(5.0, 2.5),
    dim=6 * _COEFFICIENTS,
    licence="MIT",
)


class MfccStatistics:
    """An encoder to compare with; it is not offered to users."""

    spec = SPEC
    device = "cpu"

    def __init__(self) -> None:
        self.notices: list[str] = []

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 22,050 Hz → `(n, 120)`: means of 20 MFCC, Δ and ΔΔ, then their standard deviations."""
        return np.stack([_statistics(window) for window in windows]).astype(np.float32)


def _statistics(window: Audio) -> Embeddings:
    import librosa

    padded = np.pad(window, (0, max(0, _SHORTEST - window.size)))
    mfcc = librosa.feature.mfcc(y=padded, sr=SPEC.sample_rate, n_mfcc=_COEFFICIENTS)
    frames = np.concatenate([mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)])
    return np.concatenate([frames.mean(axis=1), frames.std(axis=1)])
