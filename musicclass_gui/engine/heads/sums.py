"""Counts and sums per class: the part of learning that all heads share, exact in any order.

It knows no covariance and no scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from musicclass_gui.engine.errors import ClassifierError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix, State, Vectors

NORMALISE = ("none", "l2")
HIDDEN = "\x1f"  # begins the label of a class that counts in the covariance and can never win; no name that is shown begins so


def prepared(x: Vectors, dim: int, normalise: str) -> Matrix:
    """Rows as float64, each scaled to length 1 when `normalise` is "l2". Raises ClassifierError for rows that do not fit."""
    rows = np.asarray(x, np.float64)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise ClassifierError(f"The embeddings have shape {rows.shape}, but this classifier needs rows of {dim} numbers.")
    if not np.isfinite(rows).all():
        raise ClassifierError("Some embeddings are not finite numbers, so they can be neither learned nor classified.")
    return unit_rows(rows) if normalise == "l2" else rows


def unit_rows(rows: Matrix) -> Matrix:
    """Rows scaled to Euclidean length 1; a row of zeros stays."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(rows / np.where(length > 0, length, 1.0))


class ClassSums:
    """For each class how many examples it has and their sum."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.classes: list[str] = []
        self.count: NDArray[np.float64] = np.zeros(0)
        self.total: Matrix = np.zeros((0, dim))

    def add(self, rows: Matrix, label: str) -> None:
        """Count `rows` as examples of `label`."""
        self._give(label, len(rows), rows.sum(axis=0))

    def remove(self, rows: Matrix, label: str) -> None:
        """Take `rows` back. Raises ClassifierError when the class has fewer examples than that."""
        self._require(label, len(rows))
        self._take(label, len(rows), rows.sum(axis=0))

    def merge(self, other: ClassSums) -> None:
        """Add another's counts and sums, class by class."""
        for label, count, total in zip(other.classes, other.count, other.total, strict=True):
            self._give(label, count, total)

    def unmerge(self, other: ClassSums) -> None:
        """Take another's counts and sums back. Raises ClassifierError, and changes nothing, when there are fewer than that."""
        for label, count in zip(other.classes, other.count, strict=True):
            self._require(label, count)
        for label, count, total in zip(other.classes, other.count, other.total, strict=True):
            self._take(label, count, total)

    def reassign(self, count: float, total: NDArray[np.float64], before: str, after: str) -> None:
        """Make `count` examples with the sum `total` of one class examples of another. Raises ClassifierError when there are fewer."""
        self._require(before, count)
        self._take(before, count, total)
        self._give(after, count, total)

    def drop_empty(self) -> None:
        """Forget classes that have no examples."""
        keep = self.present
        self.classes = [label for label, kept in zip(self.classes, keep, strict=True) if kept]
        self.count, self.total = self.count[keep], self.total[keep]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes have examples."""
        return np.asarray(self.count > 0)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which classes can win: they have examples and are not hidden."""
        return np.asarray(self.present & np.asarray([not label.startswith(HIDDEN) for label in self.classes], bool))

    @property
    def examples(self) -> float:
        """How many examples there are in all."""
        return float(self.count.sum())

    def means(self) -> Matrix:
        """Class means `(C, dim)`; zeros for a class without examples."""
        return np.asarray(self.total / np.maximum(self.count, 1.0)[:, None])

    def require_examples(self) -> None:
        """Raise ClassifierError when there is nothing to classify by."""
        if not self.shown.any():
            raise ClassifierError("This classifier has no examples yet; teach it at least one class first.")

    def copy(self) -> Self:
        """Sums that go their own way."""
        twin = type(self)(self.dim)
        twin.classes, twin.count, twin.total = list(self.classes), self.count.copy(), self.total.copy()
        return twin

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The arrays, for saving."""
        return {"count": self.count.copy(), "sum": self.total.copy()}

    @classmethod
    def from_state(cls, state: State, classes: list[str]) -> Self:
        """The sums that `state` and `classes` came from. Raises ClassifierError when they do not fit."""
        count, total = required(state, "count", 1), required(state, "sum", 2)
        if not len(classes) == len(set(classes)) == len(count) == len(total) or total.shape[1] < 1:
            raise ClassifierError(f"A classifier of {len(classes)} classes has sums of shapes {count.shape} and {total.shape}.")
        if (count < 0).any() or (count != np.round(count)).any():
            raise ClassifierError("The numbers of examples in this classifier are not whole numbers.")
        sums = cls(total.shape[1])
        sums.classes, sums.count, sums.total = list(classes), count.copy(), total.copy()
        return sums

    def _require(self, label: str, count: float) -> None:
        if label not in self.classes or self.count[self.classes.index(label)] < count:
            raise ClassifierError(f"“{label}” has fewer than {count:g} examples, so they cannot be taken back from it.")

    def _take(self, label: str, count: float, total: NDArray[np.float64]) -> None:
        row = self.classes.index(label)
        self.count[row] -= count
        self.total[row] = self.total[row] - total if self.count[row] else 0.0

    def _give(self, label: str, count: float, total: NDArray[np.float64]) -> None:
        row = self._row_for(label)
        self.count[row] += count
        self.total[row] += total

    def _row_for(self, label: str) -> int:
        if label not in self.classes:
            self.classes.append(label)
            self.count = np.append(self.count, 0.0)
            self.total = np.vstack([self.total, np.zeros((1, self.dim))])
        return self.classes.index(label)


def required(state: State, name: str, ndim: int) -> NDArray[np.float64]:
    """A float64 array of a head's state. Raises ClassifierError when it is missing, of another shape, or not finite."""
    array = state.get(name)
    if array is None or array.ndim != ndim or array.dtype != np.float64 or not np.isfinite(array).all():
        raise ClassifierError(
            f"The classifier's “{name}” is missing or is not {ndim}-dimensional finite float64; get the classifier again."
        )
    return array


