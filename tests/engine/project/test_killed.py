"""A program that is killed leaves a whole project behind: each transaction happened or did not, and nobody is locked out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from project_files import KIND, embedded, recording

from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 15
PER_TRANSACTION = 5


def write_for_ever(path: Path) -> None:
    """What the child does: transaction after transaction of five recordings, each said aloud once it is kept."""
    with Project.open(path) as project:
        start = len(project.recordings()) // PER_TRANSACTION
        print(f"go {project.read_only}", flush=True)
        for number in range(start, 10**6):
            with project.writing():
                for part in range(PER_TRANSACTION):
                    project.add_recording(recording(f"{number}-{part}"))
                    project.add_embedding(embedded(f"{number}-{part}", windows=6, dim=384), *KIND)
            print(number, flush=True)


def child_that_writes(path: Path) -> subprocess.Popen[str]:
    code = f"import sys; sys.path[:0] = {sys.path!r}; import test_killed as t; from pathlib import Path\n"
    code += f"t.write_for_ever(Path({str(path)!r}))"
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def kill_while_writing(path: Path, after_s: float) -> int:
    """Start a child, kill it, and say how many transactions it had said were kept, in all."""
    with child_that_writes(path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "go \n"
        time.sleep(after_s)
        child.kill()
        said = [int(line) for line in child.stdout.read().split("\n")[:-1]]
    return said[-1] + 1 if said else 0


def test_killed_at_any_moment_no_transaction_is_half_done(tmp_path: Path) -> None:
    path = tmp_path / "work.musicclass"
    Project.create(path).close()
    chance = random.Random(1)
    for _ in range(KILLS):
        said = kill_while_writing(path, chance.uniform(0, 0.06))
        with Project.open(path) as project:
            assert project.read_only == ""
            assert project._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            hashes = [row.hash for row in project.recordings()]
            assert len(hashes) % PER_TRANSACTION == 0
            assert len(hashes) // PER_TRANSACTION >= said
            assert all(project.has_embedding(hash, *KIND) for hash in hashes)
    assert hashes, "the child never came to write"
    assert os.listdir(tmp_path) == ["work.musicclass"]


def test_while_it_lives_another_process_holds_the_lock_and_can_be_read_beside(tmp_path: Path) -> None:
    path = tmp_path / "work.musicclass"
    Project.create(path).close()
    with child_that_writes(path) as child:
        assert child.stdout is not None
        for _ in range(20):
            child.stdout.readline()
        with Project.open(path) as second:
            assert "already open in another window" in second.read_only
            assert len(second.recordings()) >= 19 * PER_TRANSACTION
        child.kill()
    with Project.open(path) as third:
        assert third.read_only == ""


def test_a_process_started_from_a_writer_does_not_keep_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "work.musicclass"
    project = Project.create(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False):
        project.close()
        with Project.open(path) as again:
            assert again.read_only == ""
