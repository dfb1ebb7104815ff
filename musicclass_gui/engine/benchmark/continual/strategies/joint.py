"""Joint training, the paper's oracle: one model of all classes, trained once on everything (continual-paper.md §1.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine.benchmark.continual.pools import joined
from musicclass_gui.engine.benchmark.continual.training import Learner

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task


class Strategy(Learner):
    """Trained in the classes' alphabetical order, so that all class orders share one model; asked after each session of those seen.

    As published it may answer with classes that were not seen yet (`joint_unrestricted`).
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.order = sorted(range(len(task.classes)), key=lambda label: task.classes[label])

    def learn_session(self, session: Session) -> None:
        """Train on all sessions when the first comes; later ones only widen what may be answered. Raises Cancelled."""
        if self.head is None:
            sessions = self.task.sessions
            train = self._sorted([one.train for one in sessions])
            self._grown(len(self.order), train)
            self.net.load_state_dict(self.fit(train, self._sorted([one.valid for one in sessions])))
        self.past = (*self.past, session)

    def predict(self, items: Pool) -> Numbers:
        """The label of each file, among all classes or among those seen."""
        means = items.means(self.scores(items))[:, np.argsort(self.order)]
        asked = means if self.settings.flag("joint_unrestricted") else means[:, : self.past[-1].seen]
        return np.asarray(asked.argmax(1), np.int64)

    def _sorted(self, pools: list[Pool]) -> Pool:
        """All chunks, by class and file in alphabetical order, labelled by the place in that order."""
        whole = joined(pools)
        places = torch.tensor(np.argsort(self.order))[whole.labels]
        keys = {key: place for place, key in enumerate(sorted(whole.keys))}
        owners = torch.tensor([keys[key] for key in whole.keys])[whole.owners]
        order = np.lexsort((whole.rows.numpy(), owners.numpy(), places.numpy()))
        return replace(whole, labels=places, owners=owners, keys=tuple(keys)).picked(torch.from_numpy(order))
