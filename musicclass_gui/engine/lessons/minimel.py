"""A mini mel: a recording's or a span's sound as a picture as small as a stamp, to tell examples apart in lists.

It reads a file and knows no project; who asks for the same picture often keeps it.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.audio import Resampler, open_blocks, probe, to_mono
from musicclass_gui.engine.mel import FLOOR_DB, MEL_BANDS, MEL_RATE, MelStream, decibels

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio

ROWS, COLUMNS = 24, 64
LONGEST_S = 10.0

_RANGE_DB = 60.0  # below the loudest cell all is black: quiet and loud recordings look alike, as one listens to them


def mini_mel(path: Path | str, start_s: float | None = None, end_s: float | None = None, token: Token | None = None) -> NDArray[np.uint8]:
    """`(24, 64)` levels of the first 10 s of `[start_s, end_s)` (None: of the recording), row 0 the lowest, 255 the loudest.

    Columns share the time evenly, also that of a shorter sound; silence is 0. Raises AudioError, Cancelled.
    """
    power = np.concatenate(list(_power(Path(path), start_s or 0.0, end_s, token)) or [np.zeros((0, MEL_BANDS), np.float32)])
    if not len(power):
        return np.zeros((ROWS, COLUMNS), np.uint8)
    levels = decibels(_shrunk(_shrunk(power, COLUMNS).T, ROWS))
    if levels.max() < FLOOR_DB + 1:
        return np.zeros((ROWS, COLUMNS), np.uint8)
    black = max(FLOOR_DB, float(levels.max()) - _RANGE_DB)
    shown: NDArray[np.uint8] = np.rint(np.clip((levels - black) / (levels.max() - black), 0, 1) * 255).astype(np.uint8)
    return shown


def _power(path: Path, start_s: float, end_s: float | None, token: Token | None) -> Iterator[NDArray[np.float32]]:
    """Mel power frames `(n, 128)` of what is to be seen."""
    mel = MelStream()
    with closing(_mono(path, start_s, LONGEST_S if end_s is None else min(LONGEST_S, end_s - start_s), token)) as pieces:
        for mono in pieces:
            yield mel.push(mono)
    yield mel.finish()


def _mono(path: Path, start_s: float, seconds: float, token: Token | None) -> Generator[Audio]:
    """At most `seconds` of the recording from `start_s` on, at `MEL_RATE`."""
    recording = probe(path)
    resampler, left = Resampler(recording.sample_rate, MEL_RATE), round(max(0.0, seconds) * recording.sample_rate)
    with open_blocks(recording, start_s=start_s, token=token) as blocks:
        for block in blocks:
            yield resampler.push(to_mono(block[:left]))
            left -= len(block)
            if left <= 0:
                break
    yield resampler.finish()


def _shrunk(power: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Rows as `count` means of neighbours, or repeated where there are fewer."""
    edges = np.linspace(0, len(power), count + 1)
    first = np.minimum(edges[:-1].astype(int), len(power) - 1)
    last = np.maximum(np.ceil(edges[1:]).astype(int), first + 1)
    return np.stack([power[a:b].mean(axis=0) for a, b in zip(first, last, strict=True)])
