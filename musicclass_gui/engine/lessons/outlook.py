"""What a classifier would rest on once some changes were made: examples, bases, names and the way of learning. It writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.lessons import changes as changing
from musicclass_gui.engine.lessons.changes import Activate, MapBase, Method, Place, Rename, UseBase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.project.rows import BaseRow, ClassifierRow, ClassRow, ExampleRow
    from musicclass_gui.engine.project.store import Project


@dataclass(frozen=True)
class Moved:
    """An example that changes its class; None is out of use."""

    example: ExampleRow
    after: int | None

    @property
    def before(self) -> int | None:
        """The class that it is in now."""
        return self.example.cls


@dataclass(frozen=True)
class Outlook:
    """A classifier now and after `changes`."""

    project: Project
    now: ClassifierRow
    changes: Sequence[Change] = field(default_factory=list)

    @property
    def row(self) -> ClassifierRow:
        """Its row with the way of learning that it would have."""
        ways = [change.after for change in self.changes if isinstance(change, Method)]
        return replace(self.now, method=ways[-1]["method"], options=ways[-1]["options"]) if ways else self.now

    def moved(self) -> list[Moved]:
        """The examples whose class would be another, by id."""
        after = {number: change.after for change in self.changes if isinstance(change, Place) for number in change.examples}
        rows = self.project.examples(self.now.id, ids=after) if after else []
        return [Moved(row, after[row.id]) for row in rows if row.cls != after[row.id]]

    def examples(self) -> list[ExampleRow]:
        """The examples that would be in use, with the classes that they would have."""
        moved = {one.example.id: replace(one.example, cls=one.after) for one in self.moved()}
        rows = {row.id: row for row in self.project.examples(self.now.id)} | moved
        return [row for row in rows.values() if row.cls is not None]

    def bases(self) -> list[BaseRow]:
        """All bases, as they would be."""
        rows = {row.id: row for row in self.project.bases(self.now.id, active=None)}
        for change in self.changes:
            if isinstance(change, UseBase):
                rows[change.base] = replace(rows[change.base], active=change.on)
            if isinstance(change, MapBase):
                mapping = rows[change.base].mapping | {change.label: change.after}
                rows[change.base] = replace(rows[change.base], mapping=mapping)
        return list(rows.values())

    def touches_bases(self) -> bool:
        """Whether a base would come, go, or count for other classes."""
        return any(isinstance(change, UseBase | MapBase) for change in self.changes)

    def classes(self) -> list[ClassRow]:
        """The classes that would be in use, with the names that they would have."""
        rows = {row.id: row for row in self.project.classes(self.now.id, active=None)}
        for change in self.changes:
            if isinstance(change, Rename):
                rows[change.cls] = replace(rows[change.cls], name=change.after)
            if isinstance(change, Activate):
                rows[change.cls] = replace(rows[change.cls], active=change.on)
        return [row for row in rows.values() if row.active]

    def history(self) -> list[list[ExampleRow]]:
        """The examples that would be in use, in the order of the lessons that brought them in first.

        What was there when the classifier began to be fine-tuned stands together: it was learned at once.
        """
        using = {row.id: row for row in self.examples()}
        lessons = [changing.from_json(lesson.changes) for lesson in self.project.lessons(self.now.id, states=["kept"])]
        steps: list[list[ExampleRow]] = []
        for made in [*lessons, self.changes]:
            came = [number for change in made if isinstance(change, Place) and change.after is not None for number in change.examples]
            steps.append([using.pop(number) for number in came if number in using])
            if any(isinstance(change, Method) and change.after["method"] == "replay" for change in made):
                steps = [[row for step in steps for row in step]]
        return [step for step in [*steps, list(using.values())] if step]
