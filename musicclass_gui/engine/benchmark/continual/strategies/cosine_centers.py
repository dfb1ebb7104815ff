"""Cosine centers: class centers by direction, as the paper's code has them and as they should be (continual-paper, 1.10).

In the code a center is the mean of unit vectors and stays shorter than 1, so that classes which are tight are favoured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows, track_means
from musicclass_gui.engine.heads.sums import unit_rows

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.by_class import Matrix
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy:
    """Mean of the unit chunk embeddings of each class, of unit length itself unless `cosine_short_centers`."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        self._short = task.settings.flag("cosine_short_centers")
        self.centers: dict[int, Matrix] = {}

    def learn_session(self, session: Session) -> None:
        """Add the new classes' centers."""
        self.centers |= {label: self._center(rows) for label, rows in class_rows(session).items()}

    def predict(self, items: Pool) -> Numbers:
        """The center with the largest product with the direction of a file's mean embedding."""
        return best(unit_rows(track_means(items)) @ np.array([*self.centers.values()]).T, [*self.centers])

    def _center(self, rows: Matrix) -> Matrix:
        mean: Matrix = unit_rows(rows).mean(axis=0)
        return mean if self._short else unit_rows(mean[None])[0]
