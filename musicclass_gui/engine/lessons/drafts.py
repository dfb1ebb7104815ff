"""What a user asks to change of the classes there are, as the changes that do it: rename, merge, delete, move, another method.

Each function looks and decides, and writes nothing. It knows no embeddings and no heads.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons.changes import Activate, MapBase, Method, Place, Rename
from musicclass_gui.engine.lessons.plan import clean_name
from musicclass_gui.engine.project.rows import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.lessons.changes import Change
    from musicclass_gui.engine.project.rows import ClassRow, ExampleRow
    from musicclass_gui.engine.project.store import Project

METHOD_TITLES = {"gaussian": "shared-covariance Gaussian", "centers": "class centers", "replay": "replay fine-tuning"}
_NOT = "not "


@dataclass(frozen=True)
class Draft:
    """A lesson that is not in the project yet."""

    classifier: int
    kind: str
    title: str
    changes: list[Change] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)


def checked_name(text: str) -> str:
    """`text` as a class can be called: one line without control characters, cut to 200. Raises LessonError when nothing is left."""
    name = clean_name(text)
    if not name:
        raise LessonError("A class needs a name that can be seen; type one.")
    return name


def named(classes: Iterable[ClassRow], name: str) -> ClassRow | None:
    """The class of this name; where none is written just so, one that differs in capital letters only."""
    rows = list(classes)
    exact = [row for row in rows if row.name == name]
    return next(iter(exact or [row for row in rows if row.name.casefold() == name.casefold()]), None)


def negative_name(name: str) -> str:
    """What the sounds that a class is not are called."""
    return clean_name(_NOT + name)


def negatives_of(project: Project, row: ClassRow) -> list[ClassRow]:
    """The negatives of a class that are in use; there is one at most unless files say otherwise."""
    return [one for one in project.classes(row.classifier) if one.of == row.id]


def rename(project: Project, cls: int, name: str) -> Draft:
    """Another name for a class, and for its negatives. Raises LessonError when the name is taken or empty."""
    row, after = in_use(project, cls), checked_name(name)
    if after == row.name:
        raise LessonError(f"“{row.name}” has this name already.")
    if row.of is not None:
        raise LessonError(f"“{row.name}” is called after the class that it is not; rename “{project.cls(row.of).name}” instead.")
    changes: list[Change] = [Rename(cls, row.name, after)]
    changes += [Rename(one.id, one.name, negative_name(after)) for one in negatives_of(project, row)]
    for change in changes:
        if isinstance(change, Rename):
            require_free(project, row.classifier, change.after, besides=[change.cls])
    return Draft(row.classifier, "rename", f"Rename “{row.name}” to “{after}”", changes)


def require_free(project: Project, classifier: int, name: str, *, besides: Sequence[int] = ()) -> None:
    """Raise LessonError when a class in use other than `besides` has this name."""
    found = named((row for row in project.classes(classifier) if row.id not in besides), name)
    if found:
        raise LessonError(f"There is a class “{found.name}” already; choose another name, or merge the two.")


def merge(project: Project, cls: int, into: int) -> Draft:
    """All that one class has goes to another; what both have is there once. Raises LessonError."""
    row, target = in_use(project, cls), in_use(project, into)
    if row.id == target.id:
        raise LessonError(f"“{row.name}” cannot be merged with itself; choose another class.")
    _require_together(row, target)
    changes = _moved(project, project.examples(row.classifier, cls=cls), target)
    for negative in negatives_of(project, row):  # now they might be sounds of the class
        changes += gone(project, negative)
    changes += [MapBase(base, label, cls, into) for base, label in labels_of(project, row)]
    return Draft(row.classifier, "merge", f"Merge “{row.name}” into “{target.name}”", [*changes, Activate(cls, False)])


def delete(project: Project, cls: int) -> Draft:
    """A class goes, with its examples and its negatives; what a base knows of it is hidden. Raises LessonError."""
    row = in_use(project, cls)
    changes = [change for negative in negatives_of(project, row) for change in gone(project, negative)]
    return Draft(row.classifier, "delete", f"Delete “{row.name}”", [*changes, *gone(project, row)])


def move(project: Project, examples: Sequence[int], cls: int | None) -> Draft:
    """Examples go to another class, or (None) out of use; what that class has already is there once. Raises LessonError."""
    rows = _in_use_examples(project, examples, cls)
    if not rows:
        raise LessonError("None of these examples would change its class; choose others.")
    classifier = rows[0].classifier
    count = "1 example" if len(rows) == 1 else f"{len(rows)} examples"
    if cls is None:
        return Draft(classifier, "move", f"Leave out {count}", _placed(rows, None))
    target = in_use(project, cls)
    for source in {row.cls for row in rows if row.cls is not None}:
        _require_together(in_use(project, source), target)
    return Draft(classifier, "move", f"Move {count} to “{target.name}”", _moved(project, rows, target))


def change_method(project: Project, classifier: int, method: str, options: dict[str, Any] | None) -> Draft:
    """Another way of learning from the same examples. Raises LessonError for one that there is not, or that cannot be used here."""
    if method not in METHODS:
        raise LessonError(f"There is no method “{method}”; known are {', '.join(METHODS)}.")
    row, after = project.classifier(classifier), {"method": method, "options": options or {}}
    before = {"method": row.method, "options": row.options}
    if before == after:
        raise LessonError(f"“{row.title}” learns by {METHOD_TITLES[method]} already.")
    if method == "replay" and project.bases(classifier):
        raise LessonError("Fine-tuning needs recordings, but this classifier rests on a built-in one or a pack; choose another method.")
    return Draft(classifier, "method", f"Learn by {METHOD_TITLES[method]}", [Method(classifier, before, after)])


def in_use(project: Project, cls: int) -> ClassRow:
    """A class that is in use. Raises LessonError when it is not, ProjectError when there is none."""
    row = project.cls(cls)
    if not row.active:
        raise LessonError(f"“{row.name}” is no longer one of the classes; choose another.")
    return row


def gone(project: Project, row: ClassRow) -> list[Change]:
    """What takes a class out of use with all that it has."""
    examples = project.examples(row.classifier, cls=row.id)
    hidden: list[Change] = [MapBase(base, label, row.id, None) for base, label in labels_of(project, row)]
    return [*_placed(examples, None), *hidden, Activate(row.id, False)]


def labels_of(project: Project, row: ClassRow) -> list[tuple[int, str]]:
    """The bases' labels that count for a class, as (base, label)."""
    bases = project.bases(row.classifier, active=None)
    return [(base.id, label) for base in bases for label, cls in base.mapping.items() if cls == row.id]


