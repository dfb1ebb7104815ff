"""Measures the centres and scales of `timbre` again: `python -m musicclass_gui.engine.encoders.timbre_scale DATA`.

They come from single instruments, and from the performances that composers' classifiers are trained with. They know no class,
but accuracies on the instruments are of recordings that the scales were measured on. Used when the features change, never by the
running program.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import audio
from musicclass_gui.engine.encoders import timbre, timbre_features
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.windows import Audio

_SPREAD = (5.0, 50.0, 95.0)
_NORMAL_SPREAD = 3.2897  # between the 5th and 95th percentile of a normal distribution, in standard deviations


def build(data: Path, file: Path = timbre.SCALE_FILE) -> None:
    """Write the centre and scale of each feature over DATA/instruments and the composers' training files to `file`."""
    from safetensors.numpy import save_file

    windows = (window for path in _recordings(data) for window in _windows(path))
    centre, scale = measure(np.concatenate([timbre_features.measure(window[None]) for window in windows]))
    save_file({"centre": centre, "scale": scale}, file)


def measure(features: Embeddings) -> tuple[Embeddings, Embeddings]:
    """Median, and the standard deviation that the 5th and 95th percentile suggest, of `(n, dim)` features."""
    low, centre, high = np.percentile(features, _SPREAD, axis=0).astype(np.float32)
    return centre, np.maximum((high - low) / np.float32(_NORMAL_SPREAD), np.float32(1e-6))


def _recordings(data: Path) -> list[Path]:
    instruments = audio.find_recordings([data / "instruments"])
    table = data / "composers" / "maestro-v3.0.0.csv"
    if not instruments or not table.is_file():
        raise DataError(f"“{data}” has no instruments and composers folders to measure scales on.")
    with table.open(newline="", encoding="utf-8") as file:
        return [*instruments, *(table.parent / row["audio_filename"] for row in csv.DictReader(file) if row["split"] == "train")]


def _windows(path: Path) -> Iterator[Audio]:
    recording = audio.probe(path)
    resampler = audio.Resampler(recording.sample_rate, timbre.SPEC.sample_rate)
    stream = timbre.SPEC.grid.stream(timbre.SPEC.sample_rate)
    with audio.open_blocks(recording) as blocks:
        for block in blocks:
            yield from (window.samples for window in stream.push(resampler.push(audio.to_mono(block))))
    yield from (window.samples for window in stream.push(resampler.finish()))
    yield from (window.samples for window in stream.finish())


if __name__ == "__main__":
    build(Path(sys.argv[1]))
