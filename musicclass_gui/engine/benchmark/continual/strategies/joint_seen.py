"""Joint training on the classes seen so far, anew after every session: what could be had if nothing had to be forgotten.

The fair upper bound: the paper's oracle knows classes that have not come yet, and can answer them (continual-paper, 7, number 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch  # noqa: F401 (says that importing this loads it)

from musicclass_gui.engine.benchmark.continual.pools import joined
from musicclass_gui.engine.benchmark.continual.training import Learner

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.pools import Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session


class Strategy(Learner):
    """The paper's training, from a new head and all sessions' files each time."""

    def learn_session(self, session: Session) -> None:
        """Forget the head, keep the files. Raises Cancelled."""
        self.head = None
        self.generator.manual_seed(self.task.seed)
        super().learn_session(session)

    def pool(self, session: Session) -> Pool:
        """The chunks of all sessions so far."""
        return joined([one.train for one in (*self.past, session)])

    def valid(self, session: Session) -> Pool:
        """The validation files of all classes so far; the training files' where there are none."""
        sessions = (*self.past, session)
        pool = joined([one.valid for one in sessions])
        return pool if len(pool) else joined([one.grid for one in sessions])
