"""What tests put into projects."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow

KIND = ("timbre", "1", "2/1")
"""Encoder, version and grid of what `embedded` makes."""


def recording(hash: str, path: Path = Path("/music/a.wav")) -> RecordingRow:
    return RecordingRow(hash, path, 10, 20, 3.5, "Title", "Artist", "Album", ["cut short"])


def embedded(hash: str, windows: int = 3, dim: int = 4) -> EmbeddedRow:
    data = np.random.default_rng([*hash.encode()]).normal(size=(windows, dim)).astype(np.float32)
    spans = [(float(start), start + 2.0) for start in range(windows)]
    loud = np.arange(windows) != 1
    return EmbeddedRow(hash, data, spans, loud, data[loud].mean(axis=0))
