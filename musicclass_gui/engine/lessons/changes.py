"""What a lesson does to a project, as small changes that can be turned round: undoing is the inverse changes in reverse.

A change knows rows by their ids. It knows no embeddings, no heads and no reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def inverse(changes: Sequence[Change]) -> list[Change]:
    """What takes `changes` back: each turned round, the last one first."""
    return [change.inverse() for change in reversed(changes)]


def apply(project: Project, changes: Iterable[Change]) -> None:
    """Write changes one after the other. Only inside `Project.writing`."""
    for change in changes:
        change.apply(project)


def _read(value: dict[str, Any]) -> Change:
    kind = _KINDS.get(str(value.get("kind")))
    if kind is None:
        raise DataError(f"The project knows a change “{value.get('kind')}” that this program does not; a newer version may.")
    return from_plain(kind, {name: inner for name, inner in value.items() if name != "kind"})
