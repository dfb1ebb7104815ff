"""A project file from a stranger: whatever its rows hold, it is refused with a sentence or it works."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from taught_projects import Desk, added, drawn, hashed, record

from musicclass_gui.engine.errors import DataError, MusicClassError, ProjectError
from musicclass_gui.engine.lessons.boarding import board_of
from musicclass_gui.engine.lessons.book import Book
from musicclass_gui.engine.lessons.packing import pack_of
from musicclass_gui.engine.lessons.shelf import ProjectShelf
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.project.schema import SCHEMA
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = (
    "[7]",
    '[{"kind": "Activate", "cls": [1], "before": {}, "examples": 7, "base": []}]',
    '[{"kind": "Place", "examples": [999], "before": null, "after": null}]',
    '[{"kind": "Place", "examples": [1], "before": null, "after": 77}]',
    '[{"kind": "Place", "examples": 7}]',
    '[{"kind": "Rename", "cls": 999, "before": "a", "after": "b"}]',
    '[{"kind": "Activate", "cls": 999, "on": true}]',
    '[{"kind": "UseBase", "base": 999, "on": true}]',
    '[{"kind": "MapBase", "base": 1, "label": "unknown", "before": null, "after": null}]',
    '[{"kind": "Method", "classifier": 1, "before": {}, "after": {}}]',
    '[{"kind": "Method", "classifier": 9, "before": {"method": "centers", "options": {}}, "after": {"method": "centers", "options": {}}}]',
)
ODD = (None, "", "abc", b"", b"abc", -1, 0, 2**62, 1.5, 1e308, "[7]", '{"a": 1}', "[" * 900 + "]" * 900)


def tables() -> dict[str, list[str]]:
    with closing(sqlite3.connect(":memory:")) as own:
        own.executescript(SCHEMA)
        names = [name for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: [column[1] for column in own.execute(f"PRAGMA table_info({name})")] for name in names}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with something in every table."""
    path = tmp_path_factory.mktemp("sound") / "one.musicclass"
    with Project.create(path) as project:
        for number in range(12):
            record(project, number, drawn(number, number % 3))
        desk, theirs = Desk(project), Desk(project)
        theirs.teach(added("harp", 2, 5), added("drum", 8))
        first = desk.teach(added("low", 0, 3), added("high", 1, 4), added("noise", 6, role="background"))
        desk.teach(added("", 7, role="negative", of="low"))
        desk.keep(desk.book.start_from(desk.id, pack_of(project, theirs.id), "Theirs"))
        desk.keep(desk.book.rename(desk.cls("low").id, "deep"))
        desk.book.undo()
        with project.writing():
            project.add_verdict(desk.id, hashed(9), 0.0, 1.0, desk.cls("high").id)
            project.set_answer(hashed(9), desk.id, 1, {})
            project.set_checkpoint(first.id, b"half way")
            project.set_exemplar_audio(1, b"sound")
    return path


def use(path: Path) -> None:
    """Look at it in all ways, and change it."""
    with Project.open(path) as project:
        to_plain(board_of(project, undo="", redo=""))
        for row in project.classifiers():
            with suppress(MusicClassError):
                pack_of(project, row.id)
    with suppress(MusicClassError):
        ProjectShelf(path).classifiers()
    with Project.open(path) as project:
        desk = Desk(project)
        for step in (desk.book.redo, desk.book.undo, lambda: desk.keep(desk.book.forget(2)), desk.book.undo, desk.book.undo):
            with suppress(MusicClassError):
                step()


def test_a_sound_project_is_not_refused(sound: Path, tmp_path: Path) -> None:
    use(shutil.copy(sound, tmp_path / "copy.musicclass"))


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in tables().items() for column in columns])
def test_whatever_a_column_holds(sound: Path, tmp_path: Path, table: str, column: str) -> None:
    refused = 0
    for number, value in enumerate(ODD):
        path = shutil.copy(sound, tmp_path / f"{number}.musicclass")
        if written(path, table, column, value):
            try:
                use(path)
            except MusicClassError:
                refused += 1
    assert refused or column == "id"  # which SQLite itself keeps whole


def written(path: Path, table: str, column: str, value: Any) -> bool:
    """Put a value into a row; False where SQLite itself refuses it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        assert db.execute(f"SELECT 1 FROM {table}").fetchone(), f"{table} is empty"
        try:
            db.execute(f"UPDATE {table} SET {column}=? WHERE rowid=(SELECT max(rowid) FROM {table})", (value,))
        except sqlite3.IntegrityError:
            return False
        db.commit()
        return True


def test_a_classifier_of_absurd_size_is_refused(sound: Path, tmp_path: Path) -> None:
    path = shutil.copy(sound, tmp_path / "copy.musicclass")
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE classifiers SET encoder='other', dim=1000000000")
        db.commit()
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(path)
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(path, write=False)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_lesson_that_speaks_of_what_is_not_there(sound: Path, tmp_path: Path, changes: str) -> None:
    path = shutil.copy(sound, tmp_path / "copy.musicclass")
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE lessons SET changes=?", (changes,))
        db.commit()
    with Project.open(path) as project:
        book = Book(project)
        for step in (book.undo, book.redo, lambda: book.forget(2)):
            with pytest.raises(DataError):
                step()
        project.sweep()  # which leaves what it cannot understand
        assert project.classes(1)
