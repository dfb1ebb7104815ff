"""A project as a file: made, opened, copied and closed; refused in a clear sentence when it is something else; never half written."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_files import KIND, embedded, recording

from musicclass_gui.engine import places
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project import opening, schema
from musicclass_gui.engine.project.store import Project, slug

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def refused(path: Path, *, write: bool = True) -> str:
    """The sentence with which a file is not opened; it is the same file afterwards, and nothing is left beside it."""
    before = files(path.parent), path.read_bytes() if path.is_file() else b""
    with pytest.raises(ProjectError) as error:
        Project.open(path, write=write)
    assert (files(path.parent), path.read_bytes() if path.is_file() else b"") == before
    assert str(error.value).endswith(".")
    return str(error.value)


def edited(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def test_a_new_project_is_empty_and_says_what_it_is(tmp_path: Path) -> None:
    with Project.create(tmp_path / "new" / "My work.musicclass") as project:
        assert (project.title, project.read_only, project.recordings(), project.lessons()) == ("My work", "", [], [])
        assert opening.number(project._db, "page_size") == 16384
        assert opening.number(project._db, "foreign_keys") == 1
        assert opening.number(project._db, "synchronous") == 1
        assert opening.number(project._db, "user_version") == schema.VERSION
        assert project._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with Project.create(tmp_path / "b.musicclass", "A title") as project:
        assert project.title == "A title"


def test_a_closed_project_is_one_file_with_everything_in_it(project: Project) -> None:
    folder = project.path.parent
    assert len(files(folder)) > 1
    project.close()
    assert files(folder) == ["work.musicclass"]
    mailed = folder / "mailed" / "work.musicclass"
    mailed.parent.mkdir()
    mailed.write_bytes(project.path.read_bytes())
    with Project.open(mailed) as opened:
        assert [row.hash for row in opened.recordings()] == ["a", "b"]


def test_the_last_to_close_tidies_up_also_when_it_only_read(project: Project) -> None:
    with Project.open(project.path, write=False) as reader:
        project.close()
        assert [row.hash for row in reader.recordings()] == ["a", "b"]
    assert files(project.path.parent) == ["work.musicclass"]


def test_closing_twice_does_no_harm(project: Project) -> None:
    project.close()
    project.close()


def test_nothing_is_made_over_what_is_there(project: Project) -> None:
    with pytest.raises(ProjectError, match="open in another window"):
        Project.create(project.path)
    project.close()
    with pytest.raises(ProjectError, match="is there already"):
        Project.create(project.path)
    with Project.open(project.path) as opened:
        assert len(opened.recordings()) == 2


def test_projects_are_where_data_is_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(places.projects_dir()) == os.environ["MUSICCLASS_PROJECTS"]
    monkeypatch.delenv("MUSICCLASS_PROJECTS")
    assert places.projects_dir() == places.data_dir()


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refused(tmp_path / "none.musicclass")
    assert "is not a file" in refused(tmp_path)
    (tmp_path / "empty.musicclass").touch()
    assert "is empty" in refused(tmp_path / "empty.musicclass")
    (tmp_path / "text.musicclass").write_text("Dear diary " * 1000)
    assert "is not a MusicClass project" in refused(tmp_path / "text.musicclass")
    edited(tmp_path / "other.musicclass", "CREATE TABLE notes (text)")
    assert "is not a MusicClass project" in refused(tmp_path / "other.musicclass")
    with pytest.raises(ProjectError, match="no file name can have"):
        Project.open(tmp_path / "a\0b")


@pytest.mark.parametrize("write", [True, False])
def test_a_project_of_a_newer_program_is_refused(project: Project, write: bool) -> None:
    project.close()
    edited(project.path, f"PRAGMA user_version={schema.VERSION + 1}")
    assert f"its format is {schema.VERSION + 1}, this program knows {schema.VERSION}" in refused(project.path, write=write)


def test_a_project_that_would_run_something_is_refused(project: Project) -> None:
    project.close()
    edited(project.path, "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM recordings; END")
    assert "not one that this program made" in refused(project.path)


def test_a_project_that_lacks_a_table_is_damaged(project: Project) -> None:
    project.close()
    edited(project.path, "DROP TABLE exemplars")
    assert "it is damaged" in refused(project.path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_project_that_was_cut_short_is_damaged(project: Project, keep: float) -> None:
    project.close()
    whole = project.path.read_bytes()
    project.path.write_bytes(whole[: int(len(whole) * keep)])
    assert "damaged" in refused(project.path)


@cache
def sound() -> bytes:
    """The bytes of a project that nothing is wrong with."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.musicclass")
        with Project.create(path) as project, project.writing():
            for number in range(40):
                project.add_recording(recording(f"{number}"))
                project.add_embedding(embedded(f"{number}", windows=4, dim=384), *KIND)
        return path.read_bytes()


