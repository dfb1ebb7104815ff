"""What the strategies without training have in common: each class's chunks in double precision, and which class is best.

A class that has no training chunks is in none of it, and so is never answered. It knows no method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session

Matrix = NDArray[np.float64]


def class_rows(session: Session) -> dict[int, Matrix]:
    """Each class of a session that has training files: its label, and all their consecutive chunks (m, dim).

    Raises BenchmarkError where the first session has none at all.
    """
    flat, labels = session.grid.flat().astype(np.float64), session.grid.numpy_labels()
    found = {label: own for label in session.labels if (own := flat[labels == label]).size}
    if session.number == 1 and not found:
        raise BenchmarkError(f"None of the classes {', '.join(session.classes)} has a training file that can be heard; check the data.")
    return found


def track_means(items: Pool) -> Matrix:
    """The mean of each file's chunk embeddings (files, dim): what class centers are compared with (continual-paper, 1.9)."""
    return items.means(items.flat())


def best(scores: Matrix, labels: Sequence[int]) -> Numbers:
    """The label of the highest score in each row of (files, len(labels)); the earliest of equal ones."""
    answers: Numbers = np.asarray(labels, np.int64)[scores.argmax(axis=1)]
    return answers


def squared_distances(rows: Matrix, centers: Matrix) -> Matrix:
    """Squared Euclidean distances (len(rows), len(centers)), from differences, so that near ones are exact."""
    return np.stack([((rows - center) ** 2).sum(axis=1) for center in centers], axis=1)
