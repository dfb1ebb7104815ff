"""Older projects become newer ones whole or not at all, and a copy of them stays; also when the program is killed meanwhile."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from project_files import KIND, embedded, recording

from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project import opening, schema
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TO_2 = "ALTER TABLE recordings ADD COLUMN mood TEXT; UPDATE recordings SET mood = 'glad ' || hash"
TO_3 = """
CREATE TABLE new (hash TEXT PRIMARY KEY REFERENCES recordings(hash), moods BLOB NOT NULL);
INSERT INTO new SELECT hash, CAST(mood AS BLOB) FROM recordings;
ALTER TABLE new RENAME TO moods
"""
KILLS = 10


def old_project(path: Path, recordings: int = 3) -> bytes:
    with Project.create(path) as project, project.writing():
        for number in range(recordings):
            project.add_recording(recording(f"{number}"))
            project.add_embedding(embedded(f"{number}", windows=8, dim=384), *KIND)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=1")  # what leads from there is not the program's own here
    return path.read_bytes()


def migrated(path: Path, migrations: Sequence[str]) -> None:
    with opening.explained(path), closing(opening.connect(path, write=True)) as db:
        opening.migrate(db, path, migrations)


def version(path: Path) -> int:
    """The version of a whole project, which holds what it should at that version."""
    with closing(opening.connect(path, write=False)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = opening.number(db, "user_version")
        assert has_moods(db) == (found >= 2, found >= 3)
        return found


def has_moods(db: sqlite3.Connection) -> tuple[bool, bool]:
    columns = {row[1] for row in db.execute("PRAGMA table_info(recordings)")}
    count = db.execute("SELECT count(*) FROM recordings").fetchone()[0]
    if "mood" in columns:
        assert db.execute("SELECT count(*) FROM recordings WHERE mood = 'glad ' || hash").fetchone()[0] == count
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    if "moods" in tables:
        assert db.execute("SELECT count(*) FROM moods").fetchone()[0] == count
    return "mood" in columns, "moods" in tables


def test_the_version_is_that_of_the_migrations() -> None:
    assert len(schema.MIGRATIONS) + 1 == schema.VERSION


def test_steps_are_taken_once_after_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "old.musicclass"
    old_project(path)
    migrated(path, [TO_2])
    assert version(path) == 2
    migrated(path, [TO_2, TO_3])
    migrated(path, [TO_2, TO_3])
    assert version(path) == 3
    assert version(tmp_path / "old.musicclass.before-v2") == 1
    assert version(tmp_path / "old.musicclass.before-v3") == 2
    assert len(list(tmp_path.iterdir())) == 3


def test_a_project_that_is_up_to_date_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.musicclass"
    before = old_project(path)
    migrated(path, [])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["old.musicclass"]


def test_opening_brings_a_project_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.musicclass"
    old_project(path)
    monkeypatch.setattr(schema, "MIGRATIONS", (TO_2, TO_3))
    monkeypatch.setattr(schema, "VERSION", 3)
    monkeypatch.setattr(schema, "READABLE", 3)
    with pytest.raises(ProjectError, match="must be brought up to date first"):
        Project.open(path, write=False)
    with Project.open(path) as project:
        assert [row.hash for row in project.recordings()] == ["0", "1", "2"]
        assert project.embedded("1", *KIND) is not None
    assert version(path) == 3
    with Project.open(tmp_path / "old.musicclass.before-v3", write=True) as copy:
        assert len(copy.recordings()) == 3


def first_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project as version 1 made it, with a classifier that was taught a class."""
    monkeypatch.setattr(opening, "SCHEMA", schema.SCHEMA.replace("'replay', 'words')", "'replay')"))
    opening.build(path, "Old", 1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA foreign_keys=ON")
        row = (7, "mine", "Mine", *KIND, 4, "centers", '{"budget": 3}', 5)
        db.execute(
            "INSERT INTO classifiers (id, key, title, encoder, encoder_version, grid, dim, method, options, revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("UPDATE classifiers SET method='words'")
        db.execute("INSERT INTO classes (classifier, name, colour, active) VALUES (7, 'piano', 0, 1)")
        db.execute("INSERT INTO heads VALUES (7, 0, x'00')")
        db.commit()


def test_version_2_has_room_for_classifiers_by_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = tmp_path / "old.musicclass", tmp_path / "new.musicclass"
    first_version(path, monkeypatch)
    monkeypatch.undo()
    with Project.open(path, write=False) as project:
        before = project.classifiers()
    with Project.open(path) as project, project.writing():
        assert project.classifiers() == before
        assert (before[0].key, before[0].options, before[0].revision) == ("mine", {"budget": 3}, 5)
        assert [one.name for one in project.classes(7)] == ["piano"]
        assert project.classifier(project.add_classifier("words", "Words", *KIND, 4, "words")).method == "words"
        project.remove_classifier(7)
        assert project.head(7) is None  # what belongs to a classifier still goes with it
    Project.create(new).close()
    assert tables(path) == tables(new)
    assert (tmp_path / "old.musicclass.before-v2").exists()


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns and references of every table."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
        return {name: [*db.execute(f"PRAGMA table_info({name})"), *db.execute(f"PRAGMA foreign_key_list({name})")] for name in names}


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE recordings SET nothing = 1",
        "UPDATE embeddings SET hash = 'nobody ' || hash",
        "UPDATE embeddings SET hash = 1",
        "CREATE TABLE t (x); syntax error",
    ],
)
def test_a_step_that_fails_leaves_the_project_as_it_was(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "old.musicclass"
    before = old_project(path)
    with pytest.raises(ProjectError, match="cannot be brought up to date"):
        migrated(path, [TO_2, wrong])
    assert path.read_bytes() == before
    migrated(path, [TO_2, TO_3])
    assert version(path) == 3


def test_without_room_for_a_copy_nothing_is_changed(user_folder: Path) -> None:
    path = user_folder / "old.musicclass"
    before = old_project(path)
    with closing(opening.connect(path, write=True)) as db:
        user_folder.chmod(0o500)
        with pytest.raises(ProjectError, match="cannot be"), opening.explained(path):
            opening.migrate(db, path, [TO_2])
        user_folder.chmod(0o700)
    assert path.read_bytes() == before


def test_killed_at_any_moment_it_is_the_old_or_the_new_version(tmp_path: Path) -> None:
    path = tmp_path / "old.musicclass"
    before = old_project(path, 1500)
    longest = timed(path)
    for number in range(KILLS):
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        path.write_bytes(before)
        kill_while_migrating(path, random.Random(number).uniform(0, longest), copied=number % 2 == 0)
        copy = tmp_path / "old.musicclass.before-v3"
        assert version(path) == 1 or (version(path) == 3 and version(copy) == 1)
        migrated(path, [TO_2, TO_3])
        assert (version(path), version(copy)) == (3, 1)
        assert sorted(os.listdir(tmp_path)) == ["old.musicclass", "old.musicclass.before-v3"]


def timed(path: Path) -> float:
    start = time.perf_counter()
    migrated(path, [TO_2, TO_3])
    return time.perf_counter() - start


def kill_while_migrating(path: Path, after_s: float, *, copied: bool) -> None:
    """Kill a child some time after it began to migrate, or after it had made the copy."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; import test_migrations as t; from pathlib import Path\n"
    code += f"print('go', flush=True); t.migrated(Path({str(path)!r}), [t.TO_2, t.TO_3])"
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        while copied and not path.with_name(f"{path.name}.before-v3").exists() and child.poll() is None:
            time.sleep(0.001)
        time.sleep(after_s / 2 if copied else after_s)
        child.kill()
