"""What the user said while reviewing, in order, so that the last verdict can be taken back although its call is still under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.project.board import Doubt


@dataclass(eq=False)
class Verdict:
    """What the user said of `doubt`: a class, or None for none of them. `id` is 0 until the project has it."""

    doubt: Doubt
    cls: int | None
    id: int = 0
    withdrawn: bool = False


class Review:
    """The verdicts of one sitting. `keep` and `remove` let the project know."""

    def __init__(self, keep: Callable[[Verdict], None], remove: Callable[[int], None]) -> None:
        self.verdicts: list[Verdict] = []
        self._keep, self._remove = keep, remove

    @property
    def confirmed(self) -> int:
        """How many of the verdicts name a class, which is what can be taught."""
        return sum(one.cls is not None for one in self.verdicts)

    def say(self, doubt: Doubt, cls: int | None) -> None:
        """Note a verdict."""
        verdict = Verdict(doubt, cls)
        self.verdicts.append(verdict)
        self._keep(verdict)

    def take_back(self) -> Doubt | None:
        """Take the last verdict back; what it was about, or None when there is none."""
        if not self.verdicts:
            return None
        verdict = self.verdicts.pop()
        verdict.withdrawn = True
        if verdict.id:
            self._remove(verdict.id)
        return verdict.doubt

    def kept(self, verdict: Verdict, number: int) -> None:
        """The project has it now; it is removed at once when it was taken back meanwhile."""
        verdict.id = number
        if verdict.withdrawn:
            self._remove(number)

    def lost(self, verdict: Verdict) -> None:
        """The project could not note it."""
        if verdict in self.verdicts:
            self.verdicts.remove(verdict)

    def clear(self) -> None:
        """What was said is taught, or another project is open."""
        self.verdicts = []
