"""A whole recording as windows in memory: for short recordings that something is learned from, never for what is only looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.audio import Resampler, open_blocks, probe, to_mono

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid, Window


def windows_of(path: Path, grid: Grid, sample_rate: int, token: Token) -> list[Window]:
    """All windows of a recording, silent ones too. Raises AudioError, Cancelled."""
    stream = grid.stream(sample_rate)
    windows = [window for mono in _mono(path, sample_rate, token) for window in stream.push(mono)]
    return [*windows, *stream.finish()]


def _mono(path: Path, sample_rate: int, token: Token) -> Iterator[Audio]:
    recording = probe(path)
    resampler = Resampler(recording.sample_rate, sample_rate)
    with open_blocks(recording, token=token) as blocks:
        for block in blocks:
            token.check()
            yield resampler.push(to_mono(block))
    yield resampler.finish()
