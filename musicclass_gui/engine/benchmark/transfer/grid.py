"""The grid that Choi et al. 2017 searched, and what each of its points says of a fold. It knows nothing of tasks, files or selection.

libsvm is given kernel matrices: those of one width serve all values of C. They are computed by libsvm's own formula in float64 and, like
there, rounded to float32 by its solver, so that predictions are those which it makes of the features.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

AUTO = 0.0
_COSTS = (0.1, 2.0, 8.0, 32.0)
_WIDTHS = (*(2.0**-power for power in (3, 5, 7, 9, 11, 13)), AUTO)
_NEIGHBOURS = (1, 3, 5, 9, 15, 25)
_MOST_SHARED = 5000
"""Above this many rows to learn from, matrices would take more memory than they save time."""
_CACHE_MB = 500


@dataclass(frozen=True)
class Point:
    """One setting. `kernel` is "rbf", "linear" or "knn"; `size` is C, or the number of neighbours; `gamma` 0 stands for 1 / dimensions."""

    kernel: str
    size: float
    gamma: float = AUTO

    @property
    def name(self) -> str:
        """What a result calls it."""
        if self.kernel == "knn":
            return f"{self.size:g} neighbours"
        width = "" if self.kernel == "linear" else f", γ={f'2^{np.log2(self.gamma):g}' if self.gamma else 'auto'}"
        return f"{self.kernel}, C={self.size:g}{width}"


SVM = (*(Point("rbf", c, gamma) for gamma in _WIDTHS for c in _COSTS), *(Point("linear", c) for c in _COSTS))
"""The 32 points of the paper's code (section 4.3 names them in part)."""
KNN = tuple(Point("knn", float(k)) for k in _NEIGHBOURS)
METHODS = {"svm": SVM, "knn": KNN}


@dataclass(frozen=True)
class Fold:
    """What is learned from, its truth, and what is asked: `(n, d)`, `(n,)` and `(m, d)`, float64."""

    train: Matrix
    truth: Matrix
    test: Matrix

    def scaled(self) -> Fold:
        """The same with every dimension to mean 0 and deviation 1 of what is learned from; constant ones are only centred."""
        mean, deviation = self.train.mean(axis=0), self.train.std(axis=0)
        deviation[deviation < 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
        return Fold((self.train - mean) / deviation, self.truth, (self.test - mean) / deviation)


@dataclass(frozen=True)
class Limits:
    """What keeps a fit in bounds: libsvm's iterations, and from how many rows on kernels are no longer shared."""

    iterations: int = 200_000
    most_shared: int = _MOST_SHARED


@dataclass(frozen=True)
class Said:
    """What each point says of each asked row: `(points, m)`; `stopped` are the points that libsvm had not finished within its limit."""

    values: Matrix
    stopped: frozenset[Point]


def say(points: Sequence[Point], fold: Fold, *, regression: bool, limits: Limits, check: Callable[[], None]) -> Said:
    """Fit every point on a fold and ask it; `check` is called before each fit, and may raise to stop."""
    values, stopped = np.empty((len(points), len(fold.test))), set[Point]()
    row = 0
    for (kernel, gamma), group in groupby(points, key=lambda point: (point.kernel, point.gamma)):
        prepared = _Prepared.of(kernel, gamma, fold, limits)
        for point in group:
            check()
            values[row], finished = (
                _neighbours(point, prepared, regression) if kernel == "knn" else _svm(point, prepared, regression, limits)
            )
            row += 1
            stopped |= set() if finished else {point}
    return Said(values, frozenset(stopped))


@dataclass(frozen=True)
class _Prepared:
    """A fold as one kernel wants it: matrices where `kernel` is "precomputed", distances for "knn", else the features."""

    kernel: str
    gamma: float
    train: Matrix
    truth: Matrix
    test: Matrix

    @classmethod
    def of(cls, kernel: str, gamma: float, fold: Fold, limits: Limits) -> _Prepared:
        width = gamma or 1.0 / fold.train.shape[1]
        if kernel == "knn":
            return cls(kernel, width, fold.train[:0], fold.truth, squared(fold.test, fold.train))
        if len(fold.train) > limits.most_shared:
            return cls(kernel, width, fold.train, fold.truth, fold.test)
        shared = [np.ascontiguousarray(_kernel(kernel, width, asked, fold.train)) for asked in (fold.train, fold.test)]
        return cls("precomputed", width, shared[0], fold.truth, shared[1])


def squared(a: Matrix, b: Matrix) -> Matrix:
    """Squared Euclidean distances `(len(a), len(b))`, as libsvm has them: |a|² + |b|² − 2ab."""
    return np.asarray((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T))


def _kernel(kernel: str, gamma: float, a: Matrix, b: Matrix) -> Matrix:
    return np.asarray(a @ b.T if kernel == "linear" else np.exp(-gamma * squared(a, b)))


def _svm(point: Point, fold: _Prepared, regression: bool, limits: Limits) -> tuple[Matrix, bool]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC, SVR

    model: Any = (SVR if regression else SVC)(
        kernel=fold.kernel, C=point.size, gamma=fold.gamma, max_iter=limits.iterations, cache_size=_CACHE_MB
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fold.train, fold.truth)
    return np.asarray(model.predict(fold.test), float), model.fit_status_ == 0


def _neighbours(point: Point, fold: _Prepared, regression: bool) -> tuple[Matrix, bool]:
    """The class of most of the nearest, or their mean; of equals the class with the smaller number, and of equally near ones the first."""
    nearest = np.argsort(fold.test, axis=1, kind="stable")[:, : int(point.size)]
    values = fold.truth[nearest]
    said = values.mean(axis=1) if regression else np.asarray([_most(row) for row in values])
    return said, True


def _most(values: Matrix) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def score(truth: Matrix, said: Matrix, *, regression: bool) -> float:
    """Accuracy, or R² = 1 − Σ(truth − said)² / Σ(truth − mean)²."""
    if not regression:
        return float((truth == said).mean())
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1.0 - float(((truth - said) ** 2).sum()) / spread if spread else 0.0
