"""RanPAC (McDonnell et al., NeurIPS 2023): a fixed random projection, ReLU, and a ridge regression on the labels from sums.

With H the projected chunks, G = HᵀH and Q = HᵀY are sums over all sessions, and the weights are (G + λI)⁻¹Q. λ is a share of G's mean
diagonal. Its authors choose it by the squared error on a part of each session's training data; here it is that on the validation files of
all classes seen, so that at the end nothing depends on the order of the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.by_class import Matrix
    from musicclass_gui.engine.benchmark.continual.pools import Floats, Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task

SHARES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""What λ is chosen from, in units of G's mean diagonal. Below them it fits noise when chunks are about as many as directions."""


class Strategy:
    """The sums G (directions, directions) and, for each class, its column of Q."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        dim, directions = task.sessions[0].grid.store.data.shape[1], task.settings.whole("ranpac_directions")
        share = task.settings.number("ranpac_ridge")
        self._shares = (max(SHARES[0], share),) if share else SHARES
        self._valid: list[Pool] = []
        self.projection: Matrix = np.random.default_rng(task.seed).standard_normal((dim, directions))
        self._gram: Matrix = np.zeros((directions, directions))
        self._sums: dict[int, Matrix] = {}
        self.ridge, self.weights = 0.0, np.zeros((directions, 0))

    def learn_session(self, session: Session) -> None:
        """Add the session's sums, solve, and keep the λ that does best on validation files; the least one where there are none."""
        for label, rows in class_rows(session).items():
            projected = self._projected(rows)
            self._gram += projected.T @ projected
            self._sums[label] = projected.sum(axis=0)
        self._valid.append(session.valid)
        self.ridge, self.weights = min(map(self._solved, self._shares), key=lambda solved: self._error(solved[1]))

    def predict(self, items: Pool) -> Numbers:
        """The class with the highest mean of its chunks' outputs."""
        return best(items.means(self._projected(items.flat()) @ self.weights), [*self._sums])

    def _projected(self, rows: Matrix | Floats) -> Matrix:
        return np.maximum(rows.astype(np.float64) @ self.projection, 0.0)

    def _solved(self, share: float) -> tuple[float, Matrix]:
        """λ and the weights."""
        from scipy.linalg import cho_factor, cho_solve

        columns = np.array([*self._sums.values()]).T
        ridge = max(share * float(np.trace(self._gram)) / len(self._gram), float(np.finfo(float).tiny))
        factor = cho_factor(self._gram + ridge * np.eye(len(self._gram)))
        return ridge, np.asarray(cho_solve(factor, columns), np.float64)

    def _error(self, weights: Matrix) -> float:
        """The sum of squared differences between what validation files should give, 1 for their class and 0 else, and their means."""
        return 0.0 if len(self._shares) == 1 else sum(self._session_error(pool, weights) for pool in self._valid if len(pool))

    def _session_error(self, pool: Pool, weights: Matrix) -> float:
        firsts = np.unique(pool.numpy_owners(), return_index=True)[1]
        wanted = pool.numpy_labels()[firsts][:, None] == np.array([*self._sums])
        return float(((pool.means(self._projected(pool.flat()) @ weights) - wanted) ** 2).sum())
