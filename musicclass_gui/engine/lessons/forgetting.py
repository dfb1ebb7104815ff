"""Forgetting a lesson that others followed: what of its effects is still there is taken away, by changes of its own.

What other lessons did stays. It writes nothing, and knows no embeddings and no heads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import changes as changing
from musicclass_gui.engine.lessons.changes import Activate, MapBase, Method, Place, Rename, UseBase
from musicclass_gui.engine.lessons.drafts import Draft, named, negative_name, sound_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.project.store import Project


def forget(project: Project, lesson: int) -> Draft:
    """The lesson that takes away what is left of another one. Raises LessonError when nothing is."""
    row = project.lesson(lesson)
    if row.state != "kept":
        raise LessonError(f"“{row.title}” is not in use, so it cannot be forgotten.")
    present = _Present(project, row.classifier)
    for change in reversed(changing.of_lesson(project, row)):
        present.take_back(change)
    present.close_empty()
    present.name_negatives()
    if not present.changes:
        raise LessonError(f"Nothing of “{row.title}” is left that could be forgotten.")
    return Draft(row.classifier, "forget", f"Forget: {row.title}", present.changes)


class _Present:
    """A classifier as it is, and as it becomes while effects of a lesson are taken away."""

    def __init__(self, project: Project, classifier: int) -> None:
        self._row = project.classifier(classifier)
        self._project = project
        self._classes = {row.id: row for row in project.classes(classifier, active=None)}
        self._bases = {row.id: row for row in project.bases(classifier, active=None)}
        self._places = {row.id: row.cls for row in project.examples(classifier)}
        self._sounds = {row.id: sound_of(row) for row in project.examples(classifier)}
        self._touched: dict[int, None] = {}
        self.changes: list[Change] = []

    def take_back(self, change: Change) -> None:
        """Turn a change round as far as it is still there."""
        match change:
            case Place():
                self._take_back_place(change)
            case Activate():
                self._touched[change.cls] = None
            case Rename(cls=cls, before=before, after=after):
                if self._classes[cls].name == after:
                    self._rename(cls, before)
            case UseBase(base=base, on=on):
                if self._bases[base].active == on:
                    self._make(change.inverse())
                    self._bases[base] = replace(self._bases[base], active=not on)
            case MapBase():
                self._take_back_map(change)
            case Method(after=after):
                if after == {"method": self._row.method, "options": self._row.options}:
                    self._make(change.inverse())

    def close_empty(self) -> None:
        """Classes that something was taken from and that have nothing left go out of use, and those that came back into it."""
        for cls in sorted(self._touched, key=lambda one: self._classes[one].of is not None):  # negatives go with their class
            row = self._classes[cls]
            if row.of is not None and not self._classes[row.of].active:
                self._empty(cls)
            if row.active and self._is_empty(cls):
                self._close(cls)
            elif not row.active and not self._is_empty(cls):
                self._open(cls)

    def name_negatives(self) -> None:
        """What a class is not is called after it."""
        for row in [*self._classes.values()]:
            if row.active and row.of is not None and row.name != negative_name(self._classes[row.of].name):
                self._rename(row.id, negative_name(self._classes[row.of].name))

    def _rename(self, cls: int, name: str) -> None:
        self._require_free(cls, name)
        self._make(Rename(cls, self._classes[cls].name, name))
        self._classes[cls] = replace(self._classes[cls], name=name)

    def _take_back_place(self, change: Place) -> None:
        if change.before is None:  # brought in: gone from wherever they are now
            left = [number for number in change.examples if number in self._places]
        else:
            left = [number for number in change.examples if self._places.get(number) == change.after]
            left = self._without_doubles(left, change.before)
        self._place(left, change.before)

    def _without_doubles(self, examples: Sequence[int], cls: int) -> list[int]:
        """Those that the class did not learn again since; the others go out of use."""
        rows = self._project.examples(self._row.id, ids=examples)
        self._sounds |= {row.id: sound_of(row) for row in rows}
        there = {self._sounds[number] for number, where in self._places.items() if where == cls}
        double = [number for number in examples if self._sounds[number] in there]
        self._place([number for number in double if number in self._places], None)
        return [number for number in examples if number not in double]

    def _take_back_map(self, change: MapBase) -> None:
        base = self._bases[change.base]
        now = base.mapping[change.label]
        if now != change.before and (now == change.after or change.before is None):
            self._map(MapBase(change.base, change.label, now, change.before))

    def _map(self, change: MapBase) -> None:
        self._make(change)
        base = self._bases[change.base]
        self._bases[change.base] = replace(base, mapping=base.mapping | {change.label: change.after})
        self._touched |= {cls: None for cls in (change.before, change.after) if cls is not None}

    def _place(self, examples: Sequence[int], cls: int | None) -> None:
        for before in dict.fromkeys(self._places.get(number) for number in examples):
            some = [number for number in examples if self._places.get(number) == before]
            self._make(Place(some, before, cls))
            self._touched |= {one: None for one in (before, cls) if one is not None}
            for number in some:
                self._put(number, cls)

    def _put(self, number: int, cls: int | None) -> None:
        if cls is None:
            self._places.pop(number, None)
        else:
            self._places[number] = cls

    def _is_empty(self, cls: int) -> bool:
        mapped = any(cls in base.mapping.values() for base in self._bases.values() if base.active)
        return not mapped and cls not in self._places.values()

    def _close(self, cls: int) -> None:
        self._make(Activate(cls, False))
        self._classes[cls] = replace(self._classes[cls], active=False)
        for negative in [row.id for row in self._classes.values() if row.of == cls and row.active]:
            self._empty(negative)
            self._close(negative)

    def _empty(self, cls: int) -> None:
        self._place([number for number, where in self._places.items() if where == cls], None)
        for base, label in [(one, label) for one in self._bases for label, now in self._bases[one].mapping.items() if now == cls]:
            self._map(MapBase(base, label, cls, None))

    def _open(self, cls: int) -> None:
        self._require_free(cls, self._classes[cls].name)
        self._make(Activate(cls, True))
        self._classes[cls] = replace(self._classes[cls], active=True)

    def _require_free(self, cls: int, name: str) -> None:
        if named((row for row in self._classes.values() if row.active and row.id != cls), name):
            raise LessonError(f"There is another class “{name}” by now, so this cannot be forgotten; rename that one first.")

    def _make(self, change: Change) -> None:
        self.changes.append(change)
