"""Extraction that is killed, and lists that are long: nothing is lost, nothing grows."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from extracted_files import listed, tune

from musicclass_gui.engine import encoders
from musicclass_gui.engine.extract import extract

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_at_any_moment_the_same_command_ends_with_the_same_file(tmp_path: Path) -> None:
    given = listed(
        tmp_path / "list.txt", [*(tune(tmp_path / "music" / f"{n}.wav", 30.0, seed=n) for n in range(40)), tmp_path / "gone.wav"]
    )
    extract(given, tmp_path / "whole.npz", "timbre", cache_folder=tmp_path / "own")
    command = [sys.executable, "-m", "musicclass_gui", "extract", str(given), str(tmp_path / "x.npz"), "--encoder", "timbre"]
    moments, done, killed = random.Random(3), 0, 0
    while not (tmp_path / "x.npz").exists():
        cache = tmp_path / f"cache {killed}"  # of its own each time: only the journal helps
        killed += run_for(moments.uniform(0.0, 0.6) if killed < 8 else 120.0, command, cache)
        before, done = done, through(tmp_path / "x.npz.part", done)
        assert done >= before
    assert killed >= 2
    one, two = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "x.npz")
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert [path.name for path in tmp_path.glob("*x.npz*")] == ["x.npz"]


def run_for(seconds: float, command: list[str], cache: Path) -> bool:
    """Kill a process so long after it has begun to work, unless it ends before; whether it was killed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MUSICCLASS_CACHE": str(cache)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (cache / "cache.sqlite").exists():
            time.sleep(0.005)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait() in (1, -signal.SIGKILL), said  # 1: one recording is not there
        assert "Traceback" not in said
        return process.returncode == -signal.SIGKILL


def through(journal: Path, before: int) -> int:
    """How many recordings a journal has; a copy of it is looked into."""
    if not journal.exists():
        return before
    copy = journal.parent / "copy"
    copy.mkdir()
    for part in journal.parent.glob(f"{journal.name}*"):
        shutil.copy(part, copy)
    db = sqlite3.connect(copy / journal.name)
    try:
        found: int = db.execute("SELECT count(*) FROM rows WHERE error = ''").fetchone()[0]
    finally:
        db.close()
        shutil.rmtree(copy)
    return found


def short_entries(folder: Path, count: int) -> Iterator[Path]:
    """Many names for the same few recordings."""
    few = [tune(folder / f"{n}.wav", 1.0, seed=n) for n in range(3)]
    for number in range(count):
        name = folder / "names" / f"{number // 1000}" / f"{number:06}.wav"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(few[number % 3])
        yield name


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    names = list(short_entries(tmp_path, 3000))
    extract(names[:50], tmp_path / "warm.npz", "timbre")
    peaks = [peak(listed(tmp_path / f"{count}.txt", names[:count]), tmp_path / f"{count}.npz") for count in (300, 3000)]
    length = sum(len(str(name)) for name in names[300:])
    assert peaks[1] - peaks[0] < 12 * length, peaks  # the list itself: text, lines and numbers
    found = np.load(tmp_path / "3000.npz")["embeddings"]
    assert found.shape == (3000, encoders.specs()["timbre"].dim)
    np.testing.assert_array_equal(found[:3], found[-3:])


def peak(given: Path, out: Path) -> int:
    tracemalloc.start()
    try:
        extract(given, out, "timbre")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
