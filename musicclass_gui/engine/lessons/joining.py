"""Resting a classifier on what another one has learned: a shipped classifier, a class pack, another project's classifier.

Its sums become a base; each of its classes counts for the class here that has the same name, or for a new one. Nothing of it is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.lessons.changes import Activate, MapBase, UseBase
from musicclass_gui.engine.lessons.drafts import Draft, checked_name, named
from musicclass_gui.engine.lessons.grounds import Ground, settings_of
from musicclass_gui.engine.project.rows import BaseRow

if TYPE_CHECKING:
    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.lessons.packs import Pack
    from musicclass_gui.engine.project.rows import ClassifierRow, ClassRow
    from musicclass_gui.engine.project.store import Project


def joined(project: Project, classifier: int, pack: Pack, title: str) -> Draft:
    """The lesson that rests a classifier on a pack. Only inside `Project.writing`. Raises LessonError where the two do not fit."""
    row, data = project.classifier(classifier), packs.to_bytes(pack)
    _require_fit(project, row, pack, data)
    first = not project.classes(classifier)
    base = project.add_base(classifier, title, data, pack.classes)
    classes = _classes(project, classifier, pack)
    changes: list[Change] = [Activate(one.id, True) for one in dict.fromkeys(classes) if not one.active]
    changes += [MapBase(base, label, None, one.id) for label, one in zip(pack.classes, classes, strict=True)]
    return Draft(classifier, "join", f"{'Start from' if first else 'Join'} “{title}”", [*changes, UseBase(base, True)])


def _require_fit(project: Project, row: ClassifierRow, pack: Pack, data: bytes) -> None:
    theirs, ours = (pack.encoder, pack.encoder_version, pack.grid), (row.encoder, row.encoder_version, row.grid)
    if theirs != ours:
        raise LessonError(
            f"“{pack.title}” hears with {' '.join(theirs)} and “{row.title}” with {' '.join(ours)}, so they cannot be joined; "
            "start a new classifier from it."
        )
    if pack.head_kind == "replay" or row.method == "replay":
        raise LessonError("What was fine-tuned cannot be joined: only sums add up; choose the Gaussian or class centers.")
    bases = project.bases(row.id)
    if any(base.pack == data for base in bases):
        raise LessonError(f"“{row.title}” has “{pack.title}” in it already.")
    settings_of(row.method, [Ground(base) for base in (*bases, BaseRow(0, row.id, pack.title, data, True, {}))])


def _classes(project: Project, classifier: int, pack: Pack) -> list[ClassRow]:
    """The class here for each one of the pack, made where there is none of its name."""
    here: list[ClassRow] = project.classes(classifier)
    found: dict[str, ClassRow] = {}
    for label, role, of in sorted(zip(pack.classes, pack.roles, pack.of, strict=True), key=lambda one: one[1] == "negative"):
        found[label] = _class(project, classifier, here, (checked_name(label), role, found[of].id if of else None))
    return [found[label] for label in pack.classes]


def _class(project: Project, classifier: int, here: list[ClassRow], wanted: tuple[str, str, Any]) -> ClassRow:
    name, role, of = wanted
    there = named(here, name)
    if there is None:
        row = project.cls(project.add_class(classifier, name, role, of))
        here.append(row)
        return row
    if (there.role, there.of) != (role, of):
        raise LessonError(f"“{there.name}” is a {there.role} here and a {role} there; rename yours first, then join.")
    return there
