"""The grid that Choi et al. 2017 searched, and what each of its points says of a fold. It knows nothing of tasks, files or selection.

libsvm is given kernel matrices: those of one width serve all values of C. They are computed by libsvm's own formula in float64 and, like
there, rounded to float32 by its solver, so that classes are those which it says of the features. Where values are told, it is given the
features themselves: it stops within a tolerance, and the last bits of a kernel decide where.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Ask = Callable[["Point"], tuple[Matrix, bool]]
    """What a point says of each asked row, and whether its fit was finished."""

AUTO = 0.0
_COSTS = (0.1, 2.0, 8.0, 32.0)
_WIDTHS = (*(2.0**-power for power in (3, 5, 7, 9, 11, 13)), AUTO)
_NEIGHBOURS = (1, 3, 5, 9, 15, 25)
_MOST_SHARED = 8000
"""Above this many rows to learn from, matrices (twice 0.5 GB for as many) would take more memory than they save time."""
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
GENTLE = Point("linear", 0.1)
"""The linear kernel with the smallest C, which alone of the linear ones settles on features of very different size."""
KNN = tuple(Point("knn", float(k)) for k in _NEIGHBOURS)
METHODS = {"svm": SVM, "knn": KNN}


@dataclass(frozen=True)
class Fold:
    """What is learned from, its truth, and what is asked: `(n, d)`, `(n,)` and `(m, d)`, float64."""

    train: Matrix
    truth: Matrix
    test: Matrix

    def by_class(self) -> Fold:
        """The same with the rows of each class side by side, as libsvm groups them itself: it reads matrices faster so."""
        order = np.argsort(self.truth, kind="stable")
        return Fold(self.train[order], self.truth[order], self.test)

    def scaled(self) -> Fold:
        """The same with every dimension to mean 0 and deviation 1 of what is learned from; constant ones are only centred."""
        mean, deviation = self.train.mean(axis=0), self.train.std(axis=0)
        deviation[deviation < 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
        return Fold((self.train - mean) / deviation, self.truth, (self.test - mean) / deviation)


@dataclass(frozen=True)
class Limits:
    """What keeps a fit in bounds: libsvm's iterations, and from how many rows on kernels are no longer shared.

    `gentle` are the iterations of `GENTLE`, `steep` those of the other linear kernels; where they are 0, they are as many as of all.
    """

    iterations: int = 1_000_000
    most_shared: int = _MOST_SHARED
    gentle: int = 0
    steep: int = 0

    def of(self, point: Point) -> int:
        """How many iterations a point may take."""
        own = {GENTLE: self.gentle}.get(point, self.steep) if point.kernel == "linear" else 0
        return own or self.iterations


@dataclass(frozen=True)
class Said:
    """What each point says of each asked row: `(points, m)`; `stopped` are the points that libsvm had not finished within its limit."""

    values: Matrix
    stopped: frozenset[Point]


def say(points: Sequence[Point], fold: Fold, *, regression: bool, limits: Limits, check: Callable[[], None]) -> Said:
    """Fit every point on a fold and ask it; `check` is called before each fit, and may raise to stop."""
    svm = _Kernels(fold if regression else fold.by_class(), regression, limits)
    rows: list[Matrix] = []
    stopped: set[Point] = set()
    for (kernel, gamma), group in groupby(points, key=lambda point: (point.kernel, point.gamma)):
        ask = _neighbours(fold, regression) if kernel == "knn" else svm.asked(kernel, gamma)
        for point in group:
            check()
            said, finished = ask(point)
            rows.append(said)
            stopped |= set() if finished else {point}
        del ask  # its matrix goes before the next one comes
    return Said(np.stack(rows), frozenset(stopped))


class _Kernels:
    """A fold as libsvm learns it. All widths share their distances, all values of C their kernel matrix, where that is not too large."""

    def __init__(self, fold: Fold, regression: bool, limits: Limits) -> None:
        self._fold, self._regression, self._limits = fold, regression, limits

    def asked(self, kernel: str, gamma: float) -> Ask:
        """Fits and asks the points of one kernel."""
        fold, width = self._fold, gamma or 1.0 / self._fold.train.shape[1]
        if self._regression or len(fold.train) > self._limits.most_shared:
            return lambda point: self._fit(point, kernel, width, fold.train, fold.test)
        train, test = (self._matrix(kernel, width, asked) for asked in ("train", "test"))
        return lambda point: self._fit(point, "precomputed", width, train, test)

    def _matrix(self, kernel: str, width: float, asked: str) -> Matrix:
        """The kernel of what is learned from or asked (rows) with what is learned from."""
        if kernel == "linear":
            return np.ascontiguousarray(getattr(self._fold, asked) @ self._fold.train.T)
        found = self._distances[asked] * -width
        return np.asarray(np.exp(found, out=found))

    @cached_property
    def _distances(self) -> dict[str, Matrix]:
        return {asked: squared(getattr(self._fold, asked), self._fold.train) for asked in ("train", "test")}

    def _fit(self, point: Point, kernel: str, width: float, train: Matrix, test: Matrix) -> tuple[Matrix, bool]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import SVC, SVR

        kind: Any = SVR if self._regression else SVC
        model = kind(kernel=kernel, C=point.size, gamma=width, max_iter=self._limits.of(point), cache_size=_CACHE_MB)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, self._fold.truth)
        return np.asarray(model.predict(test), float), model.fit_status_ == 0


def squared(a: Matrix, b: Matrix) -> Matrix:
    """Squared Euclidean distances `(len(a), len(b))`, as libsvm has them: |a|² + |b|² − 2ab."""
    return np.asarray((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T))


def _neighbours(fold: Fold, regression: bool) -> Ask:
    """The class of most of the nearest, or their mean; of equals the class with the smaller number, and of equally near ones the first."""
    nearest = np.argsort(squared(fold.test, fold.train), axis=1, kind="stable")

    def ask(point: Point) -> tuple[Matrix, bool]:
        values = fold.truth[nearest[:, : int(point.size)]]
        return (values.mean(axis=1) if regression else np.asarray([_most(row) for row in values])), True

    return ask


def _most(values: Matrix) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def score(truth: Matrix, said: Matrix, *, regression: bool) -> float:
    """Accuracy, or R² = 1 − Σ(truth − said)² / Σ(truth − mean)²."""
    if not regression:
        return float((truth == said).mean())
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1.0 - float(((truth - said) ** 2).sum()) / spread if spread else 0.0
