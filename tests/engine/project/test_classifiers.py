"""Classifiers, classes, examples and bases: kept as given, in and out of use, removed with what belongs to them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_files import KIND

from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project.rows import BaseRow, ClassifierRow, ClassRow, ExampleRow

if TYPE_CHECKING:
    from musicclass_gui.engine.project.store import Project


def add_class(project: Project, classifier: int, name: str, *, active: bool = True) -> int:
    with project.writing():
        cls = project.add_class(classifier, name)
        project.set_class(cls, active=active)
    return cls


def test_a_classifier_comes_back_and_can_be_changed(project: Project, classifier: int) -> None:
    assert project.classifiers() == [ClassifierRow(classifier, "mine", "Mine", *KIND, 4, "gaussian", {}, 0)]
    with project.writing():
        project.set_classifier(classifier, title="Ours", method="replay", options={"budget": 20}, revision=3, active=False)
    row = project.classifier(classifier)
    assert (row.title, row.method, row.options, row.revision, row.active) == ("Ours", "replay", {"budget": 20}, 3, False)


def test_what_is_not_there_is_said_so(project: Project) -> None:
    for find in (project.classifier, project.cls, project.lesson):
        with pytest.raises(ProjectError, match=r"“work.musicclass” has no .* 7"):
            find(7)


def test_only_what_can_be_set_is_set(project: Project, classifier: int) -> None:
    with pytest.raises(TypeError, match="classifiers has no dim to set"), project.writing():
        project.set_classifier(classifier, dim=3)


def test_classes_are_out_of_use_until_they_are_put_in_use(project: Project, classifier: int) -> None:
    with project.writing():
        piano = project.add_class(classifier, "piano")
        rest = project.add_class(classifier, "street", "background")
        not_piano = project.add_class(classifier, "not piano", "negative", piano)
    assert project.classes(classifier) == []
    assert [row.id for row in project.classes(classifier, active=False)] == [piano, rest, not_piano]
    with project.writing():
        project.set_class(rest, active=True)
    assert project.classes(classifier) == [ClassRow(rest, classifier, "street", "background", None, 1, True)]
    assert project.cls(not_piano) == ClassRow(not_piano, classifier, "not piano", "negative", piano, 0, False)
    assert len(project.classes(classifier, active=None)) == 3
    assert project.cls(piano).label == str(piano)


def test_a_new_class_has_the_lowest_free_colour(project: Project, classifier: int) -> None:
    ids = [add_class(project, classifier, name) for name in "abc"]
    assert [row.colour for row in project.classes(classifier)] == [0, 1, 2]
    with project.writing():
        project.set_class(ids[1], active=False)
        project.sweep()
    add_class(project, classifier, "d")
    assert {row.name: row.colour for row in project.classes(classifier)} == {"a": 0, "c": 2, "d": 1}


def test_two_classes_in_use_never_share_a_name(project: Project, classifier: int) -> None:
    add_class(project, classifier, "piano")
    other = add_class(project, classifier, "piano", active=False)
    with pytest.raises(sqlite3.IntegrityError), project.writing():
        project.set_class(other, active=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text(min_size=1, max_size=600))
def test_classes_of_any_name_come_back(project: Project, classifier: int, name: str) -> None:
    cls = add_class(project, classifier, name, active=False)
    with project.writing():
        example = project.add_example(classifier, "a", group=name)
        project.set_classifier(classifier, options={name: name})
    assert project.cls(cls).name == name
    assert project.examples(classifier, ids=[example])[0].group == name
    assert project.classifier(classifier).options == {name: name}


@pytest.mark.parametrize("name", ["🎹 piano", "عود", "rock/pop", "x" * 500, "a\0b", "'; DROP TABLE classes; --", "Ü\u0308"])
def test_odd_names_come_back(project: Project, classifier: int, name: str) -> None:
    assert project.cls(add_class(project, classifier, name)).name == name


def test_examples_are_placed_moved_and_counted(project: Project, classifier: int) -> None:
    piano, flute = (add_class(project, classifier, name) for name in ("piano", "flute"))
    with project.writing():
        whole = project.add_example(classifier, "a", group="someone")
        span = project.add_example(classifier, "b", 1.5, 3.0)
    assert project.examples(classifier) == []
    assert [row.id for row in project.examples(classifier, ids=[span, whole, 99])] == [whole, span]
    with project.writing():
        project.place_examples([whole, span], piano)
    assert project.counts(classifier) == {piano: 2}
    with project.writing():
        project.place_examples([span], flute)
    assert project.examples(classifier, cls=flute) == [ExampleRow(span, classifier, flute, "b", 1.5, 3.0, "")]
    assert project.examples(classifier)[0] == ExampleRow(whole, classifier, piano, "a", None, None, "someone")
    with project.writing():
        project.place_examples([whole], None)
    assert project.counts(classifier) == {flute: 1}


def test_a_base_is_mapped_hidden_and_put_in_use(project: Project, classifier: int) -> None:
    jazz = add_class(project, classifier, "jazz")
    with project.writing():
        base = project.add_base(classifier, "Genre", b"pack", ["rock", "jazz"])
        project.map_base(base, "jazz", jazz)
    assert project.bases(classifier) == []
    with project.writing():
        project.set_base(base, True)
    assert project.bases(classifier) == [BaseRow(base, classifier, "Genre", b"pack", True, {"rock": None, "jazz": jazz})]
    with project.writing():
        project.map_base(base, "jazz", None)
        project.set_base(base, False)
    assert project.bases(classifier, active=None)[0].mapping == {"rock": None, "jazz": None}


def test_removing_a_classifier_removes_what_is_its_own_only(project: Project, classifier: int) -> None:
    with project.writing():
        other = project.add_classifier("other", "Other", *KIND, 4)
    for owner in (classifier, other):
        cls = add_class(project, owner, "piano")
        with project.writing():
            negative = project.add_class(owner, "not piano", "negative", cls)
            project.place_examples([project.add_example(owner, "a")], negative)
            base = project.add_base(owner, "Genre", b"pack", ["rock"])
            project.map_base(base, "rock", cls)
            lesson = project.add_lesson(owner, "teach", "Teach", "kept")
            project.set_checkpoint(lesson, b"state")
            project.set_head(owner, 0, b"head")
            project.set_answer("a", owner, 1, {"label": "piano"})
            verdict = project.add_verdict(owner, "a", None, None, cls)
            project.set_verdict_taught([verdict], lesson)
    with project.writing():
        project.remove_classifier(classifier)
    tables = ("classes", "examples", "bases", "lessons", "heads", "answers", "verdicts")
    counts = {table: project._rows(f"SELECT classifier, count(*) FROM {table} GROUP BY classifier") for table in tables}
    assert counts == {table: [(other, 2 if table == "classes" else 1)] for table in tables}
    assert len(project.recordings()) == 2
    assert project.has_embedding("a", *KIND)
