"""Classifiers of rows through scikit-learn, for classes and for tags, with all scaling and whitening learned from training rows only.

Settings are chosen on the validation rows, of which nothing else is learned. It knows rows and outputs, no recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.benchmark.classical.summaries import quiet_about_convergence
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]

GRIDS: dict[str, tuple[float, ...]] = {
    "knn": (1, 3, 5, 9, 15),
    "logistic": (0.01, 0.1, 1.0, 10.0),
    "linear": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    "svm": (1.0, 10.0, 100.0),
    "mlp": (1e-4, 1e-2, 1.0),
}
"""Settings that are tried: neighbours; C; the course homework's five values of alpha; C; weight decay."""
_NAMES = {"knn": "neighbours", "logistic": "C", "linear": "alpha", "svm": "C", "mlp": "weight decay"}
_USUAL = {"knn": 5.0, "logistic": 1.0, "linear": 1e-3, "svm": 10.0, "mlp": 1e-2}
_HIDDEN = 128


@dataclass(frozen=True)
class Problem:
    """Rows `(n, d)` with their truth `(n, outputs)` 0/1; `tags` where a row may have any number of outputs."""

    train: Rows
    truth: Rows
    valid: Rows
    valid_truth: Rows
    tags: bool


@dataclass(frozen=True)
class Way:
    """A classifier by name; `components` to which rows are whitened (0: not); `alpha` of "linear", where it is not chosen (0: chosen)."""

    name: str
    components: int
    alpha: float
    seed: int


class Fitted:
    """A classifier that has learned. `setting` says with which."""

    def __init__(self, problem: Problem, way: Way, value: float) -> None:
        self._problem, self._way, self._value = problem, way, value
        self.setting = f"{_NAMES[way.name]} {value:g}"
        self._front = _front(way, len(problem.train), problem.train.shape[1]).fit(problem.train)
        rows = self._front.transform(problem.train)
        with quiet_about_convergence():
            self._heads = self._learned(rows)

    def _learned(self, rows: Rows) -> list[tuple[NDArray[np.intp], Any]]:
        """Estimators with the outputs that each is for."""
        truth, every = self._problem.truth, np.arange(self._problem.truth.shape[1])
        if self._way.name == "knn":
            return [(every, _estimator(self._way, min(self._value, len(rows))).fit(rows, truth))]
        if not self._problem.tags:
            there = np.flatnonzero(truth.any(axis=0))
            return [(there, _estimator(self._way, self._value).fit(rows, truth.argmax(axis=1)))]
        varying = np.flatnonzero(truth.min(axis=0) < truth.max(axis=0))
        return [(varying[[place]], _estimator(self._way, self._value).fit(rows, truth[:, output])) for place, output in enumerate(varying)]

    def scores(self, rows: Rows) -> Rows:
        """`(n, outputs)`: more is likelier. A class that nothing was trained on has less than any other, such a tag 0."""
        data = self._front.transform(rows)
        found = np.full((len(rows), self._problem.truth.shape[1]), 0.0 if self._problem.tags else -1e9)
        for outputs, estimator in self._heads:
            found[:, outputs] = _said(estimator, data, len(outputs))
        return found


def fit(problem: Problem, way: Way, check: Callable[[], None]) -> tuple[Fitted, str]:
    """Learn with each setting, and keep the one that does best on the validation rows; the usual one where there are none. Says which.

    The first of equals wins. Raises BenchmarkError when there is nothing to tell apart, Cancelled.
    """
    if problem.truth.any(axis=0).sum() < (1 if problem.tags else 2):
        raise BenchmarkError("There is nothing to tell apart: the training part has fewer than two classes.")
    values: Sequence[float] = GRIDS[way.name] if len(problem.valid) else (_USUAL[way.name],)
    if way.name == "linear" and way.alpha:
        values = (way.alpha,)
    best, best_score = None, -np.inf
    for value in values:
        check()
        fitted = Fitted(problem, way, value)
        score = quality(problem.valid_truth, fitted.scores(problem.valid), tags=problem.tags) if len(values) > 1 else 0.0
        if score > best_score:
            best, best_score = fitted, score
    assert best is not None
    return best, f"{best.setting}, {'chosen on the validation part' if len(values) > 1 else 'as set'}"


def quality(truth: Rows, scores: Rows, *, tags: bool) -> float:
    """The share of rows answered right; of tags their mean average precision, of those that some row has."""
    if not tags:
        return float(np.mean(scores.argmax(axis=1) == truth.argmax(axis=1)))
    from sklearn.metrics import average_precision_score

    found = [average_precision_score(truth[:, place], scores[:, place]) for place in np.flatnonzero(truth.any(axis=0))]
    return float(np.mean(found)) if found else 0.0


def _front(way: Way, count: int, width: int) -> Any:
    """Scaling, then whitening by principal components, all learned from what it is fitted on."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    components = min(way.components, count - 1, width)
    whitening = [PCA(components, whiten=True, svd_solver="full")] if components > 0 else []
    return make_pipeline(StandardScaler(), *whitening)


def _estimator(way: Way, value: float) -> Any:
    if way.name == "knn":
        from sklearn.neighbors import KNeighborsRegressor

        return KNeighborsRegressor(int(value))  # of 0/1: the share of neighbours, for classes and tags alike
    if way.name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=value, max_iter=1000)
    if way.name == "linear":
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(alpha=value, random_state=way.seed)
    if way.name == "svm":
        from sklearn.svm import SVC

        return SVC(C=value)
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((_HIDDEN,), alpha=value, random_state=way.seed, batch_size="auto", learning_rate_init=0.003)


def _said(estimator: Any, rows: Rows, outputs: int) -> Rows:
    """What an estimator says of rows, a column for each output."""
    if not hasattr(estimator, "classes_"):
        return np.asarray(estimator.predict(rows), np.float64).reshape(len(rows), outputs)
    say = getattr(estimator, "decision_function", None) or estimator.predict_proba
    found = np.asarray(say(rows), np.float64)
    if outputs == 1:
        return found.reshape(len(rows), -1)[:, -1:]
    return np.column_stack([-found, found]) if found.ndim == 1 else found
