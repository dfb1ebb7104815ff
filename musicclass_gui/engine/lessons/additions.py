"""Examples that were listened to, as the changes that teach them: new classes are made, those there are extended.

The rows that the changes speak of are written, out of use until the lesson is kept. It knows no audio and no embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons.changes import Activate, Place
from musicclass_gui.engine.lessons.drafts import Draft, checked_name, named, negative_name, sound_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.project.rows import ClassRow
    from musicclass_gui.engine.project.store import Project

_MOST_NAMED = 5


@dataclass(frozen=True)
class Addition:
    """A recording of the project, or the span `[start_s, end_s)` of it, as an example of the class `name`.

    A class that there is is extended, whatever its role. The role "negative" means a sound that the class `of_name` is not; its own
    name follows from that.
    """

    name: str
    role: str
    of_name: str
    hash: str
    start_s: float | None = None
    end_s: float | None = None
    group: str = ""


def taught(project: Project, classifier: int, additions: Sequence[Addition]) -> Draft:
    """The lesson that these are. Only inside `Project.writing`. Raises LessonError, and then nothing may be kept of it."""
    classes = _Classes(project, classifier)
    for one in sorted(additions, key=lambda one: one.role == "negative"):  # the class that they are not may be new as well
        classes.add(one)
    if not classes.examples:
        raise LessonError("There is nothing new to learn: the classes have these recordings already.")
    return Draft(classifier, *classes.words(), classes.changes())


class _Classes:
    """A classifier's classes with those that a lesson adds, and what goes into which."""

    def __init__(self, project: Project, classifier: int) -> None:
        self._project, self._classifier = project, classifier
        self._rows = project.classes(classifier)
        self._new: list[int] = []
        self._sounds: dict[int, set[tuple[str, float | None, float | None]]] = {}
        self.examples: dict[int, list[int]] = {}

    def add(self, one: Addition) -> None:
        """Add an example to its class, unless it is there."""
        row = self._negative(one) if one.role == "negative" else self._class(checked_name(one.name), one.role)
        sounds, sound = self._sounds_of(row.id), (one.hash, one.start_s, one.end_s)
        if sound not in sounds:
            sounds.add(sound)
            self.examples.setdefault(row.id, []).append(self._project.add_example(self._classifier, *sound, one.group))

    def changes(self) -> list[Change]:
        """New classes come into use, and the examples into their classes."""
        active: list[Change] = [Activate(cls, True) for cls in self._new]
        return [*active, *(Place(examples, None, cls) for cls, examples in self.examples.items())]

    def words(self) -> tuple[str, str]:
        """The lesson's kind and title."""
        names = [row.name for row in self._rows if row.id in self.examples]
        kind = "teach" if self._new else "extend"
        shown = ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
        if len(names) > 1:
            return kind, f"{kind.capitalize()} {len(names)} classes: {shown}"
        count = sum(map(len, self.examples.values()))
        return kind, f"{kind.capitalize()} “{shown}”: {count} {'example' if count == 1 else 'examples'}"

    def _negative(self, one: Addition) -> ClassRow:
        of = named((row for row in self._rows if row.role == "class"), checked_name(one.of_name))
        if of is None:
            raise LessonError(f"There is no class “{one.of_name}” that these sounds could be told from; teach it first.")
        there = next((row for row in self._rows if row.of == of.id), None)
        return there or self._class(negative_name(of.name), "negative", of.id)

    def _class(self, name: str, role: str, of: int | None = None) -> ClassRow:
        there = named(self._rows, name)
        if there is None:
            row = self._project.cls(self._project.add_class(self._classifier, name, role, of))
            self._rows.append(row)
            self._new.append(row.id)
            return row
        if role not in ("class", there.role) or of not in (None, there.of):
            raise LessonError(f"“{there.name}” is taught as a {_ROLES[there.role]} already; choose another name.")
        return there

    def _sounds_of(self, cls: int) -> set[tuple[str, float | None, float | None]]:
        if cls not in self._sounds:
            self._sounds[cls] = {sound_of(row) for row in self._project.examples(self._classifier, cls=cls)}
        return self._sounds[cls]


_ROLES = {"class": "class", "background": "background", "negative": "set of sounds that another class is not"}
