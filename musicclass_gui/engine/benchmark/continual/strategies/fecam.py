"""FeCAM (Goswami et al., NeurIPS 2023): nearest class by Mahalanobis distance, with a covariance of each class of its own.

A class's covariance S is shrunk, S + γ v₁ I + γ v₂ (1 − I) with v₁ the mean of its diagonal and v₂ that of the rest, and then scaled to
correlations, so that wide classes can be compared with narrow ones. The authors' power transform is left out: it is not defined for
embeddings below zero. Classes know nothing of each other, so their order does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows, track_means

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.by_class import Matrix
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy:
    """Mean and inverse correlations of each class's chunks."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        self._shrinkage = task.settings.number("fecam_shrinkage")
        self._means: dict[int, Matrix] = {}
        self._inverses: dict[int, Matrix] = {}

    def learn_session(self, session: Session) -> None:
        """Add the new classes."""
        for label, rows in class_rows(session).items():
            self._means[label] = rows.mean(axis=0)
            self._inverses[label] = np.asarray(np.linalg.pinv(correlations(rows, self._shrinkage), hermitian=True), np.float64)

    def predict(self, items: Pool) -> Numbers:
        """The class nearest to the mean of a file's chunk embeddings."""
        return best(-self.distances(track_means(items)), [*self._means])

    def distances(self, tracks: Matrix) -> Matrix:
        """Squared Mahalanobis distances (files, classes), in the order in which the classes came."""
        away = [tracks - mean for mean in self._means.values()]
        return np.stack([((off @ inverse) * off).sum(axis=1) for off, inverse in zip(away, self._inverses.values(), strict=True)], axis=1)


def correlations(rows: Matrix, shrinkage: float) -> Matrix:
    """The shrunk covariance of (m, dim) rows, scaled to correlations; the identity where they do not vary."""
    off = rows - rows.mean(axis=0)
    covariance = off.T @ off / max(1, len(rows) - 1)
    spread = np.trace(covariance)
    if spread <= 0:
        return np.eye(len(covariance))
    dim = len(covariance)
    between = (covariance.sum() - spread) / max(1, dim * (dim - 1))
    shrunk = covariance + shrinkage * (between + (spread / dim - between) * np.eye(dim))
    scale = np.sqrt(np.diag(shrunk))
    return np.asarray(shrunk / np.outer(scale, scale))
