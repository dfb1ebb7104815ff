"""A project's classifier as a class pack: its sums under the names that its classes have now, its card, and whom it learned from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.classifier import Training
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons.boarding import newest_card
from musicclass_gui.engine.lessons.learning import head_of
from musicclass_gui.engine.lessons.packs import Pack
from musicclass_gui.engine.lessons.wording import require_taught
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.project.rows import WORDS

if TYPE_CHECKING:
    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.project.rows import ClassifierRow, ClassRow
    from musicclass_gui.engine.project.store import Project

_MOST_NAMES = 5000  # recordings that are listed in a pack, for "sounds most like"


def only_classifier(project: Project) -> int:
    """The one classifier of a project. Raises LessonError when there is none, or more than one."""
    rows = [row for row in project.classifiers() if row.method != WORDS]
    if len(rows) != 1:
        raise LessonError(f"“{project.path.name}” has {len(rows)} classifiers, not one; export the one that is meant as a class pack.")
    return rows[0].id


def pack_of(project: Project, classifier: int) -> Pack:
    """The pack of a classifier that was taught something. Raises LessonError when it was not."""
    row = project.classifier(classifier)
    require_taught(row)
    head = head_of(project, classifier)
    if head is None or not head.classes:
        raise LessonError(f"“{row.title}” has not been taught anything yet, so there is nothing to give away.")
    if row.method == "replay":
        raise LessonError(
            f"“{row.title}” is a fine-tuned network, which no other can be joined with; choose another way of learning first."
        )
    classes = _in_order_of(head, project.classes(classifier))
    names = {one.id: one.name for one in classes}
    card = newest_card(project.lessons(classifier), classifier)
    return Pack(
        title=row.title,
        encoder=row.encoder,
        encoder_version=row.encoder_version,
        grid=row.grid,
        head_kind=head.kind,
        settings=head.settings,
        classes=[one.name for one in classes],
        roles=[one.role for one in classes],
        of=[names.get(one.of, "") if one.of else "" for one in classes],
        state=_state(head, classes),
        card=to_plain(card) if card else {},
        training=_training(project, row, names),
    )


def _in_order_of(head: Scorer, rows: list[ClassRow]) -> list[ClassRow]:
    """The classes in use, in the order of the head's columns."""
    by_label = {row.label: row for row in rows}
    return [by_label[label] for label in head.classes if label in by_label]


def _state(head: Scorer, classes: list[ClassRow]) -> dict[str, Any]:
    """The head's arrays. Raises LessonError for columns without a class, which a pack could not name."""
    if len(classes) != len(head.classes):
        raise LessonError("This classifier hides classes that it was built with, which a class pack cannot; show them again first.")
    return dict(head.state())


def _training(project: Project, row: ClassifierRow, names: dict[int, str]) -> Training:
    """The recordings learned from, by name: no paths, which are nobody's business."""
    examples = [one for one in project.examples(row.id) if one.cls in names][:_MOST_NAMES]
    if not examples:
        return Training()
    hashes, means = project.means(row.encoder, row.encoder_version, row.grid, sorted({one.hash for one in examples}))
    place = {hash: number for number, hash in enumerate(hashes)}
    labels = [names[one.cls] for one in examples if one.cls is not None]
    titles = _distinct([_name(project, one.hash) for one in examples])
    return Training(titles, labels, np.ascontiguousarray(means[[place[one.hash] for one in examples]]))


def _name(project: Project, hash: str) -> str:
    recording = project.recording(hash)
    return recording.path.name if recording else hash[:12]


def _distinct(names: list[str]) -> list[str]:
    """The same names, numbered where one occurs again."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
