"""Encoders whose net hears one length only: what is shorter is repeated, what is longer is cut into pieces and is the mean of theirs.

It knows no net. torch is imported on use, by what it calls.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders.running import OnRunner, Runner, tiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.windows import Audio

_CPU_BATCH_S = 8.0  # measured: of nets that look closely, more falls out of the processor's cache and takes up to twice as long


class PiecewiseEncoder(OnRunner):
    """A net `(n, samples) → (n, spec.dim)` whose input is as long as the windows of `spec.grid`. It computes in float32, exactly."""

    def __init__(self, spec: EncoderSpec, net: nn.Module, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        self._samples = round(spec.grid.window_s * spec.sample_rate)
        prepare = partial(tiled, samples=self._samples)
        super().__init__(spec, Runner(net, spec.sample_rate, device, notices, prepare=prepare, cpu_batch_s=_CPU_BATCH_S))

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, ≥ 1 sample each → `(len(windows), dim)` float32."""
        cut = [pieces(window, self._samples) for window in windows]
        found = self._runner.run([piece for some in cut for piece in some]).reshape(-1, self.spec.dim)
        if len(found) == len(windows):
            return found
        firsts = np.cumsum([0, *map(len, cut[:-1])])
        counts = np.asarray([[len(some)] for some in cut], np.float32)
        means: Embeddings = np.divide(np.add.reduceat(found, firsts), counts, dtype=np.float32)
        return means


def pieces(window: Audio, samples: int) -> list[Audio]:
    """A window as pieces of `samples`, the last of which ends where the window ends; one that is not longer, as it is."""
    if window.size <= samples:
        return [window]
    starts = [*range(0, window.size - samples, samples), window.size - samples]
    return [window[start : start + samples] for start in starts]
