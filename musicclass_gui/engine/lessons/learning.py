"""The door to what a classifier knows: its head as changes would make it, as it is kept, and as it would be made anew.

Nothing is written here. Heads of sums follow by adding and subtracting (`summing`); networks are trained by the caller's `Trainer`,
so that only who trains one needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import stored, summing
from musicclass_gui.engine.lessons.changes import Activate, Place
from musicclass_gui.engine.lessons.fetching import Reader
from musicclass_gui.engine.lessons.outlook import Outlook
from musicclass_gui.engine.lessons.stored import Tally
from musicclass_gui.engine.lessons.training import TrainItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.project.rows import ExampleRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token


class Trainer(Protocol):
    """Trains a network on the examples `new`; of the others, `old` are those that `before` holds out. `options` are the classifier's."""

    def __call__(self, before: ReplayHead | None, new: list[TrainItem], old: list[TrainItem], options: dict[str, Any]) -> ReplayHead:
        """The network after the lesson; `before` (None: an empty one) stays as it was."""
        ...


@dataclass(frozen=True)
class Learned:
    """A head, and the bytes to keep of it. Where nothing is left that it could know, the head is None and the bytes are empty."""

    head: Scorer | None
    state: bytes


NOTHING = Learned(None, b"")


def learned(
    project: Project, classifier: int, changes: Sequence[Change], trainer: Trainer | None = None, token: Token | None = None
) -> Learned:
    """The head as `changes` would make it; nothing is written.

    Of embeddings, only those of examples that change are read, unless the way of learning changes, or so much goes that rounding
    would show: then the head is `rebuilt`. A network is trained on what is new; where something goes or moves, it is trained anew.
    Raises LessonError, ProjectError, Cancelled.
    """
    outlook = Outlook(project, project.classifier(classifier), changes)
    if outlook.row.method == "replay":
        return _Training(outlook, trainer, token).followed()
    return _of_sums(summing.followed(outlook, token))


def rebuilt(project: Project, classifier: int, trainer: Trainer | None = None, token: Token | None = None) -> Learned:
    """The head made anew from bases and stored embeddings in canonical order: the same bits whatever the history.

    A network is trained lesson by lesson, on what is left of each. Raises LessonError, ProjectError, Cancelled.
    """
    outlook = Outlook(project, project.classifier(classifier))
    if outlook.row.method == "replay":
        return _Training(outlook, trainer, token).anew()
    return _of_sums(summing.anew(outlook, token))


def head_of(project: Project, classifier: int) -> Scorer | None:
    """The head as it is kept; None while nothing was taught. Raises ProjectError when it is damaged."""
    return restored(project.head(classifier)).head


def restored(state: bytes | None) -> Learned:
    """What these bytes were kept of."""
    return Learned(stored.from_bytes(state)[0], state) if state else NOTHING


def _of_sums(sums: summing.Sums) -> Learned:
    return Learned(sums.head, stored.to_bytes(sums.head, sums.tally)) if sums.head.examples else NOTHING


@dataclass
class _Training:
    """A network that follows a lesson, or goes through all of them again."""

    outlook: Outlook
    trainer: Trainer | None
    token: Token | None

    def followed(self) -> Learned:
        """What is new is trained on; anything else that happens to examples means going through all lessons again."""
        now = restored(self.outlook.project.head(self.outlook.now.id))
        same_way = (self.outlook.row.method, self.outlook.row.options) == (self.outlook.now.method, self.outlook.now.options)
        same_way &= now.head is None or now.head.kind == self.outlook.row.method  # a file from elsewhere can say anything
        moved = self.outlook.moved()
        if same_way and not moved:
            return now
        only_new = all(isinstance(change, Activate | Place) for change in self.outlook.changes) and all(one.before is None for one in moved)
        if same_way and only_new:
            new = {one.example.id for one in moved}
            return self._learned([self._items(row for row in self.outlook.examples() if row.id in new)], now.head)
        return self.anew()

    def anew(self) -> Learned:
        """All lessons again, in order."""
        if any(base.active for base in self.outlook.bases()):
            raise LessonError("Fine-tuning needs recordings, but this classifier rests on a built-in one or a pack; choose another method.")
        steps = [self._items(step) for step in self.outlook.history()]
        return self._learned([step for step in steps if step], None)  # what is left of a lesson may be silent

    def _learned(self, steps: list[list[TrainItem]], head: Any) -> Learned:
        for step in steps:
            head = self._trained(head, step)
        return NOTHING if head is None else Learned(head, stored.to_bytes(head, Tally()))

    def _trained(self, head: ReplayHead | None, step: list[TrainItem]) -> ReplayHead:
        if self.trainer is None:
            raise LessonError("This classifier is fine-tuned, which cannot be done here; choose another method for it.")
        held = set(head.held_out) if head else set()
        old = [row for row in self.outlook.examples() if row.id in held] if held else []
        return self.trainer(head, step, self._items(old), dict(self.outlook.row.options))

    def _items(self, examples: Iterable[ExampleRow]) -> list[TrainItem]:
        reader = Reader(self.outlook.project, self.outlook.row, self.token)
        items = [TrainItem(row.id, str(row.cls), row.group or row.hash, reader.rows(row)) for row in examples]
        return [item for item in items if len(item.rows)]