def checked_choice(value: str, choices: tuple[str, ...], what: str) -> str:
    """`value` when it is one of `choices`, else ClassifierError."""
    if value not in choices:
        raise ClassifierError(f"This program knows no {what} “{value}”, only {', '.join(choices)}; a newer version may.")
    return value


def require_mergeable(kind: str, mine: tuple[int, dict[str, str]], other: tuple[int, dict[str, str]]) -> None:
    """Raise ClassifierError unless two heads' dimensions and settings are the same."""
    if mine != other:
        raise ClassifierError(f"Two {kind} heads with different dimensions or settings ({mine} and {other}) cannot be merged.")


class OnSums:
    """A head that rests on class sums: what its classes are, how long its vectors, and how examples change their class."""

    _sums: ClassSums
    _normalise: str

    @property
    def classes(self) -> list[str]:
        """Class names, in the order of the columns of `log_scores`."""
        return list(self._sums.classes)

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        return self._sums.dim

    @property
    def examples(self) -> float:
        """How many examples it has learned and not unlearned."""
        return self._sums.examples

    def move(self, x: Vectors, before: str, after: str) -> None:
        """Make examples `(n, dim)` of one class examples of another: what all classes share is not touched, so nothing is rounded."""
        rows = self._prepared(x)
        self.reassign(len(rows), rows.sum(axis=0), before, after)

    def reassign(self, count: float, total: NDArray[np.float64], before: str, after: str) -> None:
        """`move` for examples of which only their number and the sum of their (normalised) rows is known."""
        self._sums.reassign(count, total, before, after)
        self._changed()

    def drop_empty(self) -> None:
        """Forget the names of classes without examples."""
        self._sums.drop_empty()
        self._changed()

    def _prepared(self, x: Vectors) -> Matrix:
        return prepared(x, self.dim, self._normalise)

    def _changed(self) -> None:
        """What was solved from the sums is no longer so."""
