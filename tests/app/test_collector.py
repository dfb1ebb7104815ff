"""Garbage is found, and only ever on the main thread."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject

from musicclass_gui.app.collector import Collector
from musicclass_gui.app.jobs import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from musicclass_gui.engine.task import Token


class Ring(QObject):
    """Refers to itself, so that only the search for garbage frees it; says where that was."""

    freed_in: list[str] = []

    def __init__(self) -> None:
        super().__init__()
        self.itself = self

    def __del__(self) -> None:
        self.freed_in.append(threading.current_thread().name)


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    Ring.freed_in.clear()
    made = Collector()
    yield made
    made.stop()
    gc.disable()  # as it is between these tests


def allocate(_token: Token) -> int:
    """Much more than it takes for Python to look for garbage by itself."""
    return len([[number] for number in range(200_000)])


def test_what_a_lane_allocates_frees_nothing_in_its_thread(collector: Collector, qtbot: QtBot) -> None:
    for _ in range(50):
        Ring()
    lane, done = Lane("fifo", name="allocates"), []
    lane.submit(allocate, done=done.append)
    qtbot.waitUntil(lambda: bool(done), timeout=20_000)
    lane.shutdown(5)
    assert Ring.freed_in == []
    held = [[number] for number in range(2_000)]  # more than it takes for a look to be worth it
    collector.look()
    assert len(held) == 2_000
    assert set(Ring.freed_in) == {threading.main_thread().name}


def test_without_it_a_lane_would(qtbot: QtBot) -> None:
    Ring.freed_in.clear()
    lists = []

    class Plain:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            lists.append(threading.current_thread().name)

    for _ in range(50):
        Plain()
    gc.enable()
    try:
        thread = threading.Thread(target=allocate, args=(None,), name="allocates")
        thread.start()
        thread.join()
    finally:
        gc.disable()
    assert "allocates" in lists