def used(path: Path) -> str:
    """What is said when everything in a project is read and written, or nothing."""
    try:
        with Project.open(path) as project, project.writing():
            for row in project.recordings():
                project.embedded(row.hash, *KIND)
                project.set_picture(row.hash, b"x" * 100)
    except ProjectError as error:
        return str(error)
    return ""


@SAME_FOLDER
@given(place=st.floats(0, 1), garbage=st.binary(min_size=1, max_size=3000))
def test_a_project_with_garbage_in_it_is_refused_or_read_but_never_a_traceback(tmp_path: Path, place: float, garbage: bytes) -> None:
    path, whole = tmp_path / "garbage.musicclass", sound()
    start = int(place * len(whole))
    path.write_bytes((whole[:start] + garbage + whole[start + len(garbage) :])[: len(whole)])
    said = used(path)
    assert not said or ("garbage.musicclass" in said and said.endswith("."))


@pytest.mark.parametrize("place", [0.0, 0.02, 0.3, 0.9])
def test_a_project_with_a_hole_is_said_to_be_damaged(tmp_path: Path, place: float) -> None:
    path, whole = tmp_path / "hole.musicclass", bytearray(sound())
    start = int(place * len(whole))
    whole[start : start + 40000] = bytes(40000)
    path.write_bytes(whole)
    assert "damaged" in used(path)


# --- one writer -----------------------------------------------------------------------------------------------------------------


def test_a_second_instance_reads_and_says_why_it_cannot_write(project: Project) -> None:
    with Project.open(project.path) as second:
        assert "already open in another window" in second.read_only
        assert [row.hash for row in second.recordings()] == ["a", "b"]
        with pytest.raises(ProjectError) as error, second.writing():
            pass
        assert str(error.value) == second.read_only
        with project.writing():
            project.add_recording(recording("c"))
        assert second.recording("c") == recording("c")
    project.close()
    with Project.open(project.path) as third:
        assert third.read_only == ""


def test_a_reader_never_writes(project: Project) -> None:
    with Project.open(project.path, write=False) as reader:
        assert "opened only to be read" in reader.read_only
        with pytest.raises(ProjectError, match="opened only to be read"), reader.writing():
            pass
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM recordings")


