"""The encoder `timbre`: classical features of a window, centred and scaled so that distances between them mean something.

Needs no weights and no torch, so it answers at once on any machine. What is measured is in `timbre_features`; the
centres and scales in the file beside this module were measured by the project itself: see `timbre_scale`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
from musicclass_gui.engine.encoders import timbre_features as features
from musicclass_gui.engine.encoders.timbre_frames import SAMPLE_RATE
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

SPEC = EncoderSpec(
    id="timbre",
    version="1",
    title="Timbre, harmony and rhythm features",
    sample_rate=SAMPLE_RATE,
    grid=Grid(5.0, 2.5),
    dim=len(features.FEATURES),
    licence="MIT",
    family="timbre",
    good_at=(
        "Genres: 90.0 % of 70 held-out GTZAN tracks, measured here.",
        "Composers: 56.5 % of 46 held-out pieces by ten composers, synthetic piano, measured here.",
    ),
)
SPECS = (SPEC,)

SCALE_FILE = Path(__file__).with_name("timbre_scale.safetensors")
_BATCH_SAMPLES = 5 * SPEC.sample_rate
_FARTHEST = 8.0  # in scales; beyond it no dimension can pull an embedding away any more


def feature_names() -> list[str]:
    """The name of each dimension of an embedding, in order; `timbre_features.FEATURES` has units and weights too."""
    return [feature.name for feature in features.FEATURES]


def load(spec: EncoderSpec = SPEC, device: str = "cpu", weights: Path | None = None, *, fast: bool = False) -> TimbreEncoder:
    """The encoder, which runs on the CPU whatever `device` is. Raises EncoderError when given weights: it has none."""
    if weights is not None:
        raise EncoderError(f"The encoder {SPEC.id} has no weights; “{weights}” cannot be used with it.")
    return TimbreEncoder(*_scale())


class TimbreEncoder:
    """The features of `timbre_features`, minus `centre`, over `scale` (both `(dim,)`), times their weights."""

    spec = SPEC
    device = "cpu"

    def __init__(self, centre: Embeddings, scale: Embeddings) -> None:
        self.notices: list[str] = []
        self._centre, self._scale = centre, scale
        self._weight = np.array([feature.weight for feature in features.FEATURES], np.float32)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 22,050 Hz, ≥ 1 sample each → `(len(windows), dim)` float32."""
        embeddings = np.empty((len(windows), SPEC.dim), np.float32)
        for rows in _batches(windows):
            measured = features.measure(np.stack([windows[row] for row in rows]))
            scaled = np.clip((measured - self._centre) / self._scale, -_FARTHEST, _FARTHEST)
            embeddings[rows] = scaled * self._weight
        return embeddings


def _batches(windows: Sequence[Audio]) -> list[list[int]]:
    """Rows of equally long windows, few enough at a time for their spectra to stay in the processor's cache."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, window in enumerate(windows):
        rows[window.size].append(row)
    size = {length: max(1, _BATCH_SAMPLES // length) for length in rows}
    return [group[i : i + size[length]] for length, group in rows.items() for i in range(0, len(group), size[length])]


@lru_cache(maxsize=1)
def _scale() -> tuple[Embeddings, Embeddings]:
    from safetensors.numpy import load_file

    table = load_file(SCALE_FILE)
    return table["centre"], table["scale"]
