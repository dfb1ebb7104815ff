"""Windows: how a recording is cut into the spans that an encoder sees.

The grid is the same whether a recording is streamed or known whole, so embeddings can be cached by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Audio = NDArray[np.float32]
Span = tuple[float, float]

_SHORTEST_TAIL_S = 0.25
_SILENT_RMS = 10 ** (-70 / 20)  # below −70 dBFS it is silence, not quiet music


@dataclass(frozen=True)
class Window:
    """`samples` (mono float32, at the encoder's rate) of the span `[start_s, end_s)` of a recording."""

    start_s: float
    end_s: float
    samples: Audio

    @property
    def loud(self) -> bool:
        """Whether there is anything to hear: an RMS level of at least −70 dBFS."""
        return self.samples.size > 0 and float(np.mean(np.square(self.samples, dtype=np.float64))) >= _SILENT_RMS**2


@dataclass(frozen=True)
class Grid:
    """Windows of `window_s` seconds that start every `hop_s` seconds.

    A recording shorter than one window gives one short window. A tail of at least 0.25 s that no window
    covers gives one more window that ends with the recording.
    """

    window_s: float
    hop_s: float

    def __post_init__(self) -> None:
        if not 0 < self.hop_s <= self.window_s:
            raise ValueError(f"hop {self.hop_s} s must be positive and at most the window, {self.window_s} s")

    @property
    def name(self) -> str:
        """A stable text for cache keys, such as `10/5`."""
        return f"{self.window_s:g}/{self.hop_s:g}"

    def stream(self, sample_rate: int) -> WindowStream:
        """A cutter for audio that arrives in blocks at `sample_rate` Hz."""
        return WindowStream(self, sample_rate)


class WindowStream:
    """Cuts mono blocks into the windows of a grid while they arrive, holding no more than it must."""

    def __init__(self, grid: Grid, sample_rate: int) -> None:
        self._rate = sample_rate
        self._window = max(1, round(grid.window_s * sample_rate))
        self._hop = max(1, round(grid.hop_s * sample_rate))
        self._held: Audio = np.empty(0, np.float32)
        self._first = 0  # sample index of _held[0]
        self._next = 0  # sample index where the next window starts
        self._last_end = 0  # sample index where the last window ended

    def push(self, block: Audio) -> Iterator[Window]:
        """The windows that `block` (mono, float32) completes."""
        self._held = np.concatenate([self._held, block]) if self._held.size else block
        while self._next + self._window <= self._end:
            yield self._cut(self._next, self._next + self._window)
            self._next += self._hop
        self._drop_before(min(self._next, self._end - self._window))

    def finish(self) -> Iterator[Window]:
        """The window of a tail that no other covers, if there is one."""
        if self._last_end == 0 and self._end > 0:
            yield self._cut(0, self._end)
        elif self._end - self._last_end >= _SHORTEST_TAIL_S * self._rate:
            yield self._cut(self._end - self._window, self._end)

    @property
    def _end(self) -> int:
        return self._first + self._held.size

    def _cut(self, start: int, end: int) -> Window:
        samples = self._held[start - self._first : end - self._first]
        self._last_end = end
        return Window(start / self._rate, end / self._rate, samples.copy())

    def _drop_before(self, index: int) -> None:
        if index > self._first:
            self._held = self._held[index - self._first :].copy()
            self._first = index
