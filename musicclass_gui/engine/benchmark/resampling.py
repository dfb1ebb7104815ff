"""The arithmetic below the measures: measures as functions of how often each item counts, and intervals from drawing items anew.

A measure of n items is written for weights (draws, n): a row of ones gives the measure, rows of multinomial draws its bootstrap (Efron
1979). It knows numbers only: nothing of protocols, items or classes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]
    OfWeights = Callable[[Array], Array]

DRAWS = 1000
SEED = 20240
Z95 = 1.959963984540054
_FLIPS = 10_000
_AT_ONCE = 4_000_000  # weights held in memory together


def wilson(right: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, `right` of `count` (Wilson 1927)."""
    share, square = right / count, Z95 * Z95
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    # the ends are exact, which rounding would miss by a digit
    return (0.0 if right <= 0 else max(0.0, middle - half)), (1.0 if right >= count else min(1.0, middle + half))


def weights_of_draws(count: int, draws: int = DRAWS) -> Iterator[Array]:
    """How often each of `count` items was drawn, (some, count) float64 at a time; the same at every call."""
    generator = np.random.default_rng(SEED)
    at_once = max(1, _AT_ONCE // count)
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        yield generator.multinomial(count, np.full(count, 1 / count), size=size).astype(np.float64)


def bootstrap(measure: OfWeights, count: int) -> Array:
    """A measure of `count` items for all draws, (draws,) or (draws, …); NaN where a draw left it undefined."""
    return np.concatenate([measure(weights) for weights in weights_of_draws(count)])


def interval(values: Array) -> tuple[float | None, float | None]:
    """The 2.5 % and 97.5 % points of the draws that are defined, or nothing where none is."""
    defined = values[np.isfinite(values)]
    if not defined.size:
        return None, None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low), float(high)


def once(measure: OfWeights, count: int) -> Array:
    """The measure itself: every item counts once."""
    value: Array = measure(np.ones((1, count)))[0]
    return value


def divide(above: Array, below: Array) -> Array:
    """The quotient, NaN where it is not defined."""
    nothing = np.full(np.broadcast(above, below).shape, np.nan)
    return np.asarray(np.divide(above, below, out=nothing, where=np.asarray(below != 0)))


def mean_defined(values: Array) -> Array:
    """The mean over the last axis of what is defined; NaN where nothing is."""
    there = np.isfinite(values)
    return divide(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))


def macro_f1_of(cells: Array) -> Array:
    """Macro-F1 of confusion counts (draws, classes, classes), truth by row; classes that neither occur nor are said do not count."""
    right = np.diagonal(cells, axis1=1, axis2=2)
    return mean_defined(divide(2 * right, cells.sum(axis=1) + cells.sum(axis=2)))


def areas(truth: Array, scores: Array, weights: Array) -> tuple[Array, Array]:
    """The area under the ROC curve and the average precision, each (draws,), of truth (n,) 0/1 and scores (n,) for weights (draws, n).

    Equal scores are one step of the curve, as in scikit-learn. NaN where there is no positive item, for ROC also where all are.
    """
    order = np.argsort(-scores, kind="stable")
    steps = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    positive = np.cumsum(weights[:, order] * truth[order], axis=1)[:, steps]
    negative = np.cumsum(weights[:, order] * (1 - truth[order]), axis=1)[:, steps]
    new_positive, new_negative = (np.diff(part, axis=1, prepend=0) for part in (positive, negative))
    all_positive, all_negative = positive[:, -1], negative[:, -1]
    roc = divide((new_negative * (positive - new_positive / 2)).sum(axis=1), all_positive * all_negative)
    precision = np.nan_to_num(divide(positive, positive + negative))
    return roc, divide((new_positive * precision).sum(axis=1), all_positive)


def mean_areas(truth: Array, scores: Array, weights: Array) -> Array:
    """Macro ROC area and average precision, (draws, 2), over tags: truth (n, tags) 0/1, scores (n, tags)."""
    both = [areas(truth[:, tag], scores[:, tag], weights) for tag in range(truth.shape[1])]
    return np.stack([mean_defined(np.stack([pair[which] for pair in both], axis=-1)) for which in (0, 1)], axis=-1)


def r2_of(truth: Array, said: Array, weights: Array) -> Array:
    """The coefficient of determination for weights (draws, n); NaN where the truth does not vary."""
    total = weights.sum(axis=1)
    mean = (weights * truth).sum(axis=1) / total
    left = (weights * (truth - said) ** 2).sum(axis=1)
    return 1 - divide(left, (weights * (truth - mean[:, None]) ** 2).sum(axis=1))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test (1947): a binomial test of the items that only one of two methods has right."""
    both, fewer = only_first + only_second, min(only_first, only_second)
    tail, term = 0, 1
    for number in range(fewer + 1):
        tail += term
        term = term * (both - number) // (number + 1)
    return min(1.0, float(2 * tail / 2**both))


def sign_flip(differences: Array) -> float:
    """The two-sided p of a randomisation test of paired differences (n,): how often flipped signs give a mean as far from 0.

    Equal sizes are drawn together: of `count` of them a binomial number keeps its sign.
    """
    generator = np.random.default_rng(SEED)
    sizes, counts = np.unique(np.round(np.abs(differences), 12), return_counts=True)
    kept = generator.binomial(counts, 0.5, size=(_FLIPS, len(sizes)))
    sums = ((2 * kept - counts) * sizes).sum(axis=1)
    far = int((np.abs(sums) >= abs(float(differences.sum())) - 1e-9).sum())
    return (far + 1) / (_FLIPS + 1)


def crossing(draws: Array) -> float:
    """The two-sided p of drawn differences: twice the share on the rarer side of 0."""
    defined = draws[np.isfinite(draws)]
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(defined) + 1))
