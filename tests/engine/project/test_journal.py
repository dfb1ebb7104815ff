"""Lessons, heads, answers and verdicts: kept as given; what no lesson names any more is swept away, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from project_files import KIND

from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project.rows import VerdictRow

if TYPE_CHECKING:
    from musicclass_gui.engine.project.store import Project


def test_a_lesson_comes_back_and_can_be_changed(project: Project, classifier: int) -> None:
    with project.writing():
        id = project.add_lesson(classifier, "teach", "Teach 2 classes", "planned", plan={"classes": ["é\udce9"]})
    lesson = project.lesson(id)
    assert (lesson.kind, lesson.title, lesson.state, lesson.position) == ("teach", "Teach 2 classes", "planned", 0)
    assert (lesson.plan, lesson.changes, lesson.card) == ({"classes": ["é\udce9"]}, [], {})
    assert datetime.now(UTC) - datetime.fromisoformat(lesson.made_at) < timedelta(minutes=1)
    with project.writing():
        project.set_lesson(id, state="kept", position=1, plan={}, changes=[{"cls": 1}], card={"title": "x"})
    lesson = project.lesson(id)
    assert (lesson.state, lesson.position, lesson.plan, lesson.changes, lesson.card) == ("kept", 1, {}, [{"cls": 1}], {"title": "x"})


def test_lessons_are_in_the_order_of_keeping_and_those_that_wait_come_last(project: Project, classifier: int) -> None:
    with project.writing():
        other = project.add_classifier("other", "Other", *KIND, 4)
        waits = project.add_lesson(classifier, "teach", "C", "draft")
        second = project.add_lesson(other, "teach", "B", "undone", position=2)
        first = project.add_lesson(classifier, "teach", "A", "kept", position=1)
    assert [lesson.id for lesson in project.lessons()] == [first, second, waits]
    assert [lesson.id for lesson in project.lessons(classifier)] == [first, waits]
    assert [lesson.id for lesson in project.lessons(states=("kept", "undone"))] == [first, second]
    assert project.lessons(other, states=("draft",)) == []
    assert project.next_position() == 3
    with project.writing():
        project.remove_lesson(first)
        project.remove_lesson(second)
    assert [lesson.id for lesson in project.lessons()] == [waits]
    assert project.next_position() == 1


def test_a_lesson_takes_its_head_and_checkpoint_with_it(project: Project, classifier: int) -> None:
    with project.writing():
        id = project.add_lesson(classifier, "teach", "A", "draft")
        project.set_checkpoint(id, b"half way")
        project.set_head(classifier, id, b"after A")
        project.set_head(classifier, 0, b"now")
    assert (project.checkpoint(id), project.head(classifier, id), project.head(classifier)) == (b"half way", b"after A", b"now")
    with project.writing():
        project.remove_lesson(id)
    assert (project.checkpoint(id), project.head(classifier, id), project.head(classifier)) == (None, None, b"now")


def test_heads_checkpoints_and_kept_audio_are_replaced_and_dropped(project: Project, classifier: int) -> None:
    with project.writing():
        lesson = project.add_lesson(classifier, "teach", "A", "draft")
        example = project.add_example(classifier, "a")
        for state in (b"old", b"new"):
            project.set_head(classifier, 0, state)
            project.set_checkpoint(lesson, state)
            project.set_exemplar_audio(example, state)
    assert [project.head(classifier), project.checkpoint(lesson), project.exemplar_audio(example)] == [b"new"] * 3
    with project.writing():
        project.remove_heads(classifier, 0)
        project.set_checkpoint(lesson, None)
        project.set_exemplar_audio(example, None)
    assert [project.head(classifier), project.checkpoint(lesson), project.exemplar_audio(example)] == [None] * 3


def test_answers_are_kept_with_the_revision_that_gave_them(project: Project, classifier: int) -> None:
    with project.writing():
        project.set_answer("a", classifier, 1, {"label": "x"})
        project.set_answer("a", classifier, 2, {"label": "y", "p": 0.5})
        project.set_answer("b", classifier, 1, {})
    assert project.answers(classifier) == {"a": (2, {"label": "y", "p": 0.5}), "b": (1, {})}
    assert project.answers(99) == {}


def test_numbers_that_are_none_are_not_kept(project: Project, classifier: int) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"), project.writing():
        project.set_answer("a", classifier, 1, {"p": float("nan")})


def test_verdicts_are_kept_taught_and_taken_back(project: Project, classifier: int) -> None:
    with project.writing():
        cls = project.add_class(classifier, "piano")
        lesson = project.add_lesson(classifier, "teach", "A", "kept")
        yes = project.add_verdict(classifier, "a", 1.0, 2.0, cls)
        none = project.add_verdict(classifier, "b", None, None, None)
        project.set_verdict_taught([yes], lesson)
    wanted = VerdictRow(none, classifier, "b", None, None, None)
    assert project.verdicts(classifier) == [VerdictRow(yes, classifier, "a", 1.0, 2.0, cls, lesson), wanted]
    with project.writing():
        project.set_verdict_taught([yes], None)
        project.remove_verdict(none)
    assert project.verdicts(classifier) == [VerdictRow(yes, classifier, "a", 1.0, 2.0, cls)]


def test_a_card_that_is_no_card_is_said_to_be_damaged(project: Project, classifier: int) -> None:
    with project.writing():
        id = project.add_lesson(classifier, "teach", "A", "kept")
    for text in ("[]", "{", "[" * 100_000):
        with project.writing():
            project._change("UPDATE lessons SET card=? WHERE id=?", text, id)
        with pytest.raises(ProjectError, match="damaged"):
            project.lessons()


@pytest.mark.parametrize("state", ["planned", "draft", "kept", "undone"])
def test_what_a_lesson_names_stays(project: Project, classifier: int, state: str) -> None:
    with project.writing():
        activated, before, after, mapped = (project.add_class(classifier, name) for name in "abcd")
        base = project.add_base(classifier, "Genre", b"", ["rock"])
        example = project.add_example(classifier, "a")
        changes = [
            {"do": "activate", "cls": activated, "on": True},
            {"do": "rename", "cls": activated, "before": "x", "after": "y"},
            {"do": "place", "examples": [example], "before": before, "after": after},
            {"do": "use_base", "base": base, "on": True},
            {"do": "map_base", "base": base, "label": "rock", "before": None, "after": mapped},
            {"do": "method", "before": {"method": "gaussian"}, "after": {"method": "centers"}},
        ]
        lesson = project.add_lesson(classifier, "teach", "A", state, changes=changes)
        project.sweep()
    assert len(project.classes(classifier, active=None)) == 4
    assert len(project.examples(classifier, ids=[example])) == 1
    assert len(project.bases(classifier, active=None)) == 1
    with project.writing():
        project.remove_lesson(lesson)
        project.sweep()
    assert project.classes(classifier, active=None) == []
    assert project.examples(classifier, ids=[example]) == []
    assert project.bases(classifier, active=None) == []


def test_what_is_in_use_stays_without_any_lesson(project: Project, classifier: int) -> None:
    with project.writing():
        used, of, held, mapped, judged, gone = (
            project.add_class(classifier, name) for name in ("used", "of", "held", "mapped", "judged", "gone")
        )
        negative = project.add_class(classifier, "not of", "negative", of)
        for cls in (used, negative):
            project.set_class(cls, active=True)
        project.add_class(classifier, "not gone", "negative", gone)
        placed, unplaced = project.add_example(classifier, "a"), project.add_example(classifier, "b")
        project.place_examples([placed], held)
        base = project.add_base(classifier, "Genre", b"", ["rock"])
        project.set_base(base, True)
        project.map_base(base, "rock", mapped)
        project.add_verdict(classifier, "a", None, None, judged)
        project.sweep()
    assert [row.id for row in project.classes(classifier, active=None)] == [used, of, held, mapped, judged, negative]
    assert [row.id for row in project.examples(classifier, ids=[placed, unplaced])] == [placed]
    assert project.bases(classifier)[0].mapping == {"rock": mapped}
    assert len(project.recordings()) == 2


def test_sweeping_is_a_transaction_of_its_own_where_there_is_none(project: Project, classifier: int) -> None:
    with project.writing():
        project.add_class(classifier, "gone")
    project.sweep()
    assert project.classes(classifier, active=None) == []
