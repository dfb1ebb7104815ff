"""What a lesson does to a project, as small changes that can be turned round: undoing is the inverse changes in reverse.

A change knows rows by their ids. It knows no embeddings, no heads and no reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.project.rows import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.project.rows import LessonRow
    from musicclass_gui.engine.project.store import Project


@dataclass(frozen=True)
class Activate:
    """A class comes into use, or goes out of it."""

    cls: int
    on: bool

    def inverse(self) -> Activate:
        """The other way round."""
        return Activate(self.cls, not self.on)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.set_class(self.cls, active=self.on)


@dataclass(frozen=True)
class Rename:
    """A class gets another name."""

    cls: int
    before: str
    after: str

    def inverse(self) -> Rename:
        """Back to the old name."""
        return Rename(self.cls, self.after, self.before)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.set_class(self.cls, name=self.after)


@dataclass(frozen=True)
class Place:
    """Examples go from one class to another; None is out of use."""

    examples: list[int]
    before: int | None
    after: int | None

    def inverse(self) -> Place:
        """Back to where they were."""
        return Place(self.examples, self.after, self.before)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.place_examples(self.examples, self.after)


@dataclass(frozen=True)
class UseBase:
    """The classifier rests on a base, or no longer does."""

    base: int
    on: bool

    def inverse(self) -> UseBase:
        """The other way round."""
        return UseBase(self.base, not self.on)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.set_base(self.base, self.on)


@dataclass(frozen=True)
class MapBase:
    """What a base calls `label` counts for another class; None is hidden."""

    base: int
    label: str
    before: int | None
    after: int | None

    def inverse(self) -> MapBase:
        """Back to the class that it counted for."""
        return MapBase(self.base, self.label, self.after, self.before)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.map_base(self.base, self.label, self.after)


@dataclass(frozen=True)
class Method:
    """A classifier learns in another way; `before` and `after` are {"method": …, "options": {…}}."""

    classifier: int
    before: dict[str, Any]
    after: dict[str, Any]

    def inverse(self) -> Method:
        """Back to the old way."""
        return Method(self.classifier, self.after, self.before)

    def apply(self, project: Project) -> None:
        """Write it. Only inside `Project.writing`."""
        project.set_classifier(self.classifier, method=self.after["method"], options=self.after["options"])


Change = Activate | Rename | Place | UseBase | MapBase | Method
_KINDS: dict[str, type[Change]] = {kind.__name__: kind for kind in (Activate, Rename, Place, UseBase, MapBase, Method)}


def to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as a lesson's row keeps them."""
    return [{"kind": type(change).__name__, **to_plain(change)} for change in changes]


def from_json(values: Iterable[dict[str, Any]]) -> list[Change]:
    """The changes that `to_json` made these of. Raises DataError when they are something else."""
    return [_read(value) for value in values]


def of_lesson(project: Project, lesson: LessonRow) -> list[Change]:
    """What a lesson changes. Raises DataError when that is something else, or speaks of what its classifier does not have."""
    changes = from_json(lesson.changes)
    there = _There.of(project, lesson.classifier, changes)
    if not all(there.has(change) for change in changes):
        raise DataError(f"“{lesson.title}” speaks of what is not in the project, which is damaged; go back to a copy of it.")
    return changes


@dataclass(frozen=True)
class _There:
    """What a classifier has, in use or not: classes and None, examples, and bases with their labels."""

    classifier: int
    classes: set[int | None]
    examples: set[int]
    bases: dict[int, dict[str, int | None]]

    @classmethod
    def of(cls, project: Project, classifier: int, changes: Sequence[Change]) -> _There:
        """As far as changes speak of it."""
        wanted = {number for change in changes if isinstance(change, Place) for number in change.examples}
        based = any(isinstance(change, UseBase | MapBase) for change in changes)
        return cls(
            classifier,
            {None, *(row.id for row in project.classes(classifier, active=None))},
            {row.id for row in project.examples(classifier, ids=wanted)} if wanted else set(),
            {row.id: row.mapping for row in project.bases(classifier, active=None)} if based else {},
        )

    def has(self, change: Change) -> bool:
        """Whether it has all that a change speaks of."""
        match change:
            case Activate() | Rename():
                return change.cls in self.classes
            case Place():
                return {change.before, change.after} <= self.classes and self.examples.issuperset(change.examples)
            case UseBase():
                return change.base in self.bases
            case MapBase():
                return {change.before, change.after} <= self.classes and change.label in self.bases.get(change.base, {})
            case Method():
                return change.classifier == self.classifier and _is_way(change.before) and _is_way(change.after)


def _is_way(side: dict[str, Any]) -> bool:
    return side.get("method") in METHODS and isinstance(side.get("options"), dict)


def inverse(changes: Sequence[Change]) -> list[Change]:
    """What takes `changes` back: each turned round, the last one first."""
    return [change.inverse() for change in reversed(changes)]


def apply(project: Project, changes: Iterable[Change]) -> None:
    """Write changes one after the other. Only inside `Project.writing`."""
    for change in changes:
        change.apply(project)


def _read(value: dict[str, Any]) -> Change:
    kind = _KINDS.get(str(value.get("kind"))) if isinstance(value, dict) else None
    if kind is None:
        raise DataError(f"The project knows a change {str(value)[:40]!r} that this program does not; a newer version may.")
    return from_plain(kind, {name: inner for name, inner in value.items() if name != "kind"})
