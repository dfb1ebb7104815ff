"""Class centers ("PCC", in the paper's code "L2Center"): the nearest mean of a class's chunk embeddings, by Euclidean distance.

Nothing is optimised and no center moves, so that the end is the same in every order of the classes (continual-paper, 1.9).
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
    """A center per class: the mean of all chunks of its training files, so that long files weigh more."""

    notes: tuple[str, ...] = ("Centers do not move: what falls from session to session is confusion with more classes, not forgetting.",)

    def __init__(self, task: Task) -> None:
        self.centers: dict[int, Matrix] = {}

    def learn_session(self, session: Session) -> None:
        """Add the new classes' centers."""
        self.centers |= {label: rows.mean(axis=0) for label, rows in class_rows(session).items()}

    def predict(self, items: Pool) -> Numbers:
        """The center nearest to the mean of a file's chunk embeddings."""
        return best(-squared_distances(track_means(items), np.array([*self.centers.values()])), [*self.centers])
