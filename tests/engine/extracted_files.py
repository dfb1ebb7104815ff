"""Recordings, lists and layered nets for the tests of extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RATE = 22050


def tune(path: Path, seconds: float = 3.0, *, seed: int = 0, channels: int = 1) -> Path:
    """Some notes with a bit of noise, which tell files apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random, times = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    pitch = 110.0 * 2 ** (random.integers(0, 36) / 12)
    sound = 0.3 * np.sin(2 * np.pi * pitch * times) + 0.01 * random.standard_normal(len(times))
    soundfile.write(path, np.tile(sound[:, None], (1, channels)), RATE)
    return path


def listed(path: Path, recordings: Iterable[Path]) -> Path:
    """A list file of recordings."""
    path.write_text("".join(f"{recording}\n" for recording in recordings), "utf-8")
    return path