def sound_of(example: ExampleRow) -> tuple[str, float | None, float | None]:
    """What tells one example from another: the recording and the span."""
    return example.hash, example.start_s, example.end_s


def _require_together(row: ClassRow, target: ClassRow) -> None:
    if row.classifier != target.classifier:
        raise LessonError("The two classes belong to different classifiers; join these first.")
    if target.of == row.id or row.of == target.id:
        raise LessonError(f"“{row.name}” and “{target.name}” say the opposite of each other, so they cannot be one; delete one of them.")


def _in_use_examples(project: Project, examples: Sequence[int], cls: int | None) -> list[ExampleRow]:
    found = [row for one in project.classifiers() for row in project.examples(one.id, ids=examples)]
    if len({row.classifier for row in found}) > 1:
        raise LessonError("These examples belong to different classifiers; move those of one at a time.")
    return [row for row in found if row.cls is not None and row.cls != cls]


def _moved(project: Project, rows: Sequence[ExampleRow], target: ClassRow) -> list[Change]:
    """Examples that the target has already, or that are given twice, go out of use instead."""
    there = {sound_of(row) for row in project.examples(target.classifier, cls=target.id)}
    going: list[ExampleRow] = []
    twice: list[ExampleRow] = []
    for row in rows:
        (twice if sound_of(row) in there else going).append(row)
        there.add(sound_of(row))
    return [*_placed(twice, None), *_placed(going, target.id)]


def _placed(rows: Iterable[ExampleRow], cls: int | None) -> list[Change]:
    by_class: defaultdict[int | None, list[int]] = defaultdict(list)
    for row in rows:
        by_class[row.cls].append(row.id)
    return [Place(ids, before, cls) for before, ids in by_class.items()]
