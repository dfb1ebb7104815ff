"""One Gaussian per class with a covariance they share: linear scores, and relative Mahalanobis for "none of these".

State is exact float64 sums: counts nₖ, sums sₖ and the global Σxxᵀ. Learning adds and unlearning subtracts, so the head does not
depend on the order or history of its examples. The covariance is shrunk by OAS (Chen et al., 2010), so that it works with
fewer examples than dimensions; with one example per class it is the nearest class mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.shrinkage import TARGETS, Spread, covariances
from musicclass_gui.engine.heads.sums import NORMALISE, ClassSums, OnSums, checked_choice, require_mergeable, required

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix, Settings, State, Vectors

_NOT_REAL = "The classifier's sums are not those of real examples; get or build the classifier again."
_ROUNDING = 1e-12  # beside a dimension's mean square


@dataclass(frozen=True)
class _Fit:
    """What the sums say, solved: rows are centred by `centre` first."""

    centre: NDArray[np.float64]  # (d,) mean of all examples
    weights: Matrix  # (d, C) Σ⁻¹ (μₖ − centre)
    offsets: NDArray[np.float64]  # (C,) ½ (μₖ − centre)ᵀ Σ⁻¹ (μₖ − centre)
    relative: NDArray[np.float32]  # (d, d) Σ⁻¹ − Σ₀⁻¹, Σ₀ being the covariance of all examples
    within: Matrix  # (d, d) Σ

    @cached_property
    def whitener(self) -> Matrix:
        """`(d, d)` with whitenerᵀ whitener = Σ⁻¹; only looking for the nearest recordings needs it."""
        return np.asarray(np.linalg.solve(np.linalg.cholesky(self.within), np.eye(len(self.within))))


class GaussianHead(OnSums):
    """Shared-covariance Gaussian from exact sums.

    `normalise` "l2" scales each vector to length 1 before it is summed. `target` is what the covariance is shrunk towards: the
    identity times the mean variance, or ("diagonal") its own diagonal, which suits embeddings whose dimensions have different units.
    `independent` is how many independent examples one example counts as when the amount of shrinkage is chosen: windows of one
    recording are much alike, and taken for independent they hide how uncertain the covariance is (recordings / windows is right).
    """

    kind = "gaussian"

    def __init__(self, dim: int, *, normalise: str = "none", target: str = "identity", independent: float = 1.0) -> None:
        self._sums = ClassSums(dim)
        self._scatter: Matrix = np.zeros((dim, dim))
        self._normalise = checked_choice(normalise, NORMALISE, "normalisation")
        self._target = checked_choice(target, TARGETS, "shrinkage target")
        self._independent = _checked_share(independent)
        self._fitted: _Fit | None = None

    @property
    def settings(self) -> dict[str, str]:
        """`normalise`, `target` and `independent`."""
        return {"normalise": self._normalise, "target": self._target, "independent": repr(self._independent)}

    def learn(self, x: Vectors, label: str) -> None:
        """Add examples `(n, dim)` of a class."""
        rows = self._prepared(x)
        self._sums.add(rows, label)
        self._scatter += rows.T @ rows
        self._changed()

    def unlearn(self, x: Vectors, label: str) -> None:
        """Take examples back; the head is then as if it had never seen them."""
        rows = self._prepared(x)
        self._sums.remove(rows, label)
        self._scatter = self._scatter - rows.T @ rows if self._sums.examples else np.zeros_like(self._scatter)
        self._changed()

    def merge(self, other: Self) -> None:
        """Add another's sums: the same as learning its examples."""
        require_mergeable(self.kind, (self.dim, self.settings), (other.dim, other.settings))
        self._sums.merge(other._sums)
        self._scatter += other._scatter
        self._changed()

    def unmerge(self, other: Self) -> None:
        """Take another's sums back: the same as unlearning its examples. Raises ClassifierError when they were never there."""
        require_mergeable(self.kind, (self.dim, self.settings), (other.dim, other.settings))
        self._sums.unmerge(other._sums)
        self._scatter = self._scatter - other._scatter if self._sums.examples else np.zeros_like(self._scatter)
        self._changed()

    def count_as(self, independent: float) -> None:
        """Let each example count as so many independent ones from now on, see `GaussianHead`."""
        self._independent = _checked_share(independent)
        self._changed()

    def copy(self) -> Self:
        """A head that goes its own way."""
        twin = self._made(self.dim, self.settings)
        twin._sums, twin._scatter, twin._fitted = self._sums.copy(), self._scatter.copy(), self._fitted
        return twin

    def log_scores(self, x: Vectors) -> Matrix:
        """Log-likelihood of each class `(n, C)`, up to a constant per row, with equal priors."""
        fit = self._fit()
        return self._scores(self._prepared(x) - fit.centre, fit)

    def novelty(self, x: Vectors) -> NDArray[np.float64]:
        """Relative Mahalanobis distance `(n,)`: to the nearest class, less that under one Gaussian for everything (Ren et al., 2021).

        Both covariances are shrunk by the same amount, so that it grows with distance in every direction: shrunk each by its own,
        the overall one is sharper where there was little to see, and far-off sounds such as a sine seem familiar.
        """
        return self.judge(x)[1]

    def judge(self, x: Vectors) -> tuple[Matrix, NDArray[np.float64]]:
        """`log_scores` and `novelty`; the quadratic form is in single precision, which is where the time goes."""
        fit = self._fit()
        centred = self._prepared(x) - fit.centre
        scores, single = self._scores(centred, fit), centred.astype(np.float32)
        quadratic = np.einsum("ij,ij->i", single @ fit.relative, single)
        return scores, np.asarray(quadratic - 2 * scores.max(axis=1), np.float64)

    def whiten(self, x: Vectors) -> Matrix:
        """Rows in the space where the covariance within classes is the identity, `(n, dim)`."""
        fit = self._fit()
        return np.asarray((self._prepared(x) - fit.centre) @ fit.whitener.T)

    def covariance(self) -> Matrix:
        """The shrunk covariance within classes that the scores use, `(dim, dim)`; spherical when classes have no spread."""
        return covariances(self._spread(), self._target)[0]

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Counts, sums, and the upper triangle of Σxxᵀ by rows."""
        return {**self._sums.state(), "scatter": self._scatter[np.triu_indices(self.dim)]}

    @classmethod
    def from_state(cls, state: State, classes: list[str], settings: Settings) -> Self:
        """The head that these came from."""
        sums = ClassSums.from_state(state, classes)
        head = cls._made(sums.dim, settings)
        head._sums, head._scatter = sums, _unpacked(required(state, "scatter", 1), sums.dim)
        head._require_real_sums()
        return head

    @classmethod
    def _made(cls, dim: int, settings: Settings) -> Self:
        share = _checked_share(settings.get("independent", "1"))
        return cls(dim, normalise=settings.get("normalise", "none"), target=settings.get("target", "identity"), independent=share)

    def _require_real_sums(self) -> None:
        square = np.diag(self._scatter)
        explained = (self._sums.means() ** 2 * self._sums.count[:, None]).sum(axis=0)
        if (square < explained * (1 - _ROUNDING) - _ROUNDING * square.max(initial=0.0)).any():
            raise ClassifierError(_NOT_REAL)

    def _changed(self) -> None:
        self._fitted = None

    def _scores(self, centred: Matrix, fit: _Fit) -> Matrix:
        return np.where(self._sums.shown, centred @ fit.weights - fit.offsets, -np.inf)

    def _spread(self) -> Spread:
        examples, means = self._sums.examples, self._sums.means()
        freedom = max(1.0, examples - int(self._sums.present.sum()))
        within = (self._scatter - (means.T * self._sums.count) @ means) / freedom
        overall = (self._scatter - examples * np.outer(self._centre(), self._centre())) / freedom
        return Spread(within, overall, np.diag(self._scatter) / examples, max(1.0, freedom * self._independent))

    def _centre(self) -> NDArray[np.float64]:
        return np.asarray(self._sums.total.sum(axis=0) / self._sums.examples)

    def _fit(self) -> _Fit:
        if self._fitted is None:
            self._sums.require_examples()
            self._fitted = self._solve()
        return self._fitted

    def _solve(self) -> _Fit:
        within, overall = covariances(self._spread(), self._target)
        precision = _inverse(within)
        means = self._sums.means() - self._centre()
        weights = precision @ means.T
        offsets = 0.5 * np.einsum("ij,ji->i", means, weights)
        return _Fit(self._centre(), weights, offsets, self._relative(precision, overall).astype(np.float32), within)

    def _relative(self, precision: Matrix, overall: Matrix) -> Matrix:
        """What the novelty's quadratic form is; with one class there is nothing to be relative to."""
        if self._sums.present.sum() == 1:
            return precision
        return precision - _inverse(overall)


def _checked_share(value: float | str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ClassifierError(f"A Gaussian head's “independent” is a share between 0 and 1, not {value!r}.")
    return share


def _inverse(covariance: Matrix) -> Matrix:
    """The inverse of a covariance. Raises ClassifierError where it is none."""
    try:
        np.linalg.cholesky(covariance)
        return np.asarray(np.linalg.inv(covariance))
    except np.linalg.LinAlgError as error:
        raise ClassifierError(_NOT_REAL) from error


def _unpacked(triangle: NDArray[np.float64], dim: int) -> Matrix:
    """A symmetric matrix from its upper triangle by rows."""
    if len(triangle) != dim * (dim + 1) // 2:
        raise ClassifierError(f"The classifier's scatter has {len(triangle)} numbers where {dim} dimensions need {dim * (dim + 1) // 2}.")
    matrix = np.zeros((dim, dim))
    matrix[np.triu_indices(dim)] = triangle
    return np.asarray(matrix + np.triu(matrix, 1).T)
