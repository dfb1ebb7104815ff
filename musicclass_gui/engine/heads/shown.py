"""A head as users see it: its columns in their order and under their names, each class pulled down by what it is not.

It learns nothing; what it shows is another head, which it leaves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix, Scorer, Vectors


@dataclass(frozen=True)
class Column:
    """A column to show: what the head calls it, its name, and for sounds that a class is not the place of that class among the columns."""

    label: str
    name: str
    of: int | None = None


class ShownHead:
    """Some columns of a head. A class with a negative has the score s − max(0, s_not − s): the more it resembles what it is not, the less.

    Novelty is that of the whole head: what resembles a negative is not strange.
    """

    def __init__(self, head: Scorer, columns: Sequence[Column]) -> None:
        self._head = head
        self._columns = list(columns)
        self._places = [head.classes.index(column.label) for column in columns]

    @property
    def kind(self) -> str:
        """That of the head."""
        return self._head.kind

    @property
    def classes(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self._columns]

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        return self._head.dim

    @property
    def settings(self) -> dict[str, str]:
        """Those of the head."""
        return self._head.settings

    def log_scores(self, x: Vectors) -> Matrix:
        """The columns' scores `(n, columns)`."""
        return self._shown(self._head.log_scores(x))

    def novelty(self, x: Vectors) -> NDArray[np.float64]:
        """That of the head, `(n,)`."""
        return self._head.novelty(x)

    def judge(self, x: Vectors) -> tuple[Matrix, NDArray[np.float64]]:
        """`log_scores` and `novelty`."""
        scores, novelty = self._head.judge(x)
        return self._shown(scores), novelty

    def whiten(self, x: Vectors) -> Matrix:
        """Rows in the space where the head measures distance."""
        return self._head.whiten(x)

    def state(self) -> dict[str, NDArray[Any]]:
        """That of the head."""
        return self._head.state()

    def _shown(self, scores: Matrix) -> Matrix:
        shown = scores[:, self._places]
        for column, one in enumerate(self._columns):
            if one.of is not None:
                mine, negative = shown[:, one.of], shown[:, column]
                np.subtract(2 * mine, negative, out=mine, where=negative > mine)  # where neither has examples, both are −inf
        return shown
