"""Fine-tuning: the lower bound. The skeleton, session after session, with nothing against forgetting (continual-paper.md §1.2)."""

from __future__ import annotations

import torch  # noqa: F401 (says that importing this loads it)

from musicclass_gui.engine.benchmark.continual.training import Learner


class Strategy(Learner):
    """The skeleton itself."""
