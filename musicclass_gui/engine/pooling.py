"""From what a head says of windows to one Answer: mean log-scores, a timeline of cells, "none of these", and evidence.

Pure numpy and stateless, so that an answer can be made again each time more of a recording has been read. It knows no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.answers import Evidence, Ranked, Segment
from musicclass_gui.engine.calibration import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.calibration import Calibration
    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.windows import Span

SHORTEST_S = 1.0  # less sound than this is too little to name anything
_EVIDENT_WINDOWS = 3
_SAME_INSTANT_S = 1e-6


@dataclass(frozen=True)
class Other:
    """A column of scores that is no answer: background, or (`of` is a class's place) sounds that one class is not."""

    name: str
    of: int | None = None


@dataclass(frozen=True)
class Readings:
    """What a head says of a recording's windows, in order of time; `loud` False is silence and does not count.

    The columns of `scores` are the C `classes`, then the `others`.
    """

    classes: list[str]
    spans: NDArray[np.float64]  # (n, 2) seconds
    scores: Matrix  # (n, C + others) log-scores
    novelty: NDArray[np.float64]  # (n,)
    loud: NDArray[np.bool_]  # (n,)
    others: Sequence[Other] = ()

    def heard(self) -> Readings:
        """The loud windows only."""
        keep = self.loud
        return Readings(self.classes, self.spans[keep], self.scores[keep], self.novelty[keep], self.loud[keep], self.others)


@dataclass(frozen=True)
class Cells:
    """The stretches between neighbouring window edges, each with the mean of the loud windows that cover it."""

    starts: NDArray[np.float64]  # (m,) seconds
    ends: NDArray[np.float64]  # (m,)
    covered: NDArray[np.bool_]  # (m,) whether any loud window covers it
    scores: Matrix  # (m, C); zeros where not covered
    novelty: NDArray[np.float64]  # (m,)


@dataclass(frozen=True)
class Verdict:
    """The whole recording: mean log-score per class and mean novelty over its loud windows, and how long those sound."""

    scores: NDArray[np.float64]  # (C,)
    novelty: float
    sounding_s: float


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings of successive windows as one."""
    spans, scores, novelty, loud = (np.concatenate([getattr(part, n) for part in parts]) for n in ("spans", "scores", "novelty", "loud"))
    return Readings(parts[0].classes, spans, scores, novelty, loud, parts[0].others)


def spans_array(spans: Sequence[Span]) -> NDArray[np.float64]:
    """Spans as `(n, 2)` seconds."""
    return np.asarray(spans, np.float64).reshape(-1, 2)


def verdict(readings: Readings) -> Verdict | None:
    """The mean over loud windows; None when there is none."""
    heard = readings.heard()
    if not len(heard.spans):
        return None
    return Verdict(heard.scores.mean(axis=0), float(heard.novelty.mean()), _union_s(heard.spans))


def decided(scores: Matrix, others: Sequence[Other], temperature: float) -> tuple[Matrix, NDArray[np.intp]]:
    """From scores `(m, C + others)` the classes' probabilities `(m, C)` and the column that wins `(m,)`, which may be one of the others.

    Background wins where its score is the highest, and its share of the probability is left out. Sounds that a class is not win where
    that class would, and they are more like the recording.
    """
    classes = scores.shape[1] - len(others)
    rivals = np.asarray([*range(classes), *(column for column, other in enumerate(others, classes) if other.of is None)])
    winner = rivals[scores[:, rivals].argmax(axis=1)]
    for column, other in enumerate(others, classes):
        if other.of is not None:
            winner[(winner == other.of) & (scores[:, column] > scores[:, other.of])] = column
    return softmax(scores[:, rivals] / temperature)[:, :classes], winner


def why_nothing(readings: Readings, sounding_s: float) -> str:
    """A sentence on why there is nothing to answer, where less than `SHORTEST_S` can be heard."""
    if not len(readings.spans):
        return "Nothing could be read of the recording yet."
    if not readings.loud.any():
        return "The recording is silent, so there is nothing to name."
    return f"Only {sounding_s:.1f} s of sound can be heard, and at least {SHORTEST_S:g} s is needed."


def ranking(classes: list[str], probabilities: NDArray[np.float64]) -> list[Ranked]:
    """Classes from the likeliest down; equals keep the classifier's order."""
    order = np.argsort(-probabilities, kind="stable")
    return [Ranked(classes[index], float(probabilities[index])) for index in order]


def cells(readings: Readings) -> Cells:
    """Cut the recording at every window's start and end, and average what covers each piece."""
    edges = _edges(readings.spans)
    heard = readings.heard()
    middles = (edges[:-1] + edges[1:]) / 2
    first = np.searchsorted(heard.spans[:, 1], middles)
    last = np.searchsorted(heard.spans[:, 0], middles)
    count = np.maximum(last - first, 0)
    share = 1.0 / np.maximum(count, 1)
    scores = np.where(count[:, None] > 0, _range_sums(heard.scores, first, last) * share[:, None], 0.0)
    return Cells(edges[:-1], edges[1:], count > 0, scores, _range_sums(heard.novelty[:, None], first, last)[:, 0] * share)


def segments(classes: list[str], parts: Cells, calibration: Calibration, others: Sequence[Other] = ()) -> list[Segment]:
    """Neighbouring cells with the same label as one segment; label None where nothing is heard or nothing known, and for the `others`."""
    if not len(parts.starts):
        return []
    probabilities, winner = decided(parts.scores, others, calibration.window_temperature)
    known = parts.covered & (parts.novelty <= calibration.window_threshold) & (winner < len(classes))
    label = np.where(known, winner, -1)
    return merged(classes, parts, label, np.where(known, probabilities[np.arange(len(label)), label], 0.0))


def merged(classes: list[str], parts: Cells, label: NDArray[np.intp], probability: NDArray[np.float64]) -> list[Segment]:
    """Neighbouring cells with the same `label` `(m,)`, a class's place or −1 for none, as one segment with their mean probability."""
    firsts = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    lasts = np.r_[firsts[1:], len(label)]
    lengths = parts.ends - parts.starts
    means = np.add.reduceat(probability * lengths, firsts) / np.add.reduceat(lengths, firsts)
    return [
        Segment(float(parts.starts[a]), float(parts.ends[b - 1]), None if label[a] < 0 else classes[label[a]], float(mean))
        for a, b, mean in zip(firsts, lasts, means, strict=True)
    ]


def deciding_windows(readings: Readings, winner: int) -> list[Evidence]:
    """The loud windows that speak most for the winning class, by their margin over the next class."""
    heard = readings.heard()
    rivals = np.delete(heard.scores, winner, axis=1)
    rivals = rivals[:, np.isfinite(rivals).all(axis=0)]
    if not rivals.size:
        return []
    margin = heard.scores[:, winner] - rivals.max(axis=1)
    best = np.argsort(-margin, kind="stable")[:_EVIDENT_WINDOWS]
    return [_window_evidence(readings.classes[winner], margin[i], heard.spans[i]) for i in best if margin[i] > 0]


def _window_evidence(label: str, margin: float, span: NDArray[np.float64]) -> Evidence:
    return Evidence("window", label, float(margin), start_s=float(span[0]), end_s=float(span[1]))


def _edges(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = np.unique(spans)
    return edges[np.r_[True, np.diff(edges) > _SAME_INSTANT_S]] if len(edges) else edges


def _range_sums(rows: Matrix, first: NDArray[np.intp], last: NDArray[np.intp]) -> Matrix:
    """Sums of `rows[first:last]`, for many ranges at once; each is summed on its own, so that nothing leaks or cancels."""
    width = int(np.max(last - first, initial=0))
    sums = np.zeros((len(first), rows.shape[1]))
    for step in range(width):
        reaches = first + step < last
        sums[reaches] += rows[first[reaches] + step]
    return sums


def _union_s(spans: NDArray[np.float64]) -> float:
    """How many seconds spans cover together, given by start."""
    reached = np.r_[-np.inf, np.maximum.accumulate(spans[:, 1])[:-1]]
    return float(np.maximum(spans[:, 1] - np.maximum(spans[:, 0], reached), 0.0).sum())
