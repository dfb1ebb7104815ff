"""Nearest class mean by Euclidean distance: the head of the continual-learning paper, and the yardstick for others.

The score of class k is μₖ·x − ½‖μₖ‖², that is −½‖x − μₖ‖² up to a constant per row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from musicclass_gui.engine.heads.sums import NORMALISE, ClassSums, OnSums, checked_choice, require_mergeable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix, Settings, State, Vectors


class CentersHead(OnSums):
    """A mean per class; learning and unlearning are exact and free of order."""

    kind = "centers"

    def __init__(self, dim: int, *, normalise: str = "none") -> None:
        self._sums = ClassSums(dim)
        self._normalise = checked_choice(normalise, NORMALISE, "normalisation")

    @property
    def settings(self) -> dict[str, str]:
        """`normalise`: "none" or "l2"."""
        return {"normalise": self._normalise}

    def learn(self, x: Vectors, label: str) -> None:
        """Add examples `(n, dim)` of a class."""
        self._sums.add(self._prepared(x), label)

    def unlearn(self, x: Vectors, label: str) -> None:
        """Take examples back."""
        self._sums.remove(self._prepared(x), label)

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        require_mergeable(self.kind, (self.dim, self.settings), (other.dim, other.settings))
        self._sums.merge(other._sums)

    def unmerge(self, other: Self) -> None:
        """Take another's sums back. Raises ClassifierError when they were never there."""
        require_mergeable(self.kind, (self.dim, self.settings), (other.dim, other.settings))
        self._sums.unmerge(other._sums)

    def copy(self) -> Self:
        """A head that goes its own way."""
        return self.from_state(self.state(), self.classes, self.settings)

    def log_scores(self, x: Vectors) -> Matrix:
        """−½ squared distance to each class mean `(n, C)`, up to a constant per row."""
        self._sums.require_examples()
        means = self._sums.means()
        scores = self._prepared(x) @ means.T - 0.5 * np.einsum("ij,ij->i", means, means)
        return np.where(self._sums.shown, scores, -np.inf)

    def novelty(self, x: Vectors) -> NDArray[np.float64]:
        """Euclidean distance to the nearest class mean, `(n,)`."""
        return self.judge(x)[1]

    def judge(self, x: Vectors) -> tuple[Matrix, NDArray[np.float64]]:
        """`log_scores` and `novelty`."""
        rows, scores = self._prepared(x), self.log_scores(x)
        nearest = np.einsum("ij,ij->i", rows, rows) - 2 * scores.max(axis=1)
        return scores, np.asarray(np.sqrt(np.maximum(nearest, 0.0)))

    def whiten(self, x: Vectors) -> Matrix:
        """The rows themselves (normalised as the head does): it measures plain distance."""
        return self._prepared(x)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Counts and sums."""
        return self._sums.state()

    @classmethod
    def from_state(cls, state: State, classes: list[str], settings: Settings) -> Self:
        """The head that these came from."""
        sums = ClassSums.from_state(state, classes)
        head = cls(sums.dim, normalise=settings.get("normalise", "none"))
        head._sums = sums
        return head
