"""Teaching in a process that is killed at any moment: what is left is a whole project, and nothing is listened to twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.learning import head_of, rebuilt
from musicclass_gui.engine.lessons.news import Heard, News
from musicclass_gui.engine.places import models_dir
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE = 22050
CLASSES = {"low": 110.0, "middle": 440.0, "high": 1760.0}
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL, and forks"),
    pytest.mark.timeout(280),
]


def clips(folder: Path, *, count: int, seed: int, seconds: float = 1.5) -> Path:
    """A folder with a sub-folder of clips per class."""
    noise = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    for name, pitch in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            tone = sum(np.sin(2 * np.pi * pitch * (1 + 0.02 * number) * k * time_s) / k for k in (1, 2, 3))
            soundfile.write(folder / name / f"{number}.wav", 0.2 * tone + 0.02 * noise.standard_normal(len(time_s)), RATE)
    return folder


def noting(log: Path) -> Callable[[News], None]:
    """Writes down which files the encoder was run for, once they are stored."""

    def tell(news: News) -> None:
        if isinstance(news, Heard) and news.state == "embedded":
            with log.open("a") as file:
                file.write(news.path + "\n")
                file.flush()

    return tell


def teach(project: Path, cache: Path, folder: Path, log: Path, method: str) -> None:
    """Teach what is in `folder`, or go on with a lesson that was interrupted, and keep it."""
    desk, tell = Desk(cache), noting(log)
    desk.open(project, create=True)
    waiting = desk.board().waiting
    with suppress(LessonError):  # there is nothing new to learn: it was kept just before the process was killed, or the one before it
        if waiting is None:
            number = desk.project.classifiers()[0].id if desk.project.classifiers() else 0
            wanted = Wanted(number, method=method, encoder="timbre")
            desk.teach(desk.plan([folder], Token()), wanted, Token(), tell)
        else:
            desk.go_on(Token(), tell)
    for draft in desk.project.lessons(states=["draft"]):
        desk.keep(draft.id)
    desk.close()


def take_in(project: Path, cache: Path, pack: Path) -> None:
    """Import a class pack as a classifier of its own."""
    desk = Desk(cache)
    desk.open(project, create=True)
    desk.pack_import(pack)
    desk.close()


def killed_after(seconds: float, job: Callable[..., None], *args: object) -> bool:
    """Run a job in a process, kill -9 it after a while; whether it had come to its end before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["musicclass_gui.engine.lessons.desk", "musicclass_gui.engine.encoders.timbre", "torch"])
    process = context.Process(target=job, args=args)
    process.start()
    process.join(seconds)
    done = process.exitcode is not None
    if not done and process.pid:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    if done:
        assert process.exitcode == 0
    return done


def length_of(job: Callable[..., None], *args: object) -> float:
    """How long a job takes that nobody kills."""
    assert killed_after(120, nothing)  # starts the server that all others are forked from
    started = time.monotonic()
    assert killed_after(120, job, *args)
    return time.monotonic() - started


def nothing() -> None:
    """A job that is over at once."""


def check_whole(path: Path) -> None:
    """The file is sound, each lesson happened or did not, and the head is what the examples in use make."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    with Project.open(path) as project:
        assert project.read_only == ""
        for row in project.classifiers():
            kept = project.lessons(row.id, states=["kept"])
            in_use = project.examples(row.id)
            assert bool(in_use or project.bases(row.id)) == bool(kept)
            head = head_of(project, row.id)
            assert (head is not None) == bool(kept)
            if head is not None and row.method != "replay":
                anew = rebuilt(project, row.id).head
                assert anew is not None
                x = np.random.default_rng(0).standard_normal((3, row.dim))
                mine, theirs = head.log_scores(x), anew.log_scores(x)[:, [anew.classes.index(label) for label in head.classes]]
                assert np.allclose(mine, theirs, rtol=1e-9)


def moments(count: int, length: float) -> list[float]:
    """Times at which to kill, spread over the job at random."""
    chance = random.Random(count)
    return [chance.uniform(0.02, 1.0) * length for _ in range(count)]


@pytest.mark.parametrize(("method", "kills"), [("gaussian", 24), ("replay", 14)])
def test_a_lesson_happened_or_did_not(tmp_path: Path, method: str, kills: int) -> None:
    folder = clips(tmp_path / "clips", count=6, seed=1)
    whole = length_of(teach, tmp_path / "timing.musicclass", tmp_path / "timing", folder, tmp_path / "timing.log", method)
    round_number, waiting = 0, moments(kills, whole)
    while waiting:  # each round is one project, killed until it gets through
        project, cache, log = (tmp_path / f"{round_number}{end}" for end in (".musicclass", " cache", ".log"))
        done = False
        while waiting and not done:
            done = killed_after(waiting.pop(), teach, project, cache, folder, log, method)
            check_whole(project)
        assert killed_after(120, teach, project, cache, folder, log, method)
        check_whole(project)
        heard = log.read_text().splitlines()
        assert len(heard) == len(set(heard)), "a file that was through was listened to again"
        with Project.open(project, write=False) as left:
            assert len(left.lessons(states=["kept"])) == 1
            assert len(left.examples(left.classifiers()[0].id)) == 18
        round_number += 1


def test_importing_a_pack_happened_or_did_not(tmp_path: Path) -> None:
    pack = tmp_path / "genre.mcpack"
    packs.write(pack, packs.of_shipped(models_dir() / "genre" / "timbre"))
    whole = length_of(take_in, tmp_path / "timing.musicclass", tmp_path / "cache", pack)
    for number, moment in enumerate(moments(12, whole)):
        project = tmp_path / f"{number}.musicclass"
        killed_after(moment, take_in, project, tmp_path / "cache", pack)
        check_whole(project)
