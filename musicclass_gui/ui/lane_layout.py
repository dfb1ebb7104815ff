"""Which pieces of an answer's timeline a row of pixels shows: the segments in view, or runs of columns where they are too many.

Pure numpy and bisection, so that ten thousand segments cost no more than a screenful. It knows no widget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.ui.timeline_paint import Scale

_LEAST_MEAN_PX = 4.0  # segments narrower than this, on average, are merged to columns
_COLUMN_PX = 2.0


@dataclass(frozen=True)
class Piece:
    """Something to draw from `left` to `right` (pixels): one segment by its `index`, or several (index None) of one label."""

    left: float
    right: float
    label: str | None
    probability: float
    index: int | None


class LaneLayout:
    """The segments of one answer, ready to be asked for by time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.segments = answer.segments
        self.labels = sorted({ranked.label for ranked in answer.ranking} | {s.label for s in self.segments if s.label is not None})
        numbers = {label: number for number, label in enumerate(self.labels, 1)}
        self._starts = np.array([segment.start_s for segment in self.segments], np.float64)
        self._ends = np.array([segment.end_s for segment in self.segments], np.float64)
        self._numbers = np.array([0 if s.label is None else numbers[s.label] for s in self.segments], np.intp)  # 0: none of these
        self._probabilities = np.array([segment.probability for segment in self.segments], np.float64)

    @property
    def end_s(self) -> float:
        """Where the last segment ends."""
        return float(self._ends[-1]) if self._ends.size else 0.0

    def index_at(self, time_s: float) -> int | None:
        """The segment at a time."""
        index = int(np.searchsorted(self._starts, time_s, "right")) - 1
        return index if index >= 0 and time_s < self._ends[index] else None

    def pieces(self, scale: Scale, clip: tuple[float, float] | None = None) -> list[Piece]:
        """What is in view, or between the positions `clip`, from left to right."""
        left, right = clip or (scale.left, scale.right)
        view_first, view_last = self._between(scale.start_s, scale.end_s)
        if (view_last - view_first) * _LEAST_MEAN_PX <= scale.width:
            first, last = self._between(scale.time(left), scale.time(right))
            return [self._piece(scale, index) for index in range(max(first, view_first), min(last, view_last))]
        return self._runs(scale, left, right)

    def _between(self, start_s: float, end_s: float) -> tuple[int, int]:
        """The first segment that ends after `start_s`, and one past the last that starts before `end_s`."""
        return int(np.searchsorted(self._ends, start_s, "right")), int(np.searchsorted(self._starts, end_s, "left"))

    def _piece(self, scale: Scale, index: int) -> Piece:
        segment = self.segments[index]
        left, right = max(scale.left, scale.x(segment.start_s)), min(scale.right, scale.x(segment.end_s))
        return Piece(left, right, segment.label, segment.probability, index)

    def _runs(self, scale: Scale, left: float, right: float) -> list[Piece]:
        """Neighbouring columns of which the same label has the most."""
        first = max(0, int((left - scale.left) / _COLUMN_PX))
        last = max(first + 1, math.ceil((min(right, scale.right) - scale.left) / _COLUMN_PX))
        times = scale.start_s + np.arange(first, last + 1) * (_COLUMN_PX * scale.s_per_px)
        shares = np.diff([np.interp(times, self._edges, sums) for sums in self._seconds_by_label], axis=1)
        numbers = np.where(shares.sum(axis=0) >= np.diff(times) / 2, shares.argmax(axis=0), -1)
        runs = np.flatnonzero(np.diff(numbers, prepend=-2, append=-2))
        means = self._mean_probabilities(times[runs])
        places = np.minimum(scale.left + (first + runs) * _COLUMN_PX, scale.right).tolist()
        labels: list[str | None] = [None, *self.labels]
        pieces = zip(places[:-1], places[1:], numbers[runs[:-1]].tolist(), means, strict=True)
        return [Piece(start, end, labels[number], mean, None) for start, end, number, mean in pieces if number >= 0]

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        """Start and end of every segment in turn."""
        return np.stack([self._starts, self._ends], axis=1).ravel()

    @cached_property
    def _seconds_by_label(self) -> NDArray[np.float64]:
        """How many seconds each label has had by each of `_edges`; the first row is none of these."""
        parts = np.zeros((len(self.labels) + 1, len(self.segments), 2))
        parts[self._numbers, np.arange(len(self.segments)), 1] = self._ends - self._starts
        return np.cumsum(parts.reshape(len(self.labels) + 1, -1), axis=1)

    def _mean_probabilities(self, times: NDArray[np.floating]) -> list[float]:
        """The mean probability between neighbouring times."""
        weighted = np.repeat(self._probabilities * (self._ends - self._starts), 2) * np.tile([0.0, 1.0], len(self.segments))
        seconds = np.diff(np.interp(times, self._edges, self._seconds_by_label.sum(axis=0)))
        sums = np.diff(np.interp(times, self._edges, np.cumsum(weighted)))
        return list((sums / np.maximum(seconds, 1e-9)).tolist())
