"""RanPAC (McDonnell et al., NeurIPS 2023): a fixed random projection, ReLU, and a ridge regression on the labels from sums.

With H the projected chunks, G = HᵀH and Q = HᵀY are sums over all sessions, and the weights are (G + λI)⁻¹Q. λ is a fixed share of G's
mean diagonal, with a floor, and not chosen on a part of each session as by the authors; so nothing depends on the order of the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.by_class import Matrix
    from musicclass_gui.engine.benchmark.continual.pools import Floats, Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task

FLOOR = 1e-3
"""Least share of G's mean diagonal that λ is: below it the regression fits noise when there are about as many chunks as directions."""


class Strategy:
    """The sums G (directions, directions) and, for each class, its column of Q."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        dim, directions = task.sessions[0].grid.store.data.shape[1], task.settings.whole("ranpac_directions")
        self._share = max(FLOOR, task.settings.number("ranpac_ridge"))
        self.projection: Matrix = np.random.default_rng(task.seed).standard_normal((dim, directions))
        self._gram: Matrix = np.zeros((directions, directions))
        self._sums: dict[int, Matrix] = {}
        self.weights: Matrix = np.zeros((directions, 0))

    def learn_session(self, session: Session) -> None:
        """Add the session's sums and solve."""
        for label, rows in class_rows(session).items():
            projected = self._projected(rows)
            self._gram += projected.T @ projected
            self._sums[label] = projected.sum(axis=0)
        self.weights = self._solved()

    def predict(self, items: Pool) -> Numbers:
        """The class with the highest mean of its chunks' outputs."""
        return best(items.means(self._projected(items.flat()) @ self.weights), [*self._sums])

    @property
    def ridge(self) -> float:
        """λ as it is now."""
        return self._share * float(np.trace(self._gram)) / len(self._gram)

    def _projected(self, rows: Matrix | Floats) -> Matrix:
        return np.maximum(rows.astype(np.float64) @ self.projection, 0.0)

    def _solved(self) -> Matrix:
        from scipy.linalg import cho_factor, cho_solve

        columns = np.array([*self._sums.values()]).T
        factor = cho_factor(self._gram + max(self.ridge, np.finfo(float).tiny) * np.eye(len(self._gram)))
        return np.asarray(cho_solve(factor, columns), np.float64)
