"""The strategies: one module for each way of learning in sessions, by the method's id. Importing this loads no torch.

A module has a class `Strategy`. A new one needs a line in `STRATEGIES`, and its `Method` and options in `continual.methods`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task

STRATEGIES: dict[str, str] = {
    "joint": "joint",
    "finetune": "finetune",
    "ewc": "ewc",
    "gem": "gem",
    "replay": "replay",
    "icarl": "icarl",
    "class-centers": "class_centers",
    "cosine-centers": "cosine_centers",
    "l2p": "l2p",
    "gaussian": "gaussian",
    "ranpac": "ranpac",
    "fecam": "fecam",
    "knn": "knn",
    "lwf": "lwf",
    "der": "der",
    "joint-seen": "joint_seen",
}
"""Method id → module of this package."""


class Strategy(Protocol):
    """One learner of one cell. Every random draw comes from a generator made of `task.seed`; the global ones are left alone."""

    notes: tuple[str, ...]
    """Sentences for the result on what happened, after the last session."""

    def __init__(self, task: Task) -> None: ...

    def learn_session(self, session: Session) -> None:
        """Learn the classes of the next session. Raises BenchmarkError, Cancelled."""
        ...

    def predict(self, items: Pool) -> Numbers:
        """The label of each file, (len(items.keys),), in the order of `items.keys`; `items.labels` are not looked at."""
        ...


def strategy(method: str) -> type[Strategy]:
    """A method's class. Raises BenchmarkError when there is none of that name."""
    if method not in STRATEGIES:
        raise BenchmarkError(f"There is no method “{method}” in this protocol; known are {', '.join(STRATEGIES)}.")
    module = import_module(f"musicclass_gui.engine.benchmark.continual.strategies.{STRATEGIES[method]}")
    return cast("type[Strategy]", module.Strategy)
