"""Cutting: a file is decoded once, and each stretch of it that is asked for becomes chunks as a `Cut` says. It knows no encoder's net."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.audio import Resampler, open_blocks, probe, to_mono
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.benchmark.embedded import Cut
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid

KINDS = ("grid", "random", "full", "whole")


@dataclass(frozen=True)
class Stretch:
    """`[start_s, end_s)` of a file (−1: its end), to be cut in a way. `draw` and the cut's seed make what is random."""

    cut: Cut
    grid: Grid
    start_s: float
    end_s: float
    draw: int = 0

    def of(self, samples: Audio, rate: int) -> list[Window]:
        """Its chunks out of the whole file's samples, mono at `rate` Hz; none where the file holds nothing of it."""
        first = round(max(0.0, self.start_s) * rate)
        own = samples[first : None if self.end_s < 0 else max(first, round(self.end_s * rate))]
        return [_moved(chunk, first / rate) for chunk in self._chunks(own, rate)] if own.size else []

    def _chunks(self, samples: Audio, rate: int) -> Iterator[Window]:
        if self.cut.kind == "whole":
            stream = self.grid.stream(rate)
            yield from stream.push(samples)
            yield from stream.finish()
            return
        size = max(1, round(self.cut.chunk_s * rate))
        for start in self._starts(samples.size, size):
            yield Window(start / rate, (start + size) / rate, _filled(samples[start : start + size], size))

    def _starts(self, length: int, size: int) -> Iterable[int]:
        if self.cut.kind == "full":
            return range(0, length - size + 1, size)
        return grid_starts(length, size) if self.cut.kind == "grid" else self._drawn(length, size)

    def _drawn(self, length: int, size: int) -> list[int]:
        """Starts uniform in [0, length − size), and 0 for what is shorter (continual-paper, 2.3)."""
        random = np.random.default_rng([self.cut.seed, self.draw, round(max(0.0, self.start_s) * 1e6)])
        return [int(share * max(0, length - size)) for share in random.random(self.cut.count)]


@dataclass(frozen=True)
class Cuts:
    """The chunks of each stretch of a file, how long the file really is, and what was wrong with it."""

    chunks: list[list[Window]]
    duration_s: float
    notices: tuple[str, ...]


def require(cut: Cut) -> None:
    """Raise BenchmarkError when a cut cannot be made."""
    if cut.kind not in KINDS:
        raise BenchmarkError(f"“{cut.kind}” is no way of cutting; known are {', '.join(KINDS)}.")
    if cut.kind != "whole" and cut.chunk_s <= 0 and cut.samples < 1:
        raise BenchmarkError(f"A chunk of {cut.chunk_s:g} s cannot be cut; give its length in seconds.")
    if cut.kind == "random" and cut.count < 1:
        raise BenchmarkError("Random chunks need a number of chunks per file; give at least 1.")


def grid_starts(length: int, size: int) -> list[int]:
    """Where consecutive chunks of `size` samples start: round(length / size) of them, halves to even, and at least 1."""
    return [number * size for number in range(max(1, round(length / size)))]


def cut(path: Path, stretches: Sequence[Stretch], rate: int, token: Token) -> Cuts:
    """Decode a file once and cut all stretches out of it, which all have the same cut. Raises AudioError, Cancelled."""
    recording = probe(path)
    how = _in_seconds(stretches[0].cut, recording)
    heard_at = recording.sample_rate if how.rate_ignored else rate
    samples, duration_s, notices = _samples(recording, heard_at, token, first_channel=how.first_channel)
    return Cuts([replace(stretch, cut=how).of(samples, heard_at) for stretch in stretches], duration_s, notices)


def _in_seconds(cut: Cut, recording: Recording) -> Cut:
    """The cut with the length that its number of samples has in a file."""
    return replace(cut, chunk_s=cut.samples / recording.sample_rate, samples=0) if cut.samples else cut


def _samples(recording: Recording, rate: int, token: Token, *, first_channel: bool) -> tuple[Audio, float, tuple[str, ...]]:
    resampler = Resampler(recording.sample_rate, rate)
    with open_blocks(recording, token=token) as blocks:
        mono = [resampler.push(np.ascontiguousarray(block[:, 0]) if first_channel else to_mono(block)) for block in blocks]
    samples = np.concatenate([*mono, resampler.finish()], dtype=np.float32)
    return samples, blocks.readable_s, tuple(blocks.notices)


def _filled(samples: Audio, size: int) -> Audio:
    return samples if samples.size == size else np.pad(samples, (0, size - samples.size))


def _moved(window: Window, by_s: float) -> Window:
    return Window(window.start_s + by_s, window.end_s + by_s, window.samples) if by_s else window
