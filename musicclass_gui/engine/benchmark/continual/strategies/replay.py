"""Replay: exemplars of earlier classes, picked by herding, are trained on with the new ones (continual-paper.md §1.4).

The published code stores an exemplar under its class's place in its session, so that from the second session on they are wrong
(`mislabelled_memory`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine.benchmark.continual.memory import Memory, herded, quota
from musicclass_gui.engine.benchmark.continual.pools import joined
from musicclass_gui.engine.benchmark.continual.training import AT_ONCE, Learner

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.pools import Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy(Learner):
    """Fine-tuning on the session's chunks and the memory's, each once per epoch, all with the same weight."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.memory: Memory | None = None

    def pool(self, session: Session) -> Pool:
        """The session's chunks and the memory's."""
        return session.train if self.memory is None else joined([session.train, self.memory.pool])

    def remember(self, session: Session) -> None:
        """Make room, and add the new classes' exemplars."""
        count = quota(self.settings.whole("memory"), session.seen)
        old = [] if self.memory is None else [self.memory.trimmed(count)]
        self.memory = Memory.of([*old, *(self._exemplars(session, label, count) for label in session.labels)])

    def candidates(self, pool: Pool) -> NDArray[np.float32]:
        """What herding looks at (m, dim): the learned mix of the layers, or the embedding where there are none."""
        return self._through(self.net.mixed, pool)

    def _exemplars(self, session: Session, label: int, count: int) -> Memory:
        chunks = session.grid.of(label)
        picked = chunks.picked(torch.tensor(herded(self.candidates(chunks), count), dtype=torch.int64))
        stored = label - session.first if self.settings.flag("mislabelled_memory") else label
        return Memory(picked.labelled(stored), picked.labels)

    def _through(self, layer: Callable[[Tensor], Tensor], pool: Pool) -> NDArray[np.float32]:
        self.net.eval()
        with torch.no_grad():
            parts = [layer(pool.inputs(slice(at, at + AT_ONCE))) for at in range(0, len(pool), AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), np.float32)
