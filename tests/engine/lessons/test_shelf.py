"""A project's classifiers as an analysis gets them: made once, and never those of another project or of one that was removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from taught_projects import Desk, added, drawn, record

from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.events import Noticed
from musicclass_gui.engine.lessons.shelf import ProjectShelf
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.events import Event


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "one.musicclass") as made:
        for number in range(12):
            record(made, number, drawn(number, number % 3))
        yield made


def classes(shelf: ProjectShelf) -> list[list[str]]:
    return [one.card.classes for one in shelf.classifiers()]


def test_a_classifier_is_made_anew_when_it_learned(project: Project) -> None:
    desk, shelf = Desk(project), ProjectShelf(project.path)
    assert classes(shelf) == []
    desk.teach(added("low", 0, 3), added("high", 1, 4))
    first = shelf.classifiers()
    assert classes(shelf) == [["high", "low"]]
    assert shelf.classifiers() == first
    assert shelf.classifiers()[0] is first[0]
    desk.keep(desk.book.rename(desk.cls("low").id, "deep"))
    assert classes(shelf) == [["deep", "high"]]
    desk.book.undo()
    assert classes(shelf) == [["high", "low"]]


def test_one_that_was_removed_does_not_answer_for_the_next(project: Project) -> None:
    desk, shelf = Desk(project), ProjectShelf(project.path)
    desk.teach(added("low", 0, 3), added("high", 1, 4))
    assert classes(shelf) == [["high", "low"]]
    with project.writing():
        project.remove_classifier(desk.id)
    after = Desk(project)
    after.teach(added("deep", 0, 3), added("shrill", 1, 4))
    assert (after.id, project.classifier(after.id)) == (desk.id, project.classifier(desk.id))
    assert classes(shelf) == [["deep", "shrill"]]


def test_another_project_of_the_same_name_answers_for_itself(project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "copy.musicclass"
    shelf = ProjectShelf(copy)
    for names in (("low", "high"), ("wind", "rain")):
        project.save_as(copy)
        with Project.open(copy) as one:
            desk = Desk(one)
            desk.teach(added(names[0], 0, 3), added(names[1], 1, 4))
        assert classes(shelf) == [sorted(names)]


@pytest.mark.parametrize("other", [{"id": "nobody"}, {"version": "of old"}, {"dim": 5}])
def test_a_classifier_that_cannot_run_here_silences_no_other(tmp_path: Path, other: dict[str, Any]) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(22_050 * 6), 22_050)
    spec = replace(encoders.specs()["timbre"], **other)
    with Project.create(tmp_path / "one.musicclass") as project:
        for number in range(6):
            record(project, number, drawn(number, number % 2, spec.dim), spec)
        Desk(project, spec=spec).teach(added("low", 0, 2), added("high", 1, 3))
    request = Request(tmp_path / "a.wav", ("genre",), "timbre", picture=False, project=str(tmp_path / "one.musicclass"))
    told: list[Event] = []
    answers = Analyst(tmp_path / "cache").analyse(request, Token(), told.append)
    assert [one.classifier for one in answers] == ["genre"]
    (why,) = [one.text for one in told if isinstance(one, Noticed)]
    assert why.startswith("“My classes” cannot answer: ")


def test_a_project_that_took_the_name_first_answers_instead_of_the_shipped_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(22_050 * 6), 22_050)
    spec = encoders.specs()["timbre"]
    with Project.create(tmp_path / "one.musicclass") as project:
        for number in range(6):
            record(project, number, drawn(number, number % 2, spec.dim), spec)
        Desk(project, spec=spec).teach(added("low", 0, 2), added("high", 1, 3))
        with project.writing():
            project._db.execute("UPDATE classifiers SET key = 'genre'")
    request = Request(tmp_path / "a.wav", ("genre",), "timbre", picture=False, project=str(tmp_path / "one.musicclass"))
    (answer,) = Analyst(tmp_path / "cache").analyse(request, Token(), lambda event: None)
    assert (answer.classifier, {one.label for one in answer.ranking}) == ("genre", {"low", "high"})
