"""The lock of the one who writes: held by one at a time, gone with its file, and never missed by those who race for it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine.project.lock import Held, Lock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_is_held_once_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    lock = Lock(path)
    with pytest.raises(Held):
        Lock(path)
    lock.release()
    assert os.listdir(tmp_path) == []
    Lock(path).release()


def test_a_lock_whose_file_was_removed_is_not_shared_with_the_next(tmp_path: Path) -> None:
    """Someone tidies up by hand: the next one makes a new file, and the first one's release does not take that away."""
    path = tmp_path / "x"
    first = Lock(path)
    (tmp_path / "x.lock").unlink()
    second = Lock(path)
    first.release()
    with pytest.raises(Held):
        Lock(path)
    second.release()


def test_a_lock_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Lock(tmp_path / "none" / "x")


def test_those_who_race_for_it_never_hold_it_together(tmp_path: Path) -> None:
    path, holders, seen, taken = tmp_path / "x", [0], [], [0]

    def race() -> None:
        for _ in range(300):
            try:
                lock = Lock(path)
            except Held:
                continue
            holders[0] += 1
            seen.append(holders[0])
            taken[0] += 1
            holders[0] -= 1
            lock.release()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {1}
    assert taken[0] > 0
    assert os.listdir(tmp_path) == []
