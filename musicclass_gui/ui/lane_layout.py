"""Which pieces of an answer's timeline a row of pixels shows: the segments in view, or runs of pixels where they are too many.

Pure numpy and bisection, so that ten thousand segments cost no more than a screenful. It knows no widget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.ui.timeline_paint import Scale

_LEAST_MEAN_PX = 4.0  # segments narrower than this, on average, are merged to pixels


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
        self.segments = answer.segments
        self.labels = sorted({ranked.label for ranked in answer.ranking} | {s.label for s in self.segments if s.label is not None})
        numbers = {label: number for number, label in enumerate(self.labels)}
        self._starts = np.array([segment.start_s for segment in self.segments], np.float64)
        self._ends = np.array([segment.end_s for segment in self.segments], np.float64)
        self._numbers = np.array([-1 if s.label is None else numbers[s.label] for s in self.segments], np.int32)
        self._probabilities = np.array([segment.probability for segment in self.segments], np.float64)

    @property
    def end_s(self) -> float:
        """Where the last segment ends."""
        return float(self._ends[-1]) if self._ends.size else 0.0

    def index_at(self, time_s: float) -> int | None:
        """The segment at a time."""
        index = int(np.searchsorted(self._starts, time_s, "right")) - 1
        return index if index >= 0 and time_s < self._ends[index] else None

    def pieces(self, scale: Scale) -> list[Piece]:
        """What is in view, from left to right."""
        first = int(np.searchsorted(self._ends, scale.start_s, "right"))
        last = int(np.searchsorted(self._starts, scale.end_s, "left"))
        if (last - first) * _LEAST_MEAN_PX <= scale.width:
            return [self._piece(scale, index) for index in range(first, last)]
        return self._runs(scale)

    def _piece(self, scale: Scale, index: int) -> Piece:
        segment = self.segments[index]
        left, right = max(scale.left, scale.x(segment.start_s)), min(scale.right, scale.x(segment.end_s))
        return Piece(left, right, segment.label, segment.probability, index)

    def _runs(self, scale: Scale) -> list[Piece]:
        """Neighbouring pixels whose middles lie in segments of the same label."""
        columns = max(1, round(scale.width))
        times = scale.start_s + (np.arange(columns) + 0.5) * (scale.end_s - scale.start_s) / columns
        indices = np.maximum(np.searchsorted(self._starts, times, "right") - 1, 0)
        inside = (times >= self._starts[indices]) & (times < self._ends[indices])
        numbers = np.where(inside, self._numbers[indices], -2)
        edges = np.flatnonzero(np.diff(numbers, prepend=-3, append=-3))
        means = np.add.reduceat(self._probabilities[indices], edges[:-1]) / np.diff(edges)
        return self._run_pieces(scale, numbers, edges, means)

    def _run_pieces(self, scale: Scale, numbers: NDArray[np.int32], edges: NDArray[np.intp], means: NDArray[np.float64]) -> list[Piece]:
        labels: list[str | None] = [*self.labels, None]  # number −1 is the last
        return [
            Piece(scale.left + left, scale.left + right, labels[numbers[left]], float(mean), None)
            for left, right, mean in zip(edges[:-1].tolist(), edges[1:].tolist(), means.tolist(), strict=True)
            if numbers[left] >= -1
        ]