def test_a_link_leads_to_the_same_lock(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.musicclass").symlink_to(project.path)
    with Project.open(tmp_path / "elsewhere" / "link.musicclass") as second:
        assert second.read_only
    project.close()
    with Project.open(tmp_path / "elsewhere" / "link.musicclass") as second:
        assert not second.read_only


def test_a_lock_file_that_nobody_holds_blocks_nobody(project: Project) -> None:
    project.close()
    project.path.with_name(project.path.name + ".lock").touch()
    with Project.open(project.path) as opened:
        assert opened.read_only == ""
    assert files(project.path.parent) == ["work.musicclass"]


def test_another_program_that_writes_is_named_as_the_reason(project: Project) -> None:
    project._db.execute("PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(project.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProjectError, match="another program is using it"), project.writing():
            pass
        other.execute("ROLLBACK")
    with project.writing():
        project.add_recording(recording("c"))


# --- transactions ---------------------------------------------------------------------------------------------------------------


def add_and_fail(project: Project, error: type[BaseException]) -> None:
    with project.writing():
        project.add_recording(recording("c"))
        raise error


def test_a_transaction_happens_or_does_not(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        add_and_fail(project, KeyboardInterrupt)
    assert project.recording("c") is None
    with project.writing():
        project.add_recording(recording("c"))
    assert project.recording("c")


def test_errors_of_the_system_inside_a_transaction_stay_what_they_are(project: Project) -> None:
    with pytest.raises(FileNotFoundError), project.writing():
        Path("/none").read_bytes()


def test_what_breaks_a_rule_is_taken_back_with_all_of_its_transaction(project: Project) -> None:
    def break_a_rule() -> None:
        with project.writing():
            project.add_recording(recording("c"))
            project.add_embedding(embedded("unknown"), *KIND)

    with pytest.raises(sqlite3.IntegrityError):
        break_a_rule()
    assert project.recording("c") is None


def test_writing_outside_of_a_transaction_is_a_fault_of_the_program(project: Project) -> None:
    with pytest.raises(RuntimeError, match="inside `writing`"):
        project.add_recording(recording("c"))


Steps = st.recursive(st.just("add"), lambda inner: st.tuples(st.booleans(), st.lists(inner, max_size=3)), max_leaves=8)


@SAME_FOLDER
@given(st.lists(Steps, max_size=5))
def test_nested_transactions_keep_what_they_should(project: Project, steps: list[object]) -> None:
    """`(fails, steps)` is a block in a block; one that fails takes only its own steps back, where the outer one catches that."""
    before = {row.hash for row in project.recordings()}
    names = iter(range(10**6))

    def run(steps: list[object], fails: bool) -> set[str]:
        done: set[str] = set()
        with project.writing():
            for step in steps:
                if isinstance(step, tuple):
                    done |= attempt(step[1], step[0])
                else:
                    done.add(f"{len(before)}-{next(names)}")
                    project.add_recording(recording(max(done, key=lambda name: int(name.split("-")[1]))))
            if fails:
                raise ZeroDivisionError
        return done

    def attempt(steps: list[object], fails: bool) -> set[str]:
        try:
            return run(steps, fails)
        except ZeroDivisionError:
            return set()

    expected = run(steps, fails=False)
    assert {row.hash for row in project.recordings()} == before | expected


# --- places where nothing can be written ---------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_read_from(user_folder: Path) -> None:
    path = user_folder / "work.musicclass"
    with Project.create(path) as project, project.writing():
        project.add_recording(recording("a"))
    user_folder.chmod(0o500)
    for write in (True, False):
        with Project.open(path, write=write) as project:
            assert project.recordings() == [recording("a")]
            assert "save a copy of it in a folder of your own" in project.read_only or not write
            with pytest.raises(ProjectError), project.writing():
                pass
    assert files(user_folder) == ["work.musicclass"]


def test_a_file_that_cannot_be_written_is_read_from(user_folder: Path) -> None:
    path = user_folder / "work.musicclass"
    with Project.create(path) as project, project.writing():
        project.add_recording(recording("a"))
    path.chmod(0o400)
    with Project.open(path) as project:
        assert project.recordings() == [recording("a")]
        assert "write-protected" in project.read_only
    assert files(user_folder) == ["work.musicclass"]


def test_a_crashed_project_in_a_folder_that_cannot_be_written_is_not_read_in_part(user_folder: Path) -> None:
    path = user_folder / "work.musicclass"
    with Project.create(path) as project:
        with project.writing():
            project.add_recording(recording("a"))
        left = {name: (user_folder / name).read_bytes() for name in files(user_folder)}
    for name in ("work.musicclass", "work.musicclass-wal"):
        (user_folder / name).write_bytes(left[name])
    user_folder.chmod(0o500)
    with pytest.raises(ProjectError, match="cannot be opened"):
        Project.open(path, write=False)
    user_folder.chmod(0o700)
    with Project.open(path) as project:
        assert project.recordings() == [recording("a")]


def test_a_file_that_may_not_be_read_is_said_so(user_folder: Path) -> None:
    path = user_folder / "work.musicclass"
    Project.create(path).close()
    path.chmod(0)
    with pytest.raises(ProjectError, match="cannot be opened"):
        Project.open(path)
    assert files(user_folder) == ["work.musicclass"]


def test_nothing_can_be_made_or_copied_where_nothing_can_be_written(user_folder: Path) -> None:
    with Project.create(user_folder / "work.musicclass") as project:
        closed = user_folder / "closed"
        closed.mkdir(mode=0o500)
        for act in (lambda: Project.create(closed / "new.musicclass"), lambda: project.save_as(closed / "new.musicclass")):
            with pytest.raises(ProjectError, match="you have no permission for that here"):
                act()
        assert files(closed) == []


@pytest.mark.parametrize("name", ["x" * 500, "ü" * 200])
def test_a_name_that_is_too_long_is_said_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="name is too long"):
        Project.create(tmp_path / f"{name}.musicclass")
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["🎹 piano", "عود", "50 % off?#&", "a'b\"c", "caf\udce9", "x" * 200, " ", "-wal"])
def test_a_project_of_any_name_is_made_opened_and_copied(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.musicclass"
    try:
        Project.create(path).close()
    except ProjectError:
        assert "\udce9" in name  # some file systems take only text
        return
    with Project.open(path) as project, Project.open(path, write=False) as reader:
        assert reader.title == project.title
        project.save_as(tmp_path / f"2{name}.musicclass")
    assert len(files(tmp_path)) == 2


# --- a full drive ---------------------------------------------------------------------------------------------------------------


def fill(project: Project) -> int:
    """Add recordings, one transaction each, until there is no space; how many there are then."""
    with pytest.raises(ProjectError, match="the drive is full; free some space"):
        add_many(project, 1000)
    return len(project.recordings())


def add_many(project: Project, count: int) -> None:
    for number in range(count):
        with project.writing():
            project.add_recording(recording(f"{number}"))
            project.add_embedding(embedded(f"{number}", windows=30, dim=384), *KIND)


def test_a_full_drive_stops_the_transaction_and_loses_nothing(project: Project) -> None:
    pages = opening.number(project._db, "page_count")
    project._db.execute(f"PRAGMA max_page_count={pages + 50}")
    count = fill(project)
    assert 2 < count < 1000
    with project.writing():
        project.set_picture("a", b"small")
    project.close()
    with Project.open(project.path) as opened:
        rows = opened.recordings()
        assert len(rows) == count
        assert all(opened.has_embedding(row.hash, *KIND) for row in rows)


_ON_A_FULL_DRIVE = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_store
test_store.work_on_a_full_drive(Path({folder!r}))
print("done")
"""


def work_on_a_full_drive(folder: Path) -> None:
    """What the next test does on a drive of 1 MB: fill it, copy where there is no room, close, open, take space back, go on."""
    path = folder / "work.musicclass"
    with Project.create(path) as project:
        count = fill(project)
        with pytest.raises(ProjectError, match="the drive is full"):
            project.save_as(folder / "copy.musicclass")
    assert not (folder / "copy.musicclass").exists()
    with pytest.raises(OSError, match="No space"):
        (folder / "ballast").write_bytes(bytes(2 << 20))
    with pytest.raises(ProjectError, match="the drive is full"):
        Project.create(folder / "new.musicclass")
    (folder / "ballast").unlink()
    with Project.open(path) as project:
        assert len(project.recordings()) == count
        assert project.read_only == ""
        assert project._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_drive_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    code = _ON_A_FULL_DRIVE.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && shift 0 && exec "$@"', str(tmp_path)]
    try:
        able = subprocess.run([*mount, "true"], capture_output=True, check=False, timeout=30).returncode == 0
    except OSError:
        able = False
    if not able:
        pytest.skip("needs a system on which a user may mount a small drive")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["tests/engine", os.getcwd(), *sys.path])}
    done = subprocess.run([*mount, sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.stdout == "done\n", done.stderr


# --- save as --------------------------------------------------------------------------------------------------------------------


def test_a_copy_is_whole_and_one_file_and_the_project_stays_open(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    project.save_as(folder / "copy.musicclass")
    assert files(folder) == ["copy.musicclass"]
    with project.writing():
        project.add_recording(recording("c"))
    with Project.open(folder / "copy.musicclass") as copy:
        assert copy.read_only == ""
        assert copy.recordings() == [recording("a"), recording("b")]
        assert copy.embedded("b", *KIND) is not None


def test_a_copy_replaces_what_is_there(project: Project, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("something else")
    Project.create(tmp_path / "other").close()
    for name in ("text", "other"):
        project.save_as(tmp_path / name)
        with Project.open(tmp_path / name) as copy:
            assert len(copy.recordings()) == 2


def test_a_crashed_project_that_is_replaced_does_not_leak_into_the_copy(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "old.musicclass"
    with Project.create(old) as crashed:
        with crashed.writing():
            crashed.add_recording(recording("leak"))
        left = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("old")}
    for name, data in left.items():
        (tmp_path / name).write_bytes(data)
    project.save_as(old)
    with Project.open(old) as copy:
        assert [row.hash for row in copy.recordings()] == ["a", "b"]


def test_what_a_deleted_project_left_does_not_leak_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "work.musicclass"
    with Project.create(path) as crashed:
        with crashed.writing():
            crashed.add_recording(recording("leak"))
        left = (tmp_path / "work.musicclass-wal").read_bytes()
    path.unlink()
    (tmp_path / "work.musicclass-wal").write_bytes(left)
    with Project.create(path) as project:
        assert project.recordings() == []
        assert project._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (tmp_path / "work.musicclass-wal.old").read_bytes() == left


def test_a_project_is_not_copied_onto_itself(project: Project, tmp_path: Path) -> None:
    (tmp_path / "link.musicclass").symlink_to(project.path)
    (tmp_path / "hard.musicclass").hardlink_to(project.path)
    for name in ("work.musicclass", "link.musicclass", "hard.musicclass", "./work.musicclass"):
        with pytest.raises(ProjectError, match="this project itself"):
            project.save_as(tmp_path / name)
    assert len(project.recordings()) == 2


@pytest.mark.parametrize("write", [True, False])
def test_a_project_that_is_open_elsewhere_is_not_replaced(project: Project, tmp_path: Path, write: bool) -> None:
    other = tmp_path / "other.musicclass"
    Project.create(other).close()
    with Project.open(other, write=write) as opened:
        with pytest.raises(ProjectError, match=r"close it there first|close that and try again"):
            project.save_as(other)
        assert opened.recordings() == []
    project.save_as(other)
    with Project.open(other) as opened:
        assert len(opened.recordings()) == 2


def test_a_folder_is_not_replaced_by_a_copy(project: Project, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProjectError, match="is a folder"):
        project.save_as(tmp_path / "folder")
    with pytest.raises(ProjectError, match="its folder is not there"):
        project.save_as(tmp_path / "none" / "copy.musicclass")
    assert files(tmp_path / "folder") == []


def test_a_project_that_is_only_read_can_be_copied(project: Project, tmp_path: Path) -> None:
    with Project.open(project.path, write=False) as reader:
        reader.save_as(tmp_path / "copy.musicclass")
    with Project.open(tmp_path / "copy.musicclass") as copy:
        assert copy.read_only == ""
        assert len(copy.recordings()) == 2


# --- keys -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("My classes", "my-classes"),
        ("  Ünïcode -- 2! ", "unicode-2"),
        ("🎹", "classifier"),
        ("", "classifier"),
        ("音楽", "音楽"),
        ("../etc", "etc"),
    ],
)
def test_keys_are_plain(title: str, key: str) -> None:
    assert slug(title, set()) == key


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(0, 5))
def test_keys_are_never_taken(title: str, count: int) -> None:
    taken: set[str] = {"genre", "composer"}
    for _ in range(count + 1):
        key = slug(title, taken)
        assert key not in taken
        assert all(letter.isalnum() or letter == "-" for letter in key)
        assert 0 < len(key) <= 44
        taken.add(key)
