"""From scores to honest numbers: temperatures, thresholds, calibration error and intervals, all from held-out recordings.

It is given scores of recordings that the head did not learn from; keeping files and pieces apart is the caller's part.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix

FALSE_REJECTIONS = 0.05  # how many recordings of known classes may be called "none of these"
_Z95 = 1.959964  # 97.5 % quantile of the normal distribution
_HOTTEST, _COLDEST = 1e4, 1e-3
_BINS = 10
_DRAWS = 1000


@dataclass(frozen=True)
class Calibration:
    """What turns a head's scores into probabilities and "none of these", for whole recordings and for single moments."""

    temperature: float = 1.0
    window_temperature: float = 1.0
    threshold: float = float("inf")
    window_threshold: float = float("inf")


def log_softmax(scores: Matrix) -> Matrix:
    """Log-probabilities of each row `(n, C)`; classes at −inf stay there."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax(scores: Matrix) -> Matrix:
    """Probabilities of each row `(n, C)`."""
    return np.asarray(np.exp(log_softmax(scores)))


def fit_temperature(scores: Matrix, truth: NDArray[np.intp], weight: NDArray[np.float64] | None = None, *, doubt: float = 0.0) -> float:
    """The temperature that makes `softmax(scores / temperature)` likeliest for the true columns, rows weighted by `weight`.

    `doubt` is the share of each row that is taken for the other classes together (Platt, 1999): without it, a few recordings that are
    all answered right would make every later answer certain.
    """
    share = np.full(len(truth), 1.0) if weight is None else weight
    rows = np.arange(len(truth))

    def cost(log_temperature: float) -> float:
        likely = log_softmax(scores / exp(log_temperature))
        right = likely[rows, truth]
        if not doubt:
            return -float(share @ right)
        others = np.where(np.isfinite(likely), likely, 0.0).sum(axis=1) - right
        return -float(share @ ((1 - doubt) * right + doubt * others / np.maximum(1, np.isfinite(likely).sum(axis=1) - 1)))

    return exp(_minimum(cost, log(_COLDEST), log(_HOTTEST)))


def _minimum(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest (golden section, to 1e-6)."""
    ratio = (sqrt(5) - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    cost_a, cost_b = cost(a), cost(b)
    while high - low > 1e-6:
        if cost_a <= cost_b:
            high, b, cost_b = b, a, cost_a
            a = high - ratio * (high - low)
            cost_a = cost(a)
        else:
            low, a, cost_a = a, b, cost_b
            b = low + ratio * (high - low)
            cost_b = cost(b)
    return (low + high) / 2


def threshold_at(novelty: NDArray[np.float64], weight: NDArray[np.float64] | None = None, *, rejected: float = FALSE_REJECTIONS) -> float:
    """The novelty that a share `rejected` of the held-out weight lies above (no more than that share)."""
    share = np.full(len(novelty), 1.0) if weight is None else weight
    order = np.argsort(novelty, kind="stable")
    below = np.cumsum(share[order]) / share.sum()
    return float(novelty[order][np.searchsorted(below, 1 - rejected - 1e-9)])


def calibration_error(probabilities: Matrix, truth: NDArray[np.intp]) -> float:
    """Expected calibration error of the top class: mean over ten equal-width bins of |accuracy − confidence|, by count."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    return _bins_off(confidence, right)


def calibration_error_by_chance(probabilities: Matrix) -> float:
    """The calibration error that so many rows show on average where every probability is true (Bröcker and Smith, 2007).

    Bins of few rows are off by luck alone, so an error is only to be read beside this one. Mean of 1,000 draws of what is right.
    """
    confidence, chance = probabilities.max(axis=1), np.random.default_rng(0)
    return float(np.mean([_bins_off(confidence, chance.random(len(confidence)) < confidence) for _ in range(_DRAWS)]))


def _bins_off(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(right))


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion seen in `n` independent cases (Wilson score)."""
    if n == 0:
        return 0.0, 1.0
    spread = _Z95**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z95 * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def area_under_roc(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    """How often an unknown is stranger than a known (ties count half)."""
    ordered = np.sort(known)
    below = np.searchsorted(ordered, unknown, side="left") + np.searchsorted(ordered, unknown, side="right")
    return float(below.sum() / (2 * len(known) * len(unknown)))


def macro_f1(predicted: Sequence[int], truth: Sequence[int], classes: int) -> float:
    """The mean of the classes' F1; a class never right counts 0."""
    hits, said, true = (np.zeros(classes) for _ in range(3))
    for guess, label in zip(predicted, truth, strict=True):
        said[guess] += 1
        true[label] += 1
        hits[label] += guess == label
    return float(np.mean(2 * hits / np.maximum(said + true, 1)))
