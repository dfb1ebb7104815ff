"""The encoder `timbre`: classical features of a window, centred and scaled so that distances between them mean something.

Needs no weights and no torch, so it answers at once on any machine. What is measured is in `timbre_features`; the
centres and scales beside this module were measured by the project itself, and `measure_scale` measures them again.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
from musicclass_gui.engine.encoders import timbre_features as features
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

SPEC = EncoderSpec(
    id="timbre",
    version="0",
    title="Timbre, harmony and rhythm features",
    sample_rate=features.SAMPLE_RATE,
    grid=Grid(5.0, 2.5),
    dim=len(features.FEATURES),
    licence="MIT",
)

SCALE_FILE = Path(__file__).with_name("timbre_scale.safetensors")
_BATCH_SAMPLES = 4 * 5 * features.SAMPLE_RATE
_LARGEST = 10.0  # scaled values beyond this are cut, so that one odd dimension never decides alone


def feature_names() -> list[str]:
    """The name of each dimension of an embedding, in order; `timbre_features.FEATURES` has their units too."""
    return [feature.name for feature in features.FEATURES]


def load(device: str = "cpu", weights: Path | None = None) -> TimbreEncoder:
    """The encoder; it always runs on the CPU. Raises EncoderError when weights are given, since it has none."""
    if weights is not None:
        raise EncoderError(f"The encoder {SPEC.id} has no weights; “{weights}” cannot be used with it.")
    return TimbreEncoder(*_scale())


class TimbreEncoder:
    """Features of `timbre_features`, minus `centre`, divided by `scale`; each `(dim,)`."""

    spec = SPEC
    device = "cpu"

    def __init__(self, centre: Embeddings, scale: Embeddings) -> None:
        self._centre, self._scale = centre, scale

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 22,050 Hz, ≥ 1 sample each → `(len(windows), dim)` float32."""
        embeddings = np.empty((len(windows), SPEC.dim), np.float32)
        for rows in _batches(windows):
            measured = features.measure(np.stack([windows[row] for row in rows]))
            embeddings[rows] = np.clip((measured - self._centre) / self._scale, -_LARGEST, _LARGEST)
        return embeddings


def _batches(windows: Sequence[Audio]) -> list[list[int]]:
    """Rows of equally long windows, few enough at a time to stay near the processor's cache."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, window in enumerate(windows):
        rows[window.size].append(row)
    size = {length: max(1, _BATCH_SAMPLES // length) for length in rows}
    return [group[i : i + size[length]] for length, group in rows.items() for i in range(0, len(group), size[length])]


def measure_scale(windows: Sequence[Audio]) -> tuple[Embeddings, Embeddings]:
    """Centre (median) and scale (from the quartiles) of each feature over windows of 22,050 Hz."""
    unscaled = TimbreEncoder(np.zeros(SPEC.dim, np.float32), np.ones(SPEC.dim, np.float32))
    low, centre, high = np.percentile(unscaled.embed(windows), [25, 50, 75], axis=0).astype(np.float32)
    return centre, np.maximum((high - low) / 1.349, 1e-6)


@lru_cache(maxsize=1)
def _scale() -> tuple[Embeddings, Embeddings]:
    from safetensors.numpy import load_file

    table = load_file(SCALE_FILE)
    return table["centre"], table["scale"]
