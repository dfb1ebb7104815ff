"""Looking into files while they are dragged: what teaching them would do, told again once it is known which cannot be read.

Aside, so that the drag does not stutter; what is not known when the files are let go is found out later. It changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from musicclass_gui.app.drops import plan_teach
from musicclass_gui.app.jobs import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musicclass_gui.engine.lessons.plan import Plan
    from musicclass_gui.engine.task import Token

_BUDGET_S = 5.0  # nobody holds a drag for longer


class DropLook:
    """One look at a time; the newest counts."""

    def __init__(self) -> None:
        self._lane = Lane("latest", name="drop")

    def look(self, paths: Sequence[Path], receive: Callable[[str], None]) -> str:
        """What can be said of `paths` at once; `receive` is given a better sentence when there is one, on the main thread."""
        at_once = plan_teach(paths)

        def tell(plan: Plan) -> None:
            from musicclass_gui.engine.lessons.plan import sentence

            if plan.classes:
                receive(sentence(plan))

        self._lane.submit(partial(_look_into, list(paths)), done=tell)
        return at_once

    def stop(self) -> None:
        """Nobody waits any more."""
        self._lane.cancel()

    def close(self, timeout_s: float = 0.2) -> None:
        """End it for good."""
        self._lane.shutdown(timeout_s)


def _look_into(paths: list[Path], token: Token) -> Plan:
    from musicclass_gui.engine.lessons.plan import plan_drop

    return plan_drop(paths, budget_s=_BUDGET_S, token=token)
