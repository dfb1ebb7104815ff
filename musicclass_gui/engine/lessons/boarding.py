"""From a project's rows to the Board that a window or a table shows. It reads; it never writes and computes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.lessons.book import FORGETS
from musicclass_gui.engine.lessons.report import ClassReport, LessonCard
from musicclass_gui.engine.lessons.wording import view_of
from musicclass_gui.engine.plain import from_plain
from musicclass_gui.engine.project.board import Board, ClassifierView, ClassView, ExampleView, LessonView
from musicclass_gui.engine.project.rows import WORDS
from musicclass_gui.engine.words import MEASURED

if TYPE_CHECKING:
    from musicclass_gui.engine.project.rows import ClassifierRow, ClassRow, ExampleRow, LessonRow, RecordingRow
    from musicclass_gui.engine.project.store import Project

NOT_TESTED = "Not tested yet."


@dataclass
class _Sources:
    """What classes take from elsewhere: recordings by hash, which of them are missing, classes' names, and what came with bases."""

    recordings: dict[str, RecordingRow]
    missing: frozenset[str]
    names: dict[int, str] = field(default_factory=dict)
    base_of: dict[int, str] = field(default_factory=dict)
    base_counts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))


def board_of(project: Project, *, undo: str, redo: str) -> Board:
    """Everything that is to be shown of a project."""
    lessons = project.lessons()
    sources = _Sources({row.hash: row for row in project.recordings()}, project.missing_lately())
    forgotten = {row.plan.get(FORGETS) for row in lessons if row.state == "kept"}
    waiting = next((row for row in lessons if row.state in ("planned", "draft")), None)
    return Board(
        path=str(project.path),
        title=project.path.stem,
        classifiers=[_classifier(project, row, sources, lessons) for row in project.classifiers()],
        lessons=[replace(lesson_view(row), forgotten=row.id in forgotten) for row in sorted(lessons, key=_age)],
        waiting=None if waiting is None else lesson_view(waiting, with_card=True),
        undo=undo,
        redo=redo,
        read_only=project.read_only,
    )


def _age(row: LessonRow) -> tuple[int, int]:
    """What sorts lessons: first one that waits, then those kept last."""
    return (-row.position if row.position else -(1 << 60), -row.id)


def lesson_view(row: LessonRow, *, with_card: bool = False) -> LessonView:
    """A lesson, with its card where it is wanted and there is one. A draft that has none yet was interrupted, as a planned lesson was."""
    card = card_of(row) if with_card else None
    state = "planned" if row.state == "draft" and not row.card else row.state
    return LessonView(row.id, row.classifier, row.kind, row.title, state, row.made_at, card)


def card_of(row: LessonRow) -> LessonCard | None:
    """A lesson's card."""
    return from_plain(LessonCard, row.card) if row.card else None


def newest_card(lessons: list[LessonRow], classifier: int) -> LessonCard | None:
    """The card of the lesson kept last that was tested: what is known of the classifier as it is."""
    kept = [row for row in lessons if row.classifier == classifier and row.state == "kept" and row.card]
    return card_of(max(kept, key=lambda row: row.position)) if kept else None


def _classifier(project: Project, row: ClassifierRow, sources: _Sources, lessons: list[LessonRow]) -> ClassifierView:
    card = newest_card(lessons, row.id)
    _note_bases(project, row, sources)
    by_class: defaultdict[int, list[ExampleRow]] = defaultdict(list)
    for example in project.examples(row.id):
        if example.cls is not None:
            by_class[example.cls].append(example)
    sources.names = {one.id: one.name for one in project.classes(row.id) if one.role != "negative"}  # what can be answered
    classes = [_class(one, by_class[one.id], sources, card) for one in project.classes(row.id)]
    return ClassifierView(
        id=row.id,
        key=row.key,
        title=row.title,
        encoder=row.encoder,
        method=row.method,
        options=row.options,
        revision=row.revision,
        measured=_measured(row, card),
        classes=classes,
        words=view_of(row) if row.method == WORDS else None,
    )


def _measured(row: ClassifierRow, card: LessonCard | None) -> str:
    if row.method == WORDS:
        return MEASURED
    return card.sentence() if card else NOT_TESTED


def _note_bases(project: Project, row: ClassifierRow, sources: _Sources) -> None:
    for base in project.bases(row.id):
        labels = packs.from_bytes(base.pack).training.labels
        for label, number in base.mapping.items():
            if number is not None:
                sources.base_of[number] = base.title
                sources.base_counts[number] += labels.count(label)


def _class(row: ClassRow, examples: list[ExampleRow], sources: _Sources, card: LessonCard | None) -> ClassView:
    report = next((one for one in card.classes if one.cls == row.id), None) if card else None
    views = [_example(one, sources, _mistaken_for(one, row, card, sources.names)) for one in examples]
    return ClassView(
        id=row.id,
        name=row.name,
        role=row.role,
        of=row.of,
        colour=row.colour,
        seconds=sum(_length(view) for view in views),
        groups=len({one.group or one.hash for one in examples}),
        quality=report.after if report and report.held_out else None,  # what it learned from says nothing of how good it is
        quality_note=_note(report),
        base=sources.base_of.get(row.id, ""),
        base_recordings=sources.base_counts.get(row.id, 0),
        examples=views,
    )


def _note(report: ClassReport | None) -> str:
    return report.note if report else NOT_TESTED


def _mistaken_for(example: ExampleRow, row: ClassRow, card: LessonCard | None, names: dict[int, str]) -> str:
    said = card.said.get(example.id) if card else None
    return "" if said is None or said == row.id else names.get(said, "")


def _example(row: ExampleRow, sources: _Sources, said: str) -> ExampleView:
    recording = sources.recordings[row.hash]
    return ExampleView(
        id=row.id,
        hash=row.hash,
        path=str(recording.path),
        name=recording.path.name,
        missing=row.hash in sources.missing,
        start_s=row.start_s,
        end_s=row.end_s,
        duration_s=recording.duration_s,
        group=row.group,
        said=said,
    )


def _length(view: ExampleView) -> float:
    if view.start_s is None or view.end_s is None:
        return view.duration_s
    return view.end_s - view.start_s
