"""The book of lessons: what is drafted, kept, undone, redone, forgotten and refused."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from taught_projects import DIM, SPEC, Desk, added, assert_same, drawn, hashed, queries, record

from musicclass_gui.engine.errors import LessonError, ProjectError
from musicclass_gui.engine.lessons import changes as changing
from musicclass_gui.engine.lessons import learning
from musicclass_gui.engine.lessons.additions import Addition
from musicclass_gui.engine.lessons.book import Book
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "one.musicclass") as made:
        for number in range(24):
            record(made, number, drawn(number, number % 4))
        yield made


@pytest.fixture
def desk(project: Project) -> Desk:
    made = Desk(project)
    made.teach(added("piano", 0, 4, 8), added("flute", 1, 5, 9))
    return made


def test_a_draft_is_in_effect_only_once_it_is_kept(desk: Desk) -> None:
    before = desk.project.head(desk.id), desk.content(), desk.project.classifier(desk.id).revision
    draft = desk.book.teach(desk.id, [*added("harp", 2, 6), *added("piano", 12)])
    assert (draft.state, draft.kind, draft.title) == ("draft", "teach", "Teach 2 classes: piano, harp")
    assert (desk.project.head(desk.id), desk.content(), desk.project.classifier(desk.id).revision) == before
    desk.book.keep(draft.id, desk.book.learned(draft.id))
    assert desk.names() == ["flute", "harp", "piano"]
    assert len(desk.content()["piano"]) == 4
    assert desk.project.classifier(desk.id).revision == before[2] + 1
    assert desk.project.lesson(draft.id).state == "kept"


def test_what_was_planned_is_not_carried_on_once_it_is_kept(desk: Desk) -> None:
    planned = desk.book.plan(desk.id, "Teach", {"plan": ["a file"] * 10_000})
    with desk.project.writing():
        desk.project.set_checkpoint(planned.id, b"half way")
    kept = desk.keep(desk.book.teach(desk.id, added("drum", 20), lesson=planned.id))
    assert (kept.id, kept.state, kept.plan) == (planned.id, "kept", {})
    assert desk.project.checkpoint(kept.id) is None


def test_a_draft_that_is_taken_back_leaves_no_trace(desk: Desk) -> None:
    def rows() -> list[int]:
        return [desk.project._row(f"SELECT count(*) FROM {table}")[0] for table in ("classes", "examples", "lessons", "bases", "heads")]

    before = rows()
    desk.book.take_back(desk.book.teach(desk.id, [*added("harp", 2, 6)]).id)
    assert rows() == before
    with pytest.raises(LessonError, match="undo it or forget it"):
        desk.book.take_back(desk.project.lessons()[0].id)


def test_only_one_lesson_waits(desk: Desk) -> None:
    waiting = desk.book.plan(desk.id, "Teach “harp”: 2 files", {"files": ["a", "b"]})
    assert (waiting.state, waiting.plan) == ("planned", {"files": ["a", "b"]})
    acts: list[Callable[[], object]] = [
        lambda: desk.book.plan(desk.id, "another", {}),
        lambda: desk.book.teach(desk.id, added("harp", 2)),
        lambda: desk.book.rename(desk.cls("piano").id, "harp"),
        desk.book.undo,
        desk.book.redo,
    ]
    for act in acts:
        with pytest.raises(LessonError, match="waits to be kept"):
            act()
    draft = desk.book.teach(desk.id, added("harp", 2), lesson=waiting.id)
    assert (draft.id, draft.state, draft.plan) == (waiting.id, "draft", {"files": ["a", "b"]})
    desk.keep(draft)
    with pytest.raises(LessonError, match="waits to be kept"):
        desk.book.keep(draft.id, learning.NOTHING)


def test_undo_and_redo_have_names_and_survive_a_restart(tmp_path: Path) -> None:
    path, x = tmp_path / "one.musicclass", queries()
    with Project.create(path) as project:
        for number in range(8):
            record(project, number, drawn(number, number % 2))
        desk = Desk(project)
        assert (desk.book.undo_title, desk.book.redo_title, desk.book.undo(), desk.book.redo()) == ("", "", None, None)
        desk.teach(added("piano", 0, 2, 4), added("flute", 1, 3))
        desk.teach(added("flute", 5, 7))
        number, scores = desk.id, desk.judged(x)
    with Project.open(path) as project:
        book = Book(project)
        assert (book.undo_title, book.redo_title) == ("Extend “flute”: 2 examples", "")
        undone = book.undo()
        assert undone is not None
        assert (undone.title, undone.state) == ("Extend “flute”: 2 examples", "undone")
        assert (book.undo_title, book.redo_title) == ("Teach 2 classes: piano, flute", "Extend “flute”: 2 examples")
    with Project.open(path) as project:
        book = Book(project)
        assert book.redo() is not None
        again = learning.head_of(project, number)
        assert again is not None
        assert_same((dict(zip(scores[0], again.log_scores(x).T, strict=True)), again.novelty(x)), scores)


def test_undoing_goes_across_classifiers_in_the_order_of_keeping(desk: Desk) -> None:
    other = Desk(desk.project)
    other.teach(added("drum", 3, 7))
    desk.teach(added("harp", 2))
    undone = [row.classifier for row in iter(desk.book.undo, None)]
    assert undone == [desk.id, other.id, desk.id]
    assert [row.classifier for row in iter(desk.book.redo, None)] == undone[::-1]


def test_keeping_drops_what_was_undone(desk: Desk) -> None:
    desk.teach(added("harp", 2, 6))
    desk.book.undo()
    assert len(desk.project.examples(desk.id, ids=range(1, 100))) == 8
    desk.teach(added("oboe", 3))
    assert desk.book.redo_title == ""
    assert len(desk.project.examples(desk.id, ids=range(1, 100))) == 7
    assert [row.name for row in desk.project.classes(desk.id, active=None)] == ["piano", "flute", "oboe"]


@pytest.mark.parametrize("method", ["gaussian", "centers"])
def test_teach_then_forget_is_never_taught(project: Project, method: str) -> None:
    x, desk = queries(), Desk(project, method)
    desk.teach(added("piano", 0, 4), added("flute", 1, 5))
    before = desk.judged(x), desk.content()
    lesson = desk.teach(added("harp", 2, 6), added("piano", 8))
    desk.teach(added("oboe", 3))
    oboe = desk.project.lessons()[-1].id
    forgotten = desk.keep(desk.book.forget(lesson.id))
    assert (forgotten.kind, forgotten.title) == ("forget", "Forget: Teach 2 classes: piano, harp")
    desk.keep(desk.book.forget(oboe))
    assert desk.content() == before[1]
    assert_same(desk.judged(x), before[0])
    with pytest.raises(LessonError, match="Nothing of"):
        desk.book.forget(lesson.id)
    desk.book.undo()
    desk.book.undo()
    assert desk.names() == ["flute", "harp", "oboe", "piano"]
    desk.keep(desk.book.forget(lesson.id))
    assert desk.names() == ["flute", "oboe", "piano"]


def test_forgetting_leaves_what_later_lessons_did(desk: Desk) -> None:
    first = desk.project.lessons()[0].id
    desk.teach(added("piano", 12))
    moved = desk.project.examples(desk.id, cls=desk.cls("piano").id)[0]
    desk.keep(desk.book.move([moved.id], desk.cls("flute").id))
    desk.keep(desk.book.rename(desk.cls("piano").id, "grand piano"))
    desk.keep(desk.book.forget(first))
    assert desk.content() == {"grand piano": [(hashed(12), None, None)]}
    desk.book.undo()
    assert {name: len(some) for name, some in desk.content().items()} == {"grand piano": 3, "flute": 4}


def test_forgetting_a_forgetting_brings_back(desk: Desk) -> None:
    before = desk.content(), desk.judged(queries())
    forgetting = desk.keep(desk.book.forget(desk.project.lessons()[0].id))
    assert desk.names() == []
    desk.keep(desk.book.forget(forgetting.id))
    assert desk.content() == before[0]
    assert_same(desk.judged(queries()), before[1])


def test_what_was_learned_again_meanwhile_does_not_come_back_twice(desk: Desk) -> None:
    forgetting = desk.keep(desk.book.forget(desk.project.lessons()[0].id))
    desk.teach(added("piano", 0))
    desk.keep(desk.book.rename(desk.cls("piano").id, "Klavier"))
    desk.keep(desk.book.forget(forgetting.id))
    assert {name: len(rows) for name, rows in desk.content().items()} == {"Klavier": 1, "piano": 3, "flute": 3}
    desk.teach(added("harp", 2, 6))
    moving = desk.keep(desk.book.merge(desk.cls("harp").id, desk.cls("flute").id))
    desk.teach(added("flute", 10))
    desk.keep(desk.book.forget(moving.id))
    assert {name: len(rows) for name, rows in desk.content().items()} == {"Klavier": 1, "piano": 3, "flute": 4, "harp": 2}
    out = desk.keep(desk.book.move([row.id for row in desk.project.examples(desk.id, cls=desk.cls("harp").id)], None))
    desk.teach(added("harp", 6))
    desk.keep(desk.book.forget(out.id))
    assert len(desk.content()["harp"]) == 2, "one came back, one was learned again"


def test_forgetting_a_deletion_whose_name_is_taken_by_now(desk: Desk) -> None:
    deletion = desk.keep(desk.book.delete(desk.cls("flute").id))
    desk.teach(added("flute", 2))
    with pytest.raises(LessonError, match="another class “flute” by now"):
        desk.book.forget(deletion.id)


def test_what_waits_or_is_undone_cannot_be_forgotten(desk: Desk) -> None:
    lesson = desk.teach(added("harp", 2))
    desk.book.undo()
    with pytest.raises(LessonError, match="not in use"):
        desk.book.forget(lesson.id)


def test_the_same_example_is_learned_once_by_a_class(desk: Desk) -> None:
    with pytest.raises(LessonError, match="nothing new"):
        desk.book.teach(desk.id, added("piano", 0, 4))
    desk.teach(added("piano", 0, 12, 12))
    assert len(desk.content()["piano"]) == 4
    span = Addition("piano", "class", "", hashed(0), 0.0, 4.0)
    desk.teach([span, span])
    assert len(desk.content()["piano"]) == 5


def test_names_that_differ_in_capitals_are_one_class(desk: Desk) -> None:
    desk.teach(added("Piano", 12), added("HARP", 2), added("harp", 6))
    assert {name: len(some) for name, some in desk.content().items()} == {"piano": 4, "flute": 3, "HARP": 2}
    desk.keep(desk.book.rename(desk.cls("piano").id, "Piano"))
    assert desk.names() == ["HARP", "Piano", "flute"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("🎹 e-piano", "🎹 e-piano"),
        ("עוד AC/DC", "עוד AC/DC"),
        ("a\\b/../c", "a\\b/../c"),
        ("x" * 500, "x" * 200),
        (" two\nlines\t\x00here ", "two lines  here"),
        ("Cafe\u0301", "Café"),
        ("turn\u202eround", "turnround"),
    ],
)
def test_odd_names_are_kept_as_they_can_be_shown(desk: Desk, name: str, shown: str) -> None:
    desk.keep(desk.book.rename(desk.cls("piano").id, name))
    assert shown in desk.names()
    desk.teach(added(name, 12))
    assert len(desk.content()[shown]) == 4
    classifier = desk.classifier()
    assert shown in classifier.card.classes


@pytest.mark.parametrize("name", ["", "  ", "\n\t", "\u202e"])
def test_a_name_that_cannot_be_seen_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(LessonError, match="needs a name"):
        desk.book.rename(desk.cls("piano").id, name)
    with pytest.raises(LessonError, match="needs a name"):
        desk.book.teach(desk.id, added(name, 2))
    assert len(desk.project.lessons()) == 1
    assert len(desk.project.classes(desk.id, active=None)) == 2


def test_renames_that_cannot_be(desk: Desk) -> None:
    for name in ("flute", "FLUTE "):
        with pytest.raises(LessonError, match="already"):
            desk.book.rename(desk.cls("piano").id, name)
    with pytest.raises(LessonError, match="has this name"):
        desk.book.rename(desk.cls("piano").id, "piano")
    desk.keep(desk.book.delete(gone := desk.cls("flute").id))
    piano = desk.cls("piano").id
    for act in (lambda: desk.book.rename(gone, "harp"), lambda: desk.book.merge(piano, gone), lambda: desk.book.delete(gone)):
        with pytest.raises(LessonError, match="no longer"):
            act()
    with pytest.raises(ProjectError, match="no class 999"):
        desk.book.rename(999, "x")
    desk.keep(desk.book.rename(desk.cls("piano").id, "flute"))
    assert desk.names() == ["flute"]
    desk.book.undo()
    desk.book.undo()
    assert desk.names() == ["flute", "piano"]


def test_renaming_changes_no_head(desk: Desk) -> None:
    before = desk.project.head(desk.id)
    desk.keep(desk.book.rename(desk.cls("piano").id, "Klavier"))
    assert desk.project.head(desk.id) == before
    assert desk.classifier().card.classes == ["flute", "Klavier"]


def test_merging_puts_together_and_keeps_one_of_each(desk: Desk) -> None:
    desk.teach(added("flute", 0))
    x = queries()
    merged = desk.keep(desk.book.merge(desk.cls("flute").id, desk.cls("piano").id))
    assert (merged.kind, merged.title) == ("merge", "Merge “flute” into “piano”")
    assert desk.content() == {"piano": sorted(((hashed(n), None, None) for n in (0, 1, 4, 5, 8, 9)), key=str)}
    assert_same(desk.judged(x), desk.judged(x, desk.rebuilt()))
    desk.book.undo()
    assert {name: len(some) for name, some in desk.content().items()} == {"piano": 3, "flute": 4}
    with pytest.raises(LessonError, match="with itself"):
        desk.book.merge(desk.cls("piano").id, desk.cls("piano").id)


def test_background_and_classes_merge_both_ways(desk: Desk) -> None:
    desk.teach(added("traffic", 2, 6, role="background"))
    desk.keep(desk.book.merge(desk.cls("traffic").id, desk.cls("flute").id))
    assert desk.cls("flute").role == "class"
    assert len(desk.content()["flute"]) == 5
    desk.book.undo()
    desk.keep(desk.book.merge(desk.cls("flute").id, desk.cls("traffic").id))
    assert desk.cls("traffic").role == "background"
    assert desk.classifier().card.classes == ["piano"]


def test_a_role_is_not_changed_by_teaching(desk: Desk) -> None:
    with pytest.raises(LessonError, match="“piano” is taught as a class already"):
        desk.book.teach(desk.id, added("piano", 2, role="background"))
    desk.teach(added("traffic", 2, role="background"))
    desk.teach(added("traffic", 6))
    assert (desk.cls("traffic").role, len(desk.content()["traffic"])) == ("background", 2)


def test_negatives_follow_their_class(desk: Desk) -> None:
    desk.teach(added("", 2, 6, role="negative", of="Piano"), added("harp", 3), added("", 7, role="negative", of="harp"))
    assert desk.names() == ["flute", "harp", "not harp", "not piano", "piano"]
    assert desk.cls("not piano").of == desk.cls("piano").id
    desk.keep(desk.book.rename(desk.cls("piano").id, "Klavier"))
    assert "not Klavier" in desk.names()
    with pytest.raises(LessonError, match="rename “Klavier” instead"):
        desk.book.rename(desk.cls("not Klavier").id, "noise")
    for one, into in (("Klavier", "not Klavier"), ("not Klavier", "Klavier")):
        with pytest.raises(LessonError, match="opposite"):
            desk.book.merge(desk.cls(one).id, desk.cls(into).id)
    desk.keep(desk.book.merge(desk.cls("harp").id, desk.cls("flute").id))
    assert desk.names() == ["Klavier", "flute", "not Klavier"]
    desk.keep(desk.book.delete(desk.cls("Klavier").id))
    assert desk.names() == ["flute"]
    for _ in range(4):
        desk.book.undo()
    assert desk.names() == ["flute", "piano"]
    with pytest.raises(LessonError, match="no class “harp”"):
        desk.book.teach(desk.id, added("", 2, role="negative", of="harp"))
    assert desk.names() == ["flute", "piano"]


def test_moving_examples(desk: Desk) -> None:
    piano, flute = desk.cls("piano").id, desk.cls("flute").id
    some = [row.id for row in desk.project.examples(desk.id, cls=piano)]
    moved = desk.keep(desk.book.move(some, flute))
    assert moved.title == "Move 3 examples to “flute”"
    assert {name: len(rows) for name, rows in desk.content().items()} == {"piano": 0, "flute": 6}
    assert desk.head().classes == [str(flute)], "a class that was emptied never wins"
    assert desk.classifier().card.classes == ["flute"]
    assert desk.keep(desk.book.move(some[:1], None)).title == "Leave out 1 example"
    for examples in ([], [999], [row.id for row in desk.project.examples(desk.id, cls=flute)]):
        with pytest.raises(LessonError, match="None of these"):
            desk.book.move(examples, flute)
    desk.keep(desk.book.move(some[1:], piano))
    assert {name: len(rows) for name, rows in desk.content().items()} == {"piano": 2, "flute": 3}
    assert_same(desk.judged(queries()), desk.judged(queries(), desk.rebuilt()))
    other = Desk(desk.project)
    other.teach(added("drum", 3))
    with pytest.raises(LessonError, match="different classifiers"):
        desk.book.move(some[1:], other.cls("drum").id)
    with pytest.raises(LessonError, match="different classifiers"):
        desk.book.merge(piano, other.cls("drum").id)


def test_the_same_file_in_two_classes(desk: Desk) -> None:
    desk.teach(added("one", 2), added("two", 2))
    classifier, x = desk.classifier(), drawn(2, 2)
    answer = classifier.answer(x, [(2.5 * k, 2.5 * k + 5) for k in range(len(x))], np.ones(len(x), bool))
    assert answer.label == "one", "of equals, the first by name"
    probability = {one.label: one.probability for one in answer.ranking}
    assert probability["one"] == pytest.approx(probability["two"])


def test_classes_of_one_example_and_of_the_same_examples(project: Project) -> None:
    same = np.ones((1, DIM), np.float32)
    for number in (100, 101):
        record(project, number, same)
    desk = Desk(project)
    desk.teach(added("one", 100), added("two", 101))
    scores, novelty = desk.classifier().head.judge(queries())
    assert np.isfinite(scores).all()
    assert np.isfinite(novelty).all()
    np.testing.assert_allclose(scores[:, 0], scores[:, 1])
    desk.teach(added("three", 0))
    nearest = desk.classifier().head.log_scores(drawn(0)[:1]).argmax()
    assert desk.classifier().card.classes[nearest] == "three"


def test_a_silent_class_is_there_and_never_wins(desk: Desk) -> None:
    record(desk.project, 100, drawn(100)[:1], loud=[False])
    desk.teach(added("silence", 100))
    assert desk.names() == ["flute", "piano", "silence"]
    assert desk.classifier().card.classes == ["flute", "piano"]
    desk.book.undo()
    assert desk.names() == ["flute", "piano"]


def test_recordings_never_listened_to_are_named(desk: Desk) -> None:
    other = Desk(desk.project, spec=replace(SPEC, id="mn04-as"))
    draft = other.book.teach(other.id, added("piano", 0))
    with pytest.raises(LessonError, match="never listened to with mn04-as"):
        other.book.learned(draft.id)


def everything(project: Project) -> dict[str, list[object]]:
    tables = ("classes", "examples", "lessons", "heads", "classifiers")
    return {table: project._rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


@pytest.mark.parametrize("event", ["UPDATE ON lessons", "UPDATE ON classifiers", "INSERT ON heads", "UPDATE ON examples"])
def test_a_step_that_fails_halfway_never_happened(desk: Desk, event: str) -> None:
    """One table refuses in the middle of a transaction, as a full drive would."""
    desk.teach(added("harp", 2, 6))
    desk.teach(added("piano", 12))
    desk.book.undo()
    draft = desk.book.teach(desk.id, added("oboe", 3))
    head, before = desk.book.learned(draft.id), everything(desk.project)
    desk.project._db.execute(f"CREATE TRIGGER full BEFORE {event} BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        desk.book.keep(draft.id, head)
    assert everything(desk.project) == before
    desk.project._db.execute("DROP TRIGGER full")
    desk.book.take_back(draft.id)
    for act in (desk.book.undo, desk.book.redo):
        before = everything(desk.project)
        desk.project._db.execute(f"CREATE TRIGGER full BEFORE {event} BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(sqlite3.IntegrityError, match="full"):
            act()
        assert everything(desk.project) == before
        desk.project._db.execute("DROP TRIGGER full")
    desk.book.redo()
    assert desk.names() == ["flute", "harp", "piano"]
    assert len(desk.content()["piano"]) == 4


def test_changes_come_back_from_json() -> None:
    some: list[changing.Change] = [
        changing.Activate(1, True),
        changing.Rename(1, "a", "b"),
        changing.Place([1, 2], None, 3),
        changing.UseBase(1, True),
        changing.MapBase(1, "jazz", 2, None),
        changing.Method(1, {"method": "gaussian", "options": {}}, {"method": "replay", "options": {"budget": 5}}),
    ]
    assert changing.from_json(changing.to_json(some)) == some
    assert changing.inverse(changing.inverse(some)) == some
    assert changing.inverse(some)[-1] == changing.Activate(1, False)


def test_new_classifiers(project: Project) -> None:
    book = Book(project)
    keys = [project.classifier(book.new_classifier(title, SPEC)).key for title in ("Genre", "My sounds", "My sounds")]
    assert keys == ["genre-2", "my-sounds", "my-sounds-2"], "a key is never that of a shipped classifier"
    with pytest.raises(LessonError, match="no method “magic”"):
        book.new_classifier("x", SPEC, "magic")
    with pytest.raises(LessonError, match="needs a name"):
        book.new_classifier(" ", SPEC)
