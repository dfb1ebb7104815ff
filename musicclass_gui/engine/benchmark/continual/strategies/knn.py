"""k nearest training files, by Euclidean distance between mean embeddings: what stores everything and learns nothing.

Equal votes go to the class with the nearest file, so that nothing depends on the order of the classes. (The paper's code has a class
for this that cannot be run: continual-paper, 1.11.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows, squared_distances, track_means

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.by_class import Matrix
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy:
    """The mean of the chunk embeddings of every training file, with its label."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        self._neighbours = task.settings.whole("knn_neighbours")
        self._files: list[Matrix] = []
        self._labels: list[Numbers] = []

    def learn_session(self, session: Session) -> None:
        """Keep the session's files."""
        class_rows(session)
        self._files.append(track_means(session.grid))
        first = np.unique(session.grid.numpy_owners(), return_index=True)[1]
        self._labels.append(session.grid.numpy_labels()[first])

    def predict(self, items: Pool) -> Numbers:
        """The class with most of the nearest files."""
        files, labels = np.concatenate(self._files), np.concatenate(self._labels)
        nearest = squared_distances(track_means(items), files).argsort(axis=1, kind="stable")[:, : self._neighbours]
        known = np.unique(labels)
        return best(votes(labels[nearest], known), [int(label) for label in known])


def votes(nearest: Numbers, known: Numbers) -> Matrix:
    """Labels (files, k) of neighbours, nearest first → (files, classes). Shares that sum to less than a vote decide between equals."""
    weights = 1 + 0.5 ** np.arange(1, nearest.shape[1] + 1)
    return np.stack([((nearest == label) * weights).sum(axis=1) for label in known], axis=1)
