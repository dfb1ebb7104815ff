"""The book of lessons: how a lesson comes into a project, is kept, taken back, undone and redone; each step one transaction.

It is the only writer of what classifiers hold. It listens to nothing, examines nothing and shows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import additions as adding
from musicclass_gui.engine.lessons import changes as changing
from musicclass_gui.engine.lessons import drafts, forgetting, joining, learning
from musicclass_gui.engine.lessons.outlook import Outlook
from musicclass_gui.engine.lessons.wording import require_taught
from musicclass_gui.engine.project.rows import METHODS
from musicclass_gui.engine.project.store import slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.lessons.additions import Addition
    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.lessons.drafts import Draft
    from musicclass_gui.engine.lessons.learning import Learned, Trainer
    from musicclass_gui.engine.lessons.packs import Pack
    from musicclass_gui.engine.project.rows import LessonRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token

_WAITING = ("planned", "draft")
FORGETS = "forgets"  # in the plan of a lesson that takes another's effects away: which one


class Book:
    """The lessons of a project. Methods that make a draft raise LessonError while another lesson waits, and for what cannot be done."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def new_classifier(self, title: str, spec: EncoderSpec, method: str = "gaussian", options: dict[str, Any] | None = None) -> int:
        """Add a classifier that knows nothing yet; its id."""
        if method not in METHODS:
            raise LessonError(f"There is no method “{method}”; known are {', '.join(METHODS)}.")
        name = drafts.checked_name(title)
        taken = {row.key for row in self._project.classifiers()} | {key for key, _ in classifiers.shipped()}
        with self._project.writing():
            return self._project.add_classifier(
                slug(name, taken), name, spec.id, spec.version, spec.grid.name, spec.dim, method, options or {}
            )

    # Lessons that wait

    def plan(self, classifier: int, title: str, plan: dict[str, Any]) -> LessonRow:
        """Note what is going to be taught before it is listened to, so that it can be gone on with after an interruption."""
        self._require_taught(classifier)
        self._require_none_waiting()
        with self._project.writing():
            return self._project.lesson(self._project.add_lesson(classifier, "teach", title, "planned", plan=plan))

    def teach(self, classifier: int, additions: Sequence[Addition], *, lesson: int | None = None) -> LessonRow:
        """A draft that teaches recordings whose embeddings are in the project; `lesson` is the planned one that becomes it."""
        self._require_taught(classifier)
        self._require_none_waiting(besides=lesson)
        with self._project.writing():
            return self._written(adding.taught(self._project, classifier, additions), lesson)

    def start_from(self, classifier: int, pack: Pack, title: str) -> LessonRow:
        """A draft that rests a classifier on a shipped one, a class pack, or another project's classifier."""
        self._require_taught(classifier)
        self._require_none_waiting()
        with self._project.writing():
            return self._written(joining.joined(self._project, classifier, pack, title))

    def rename(self, cls: int, name: str) -> LessonRow:
        """A draft: another name for a class."""
        return self._drafted(drafts.rename(self._project, cls, name))

    def merge(self, cls: int, into: int) -> LessonRow:
        """A draft: two classes become one, named as `into`."""
        return self._drafted(drafts.merge(self._project, cls, into))

    def delete(self, cls: int) -> LessonRow:
        """A draft: a class goes."""
        return self._drafted(drafts.delete(self._project, cls))

    def move(self, examples: Sequence[int], cls: int | None) -> LessonRow:
        """A draft: examples go to another class, or (None) out of use."""
        return self._drafted(drafts.move(self._project, examples, cls))

    def forget(self, lesson: int) -> LessonRow:
        """A draft: what is left of an earlier lesson's effects goes."""
        with self._project.writing():
            made = self._drafted(forgetting.forget(self._project, lesson))
            self._project.set_lesson(made.id, plan={FORGETS: lesson})
        return self._project.lesson(made.id)

    def change_method(self, classifier: int, method: str, options: dict[str, Any] | None = None) -> LessonRow:
        """A draft: the classifier learns in another way from the same examples."""
        self._require_taught(classifier)
        return self._drafted(drafts.change_method(self._project, classifier, method, options))

    def learned(self, lesson: int, trainer: Trainer | None = None, token: Token | None = None) -> Learned:
        """The head as a draft would make it, see `learning.learned`."""
        return learning.learned(self._project, self._project.lesson(lesson).classifier, self.changes(lesson), trainer, token)

    def changes(self, lesson: int) -> list[Change]:
        """What a lesson changes."""
        return changing.of_lesson(self._project, self._project.lesson(lesson))

    # Keeping and undoing

    def keep(self, lesson: int, head: Learned) -> None:
        """A draft takes effect with the head that was learned from it; what was undone before cannot be redone any more."""
        row = self._project.lesson(lesson)
        if row.state != "draft":
            raise LessonError(f"“{row.title}” is not a lesson that waits to be kept.")
        with self._project.writing():
            for undone in self._project.lessons(states=["undone"]):
                self._project.remove_lesson(undone.id)
            self._turn(row, self.changes(lesson), head)
            self._keep_head(row, head)
            self._project.set_lesson(lesson, state="kept", position=self._project.next_position(), plan=_lasting(row.plan))
            self._project.set_checkpoint(lesson, None)
            self._project.sweep()

    def take_back(self, lesson: int) -> None:
        """A lesson that was not kept goes without a trace."""
        row = self._project.lesson(lesson)
        if row.state not in _WAITING:
            raise LessonError(f"“{row.title}” was kept; undo it or forget it instead.")
        with self._project.writing():
            self._project.remove_lesson(lesson)
            self._project.sweep()

    def undo(self, trainer: Trainer | None = None, token: Token | None = None) -> LessonRow | None:
        """The lesson kept last is in effect no more; it, or None where there is none."""
        self._require_none_waiting()
        row = self._undoable()
        if row is None:
            return None
        changes = changing.inverse(changing.of_lesson(self._project, row))
        head = self._head_before(row, changes) or learning.learned(self._project, row.classifier, changes, trainer, token)
        with self._project.writing():
            self._turn(row, changes, head)
            self._project.set_lesson(row.id, state="undone")
        return self._project.lesson(row.id)

    def redo(self, trainer: Trainer | None = None, token: Token | None = None) -> LessonRow | None:
        """The lesson undone last is in effect again; it, or None where there is none."""
        self._require_none_waiting()
        row = self._redoable()
        if row is None:
            return None
        changes, left = changing.of_lesson(self._project, row), self._project.head(row.classifier, row.id)
        head = learning.learned(self._project, row.classifier, changes, trainer, token) if left is None else learning.restored(left)
        with self._project.writing():
            self._turn(row, changes, head)
            self._project.set_lesson(row.id, state="kept")
        return self._project.lesson(row.id)

    @property
    def undo_title(self) -> str:
        """The title of the lesson that `undo` would take back, or empty."""
        row = self._undoable()
        return row.title if row else ""

    @property
    def redo_title(self) -> str:
        """The title of the lesson that `redo` would bring back, or empty."""
        row = self._redoable()
        return row.title if row else ""

    # Parts

    def _undoable(self) -> LessonRow | None:
        return max(self._project.lessons(states=["kept"]), key=lambda row: row.position, default=None)

    def _redoable(self) -> LessonRow | None:
        return min(self._project.lessons(states=["undone"]), key=lambda row: row.position, default=None)

    def _drafted(self, draft: Draft) -> LessonRow:
        self._require_none_waiting()
        with self._project.writing():
            return self._written(draft)

    def _written(self, draft: Draft, lesson: int | None = None) -> LessonRow:
        changes = changing.to_json(draft.changes)
        if lesson is None:
            lesson = self._project.add_lesson(draft.classifier, draft.kind, draft.title, "draft", changes=changes)
        else:
            self._project.set_lesson(lesson, kind=draft.kind, title=draft.title, state="draft", changes=changes)
        return self._project.lesson(lesson)

    def _require_taught(self, classifier: int) -> None:
        require_taught(self._project.classifier(classifier))

    def _require_none_waiting(self, besides: int | None = None) -> None:
        for row in self._project.lessons(states=_WAITING):
            if row.id != besides:
                raise LessonError(f"“{row.title}” waits to be kept or taken back; decide on it first.")

    def _turn(self, row: LessonRow, changes: Sequence[Change], head: Learned) -> None:
        """Write changes and the head that goes with them."""
        changing.apply(self._project, changes)
        if head.state:
            self._project.set_head(row.classifier, 0, head.state)
        else:
            self._project.remove_heads(row.classifier, 0)
        self._project.set_classifier(row.classifier, revision=self._project.classifier(row.classifier).revision + 1)

    def _keep_head(self, row: LessonRow, head: Learned) -> None:
        """A network is kept as each lesson leaves it (empty bytes: nothing), since it cannot be had back by subtracting."""
        touching = any(not isinstance(change, changing.Rename) for change in changing.from_json(row.changes))
        if touching and self._project.classifier(row.classifier).method == "replay":
            self._project.set_head(row.classifier, row.id, head.state)

    def _head_before(self, row: LessonRow, changes: Sequence[Change]) -> Learned | None:
        """The network as the lesson before left it; None where the head is not one, or was not kept."""
        outlook = Outlook(self._project, self._project.classifier(row.classifier), changes)
        if outlook.row.method != "replay":
            return None
        earlier = [one for one in self._project.lessons(row.classifier, states=["kept"]) if one.position < row.position]
        left = (self._project.head(row.classifier, one.id) for one in reversed(earlier))
        state = next((state for state in left if state is not None), None)
        if state is None:
            return None if outlook.examples() else learning.NOTHING
        return learning.restored(state)


def _lasting(plan: dict[str, Any]) -> dict[str, Any]:
    """What is still of use of a plan once its lesson is kept; the files that were to be taught are not, and there may be thousands."""
    return {FORGETS: plan[FORGETS]} if FORGETS in plan else {}
