"""The Gaussian head of this program, with the settings it teaches with: means and one covariance that the classes share, from exact sums.

See `engine.heads.gaussian`; the sums do not depend on the order of the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.continual.by_class import best, class_rows
from musicclass_gui.engine.heads.gaussian import GaussianHead

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy:
    """Unit vectors, shrinkage towards the diagonal, and a file's chunks counted as one example where the shrinkage is chosen."""

    notes: tuple[str, ...] = ()

    def __init__(self, task: Task) -> None:
        dim = task.sessions[0].grid.store.data.shape[1]
        self.head = GaussianHead(dim, normalise="l2", target="diagonal")
        self._files = self._chunks = 0

    def learn_session(self, session: Session) -> None:
        """Add the new classes' sums."""
        for label, rows in class_rows(session).items():
            self.head.learn(rows, str(label))
        self._files += len(session.grid.keys)
        self._chunks += len(session.grid)
        self.head.count_as(self._files / self._chunks)

    def predict(self, items: Pool) -> Numbers:
        """The class with the highest mean of its chunks' log-likelihoods."""
        return best(items.means(self.head.log_scores(items.flat())), [int(name) for name in self.head.classes])
