"""Lanes with real threads: order, cancelling, failures, progress, and a bounded end."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.app import jobs
from musicclass_gui.app.jobs import Inline, Lane
from musicclass_gui.engine.errors import AudioError, Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtCore import QObject
    from pytestqt.qtbot import QtBot

    from musicclass_gui.engine.task import Token


@pytest.fixture
def lanes(qapp: object) -> Iterator[list[Lane]]:
    made = [Lane("latest", name="look"), Lane("fifo", name="batch")]
    yield made
    assert jobs.shut_down(made, 5)


@pytest.fixture
def latest(lanes: list[Lane]) -> Lane:
    return lanes[0]


@pytest.fixture
def fifo(lanes: list[Lane]) -> Lane:
    return lanes[1]


def test_value_arrives_on_the_main_thread(latest: Lane, qtbot: QtBot) -> None:
    seen: list[tuple[int, bool, bool]] = []
    main = threading.current_thread()
    latest.submit(lambda token: threading.get_ident(), done=lambda at: seen.append((at, threading.current_thread() is main, latest.busy)))
    qtbot.waitUntil(lambda: bool(seen))
    worker, on_main, busy = seen[0]
    assert worker != main.ident
    assert on_main
    assert not busy


def test_the_last_of_2000_rapid_submits_is_delivered_last(latest: Lane, qtbot: QtBot) -> None:
    got: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.0002)
        return number

    for number in range(2000):
        latest.submit(lambda token, number=number: work(number), done=got.append)
        if number % 50 == 0:
            qtbot.wait(1)
        if number % 500 == 0:
            gc.collect()
    qtbot.waitUntil(lambda: bool(got) and got[-1] == 1999)
    qtbot.wait(20)
    assert got == sorted(got)
    assert got[-1] == 1999
    assert len(got) < 1000


def test_a_new_submit_cancels_the_running_one(latest: Lane, qtbot: QtBot) -> None:
    began, stopped, got = threading.Event(), threading.Event(), []

    def endless(token: Token) -> str:
        began.set()
        try:
            while True:
                token.check()
                time.sleep(0.001)
        finally:
            stopped.set()

    first = latest.submit(endless, done=got.append, failed=got.append)
    assert began.wait(5)
    latest.submit(lambda token: "second", done=got.append)
    qtbot.waitUntil(lambda: bool(got))
    assert stopped.is_set()
    assert got == ["second"]
    assert not first.live


def test_a_result_that_was_already_on_its_way_is_dropped_by_identity(latest: Lane, qtbot: QtBot) -> None:
    got: list[str] = []
    first = latest.submit(lambda token: "first", done=got.append)
    assert first.future is not None
    first.future.result(5)
    latest.submit(lambda token: "second", done=got.append)
    qtbot.waitUntil(lambda: bool(got))
    qtbot.wait(20)
    assert got == ["second"]


def test_fifo_does_all_in_order(fifo: Lane, qtbot: QtBot) -> None:
    got: list[int] = []
    for number in range(500):
        fifo.submit(lambda token, number=number: number, done=got.append)
    qtbot.waitUntil(lambda: len(got) == 500)
    assert got == list(range(500))


def test_cancelling_one_leaves_the_others(fifo: Lane, qtbot: QtBot) -> None:
    got: list[int] = []
    gate = threading.Event()
    fifo.submit(lambda token: (gate.wait(5) and 0) or 0, done=got.append)
    waiting = [fifo.submit(lambda token, number=number: number, done=got.append) for number in (1, 2, 3)]
    waiting[1].cancel()
    gate.set()
    qtbot.waitUntil(lambda: len(got) == 3)
    assert got == [0, 1, 3]
    assert waiting[1].token.cancelled


def test_exceptions_come_as_values(fifo: Lane, qtbot: QtBot) -> None:
    failures: list[Exception] = []

    def fail(token: Token) -> None:
        raise AudioError("“x.mp3” is empty; choose another file.")

    fifo.submit(fail, failed=failures.append)
    fifo.submit(lambda token: 1 // 0, failed=failures.append)
    qtbot.waitUntil(lambda: len(failures) == 2 and not fifo.busy)
    assert [type(failure) for failure in failures] == [AudioError, ZeroDivisionError]
    assert str(failures[0]) == "“x.mp3” is empty; choose another file."


def test_a_fault_that_nobody_listens_for_is_reported(fifo: Lane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[type] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: reported.append(kind))
    for error in (AudioError("“a.wav” cannot be read."), KeyError("x")):
        fifo.submit(failing(error))
    qtbot.waitUntil(lambda: not fifo.busy)
    assert reported == [KeyError]


def failing(error: Exception) -> Callable[[Token], None]:
    def work(token: Token) -> None:
        raise error

    return work


def test_work_that_cancels_itself_is_told(fifo: Lane, qtbot: QtBot) -> None:
    failures: list[Exception] = []

    def give_up(token: Token) -> None:
        raise Cancelled("The program is closing.")

    fifo.submit(give_up, failed=failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert isinstance(failures[0], Cancelled)


def test_progress_is_newest_only_and_before_the_result(fifo: Lane, qtbot: QtBot) -> None:
    seen: list[tuple[float, str] | str] = []

    def report(token: Token) -> str:
        for step in range(100_000):
            token.progress(step / 99_999, f"step {step}")
        return "done"

    fifo.submit(report, done=seen.append, progress=lambda fraction, text: seen.append((fraction, text)))
    qtbot.waitUntil(lambda: bool(seen) and seen[-1] == "done", timeout=20_000)
    fractions = [item[0] for item in seen if isinstance(item, tuple)]
    assert fractions == sorted(fractions)
    assert len(fractions) < 50_000
    assert seen[-2] == (1.0, "step 99999")


def test_a_receiver_that_fails_does_not_hold_up_the_rest(fifo: Lane, qtbot: QtBot) -> None:
    got: list[int] = []
    gate = threading.Event()

    def broken(value: object) -> None:
        raise ValueError("a bug in a view")

    with qtbot.captureExceptions() as caught:
        fifo.submit(lambda token: gate.wait(5), done=broken)
        for number in range(20):
            fifo.submit(lambda token, number=number: number, done=got.append)
        gate.set()
        qtbot.waitUntil(lambda: len(got) == 20)
    assert [kind for kind, *_ in caught] == [ValueError]


def test_shutdown_stops_work_that_listens(qapp: object) -> None:
    lane = Lane("fifo")
    began = threading.Event()

    def endless(token: Token) -> None:
        began.set()
        while True:
            token.check()
            time.sleep(0.002)

    for _ in range(10):
        lane.submit(endless)
    assert began.wait(5)
    start = time.monotonic()
    assert lane.shutdown(1.0)
    assert time.monotonic() - start < 0.5


def test_shutdown_wakes_paused_work(qapp: object) -> None:
    lane = Lane("fifo")
    job = lane.submit(lambda token: [token.check() or time.sleep(0.001) for _ in range(100_000)])
    job.token.pause()
    time.sleep(0.02)
    assert lane.shutdown(1.0)


def test_shutdown_is_bounded_when_work_does_not_listen(qapp: object) -> None:
    lane, release, got = Lane("fifo"), threading.Event(), []
    lane.submit(lambda token: release.wait(20), done=got.append)
    time.sleep(0.02)
    start = time.monotonic()
    assert not jobs.shut_down([lane, Lane("latest")], 0.2)
    assert time.monotonic() - start < 0.6
    release.set()


def test_after_shutdown_nothing_runs_or_arrives(qapp: object, qtbot: QtBot) -> None:
    lane, got = Lane("fifo"), []
    lane.submit(lambda token: 1, done=got.append)
    lane.shutdown(1.0)
    job = lane.submit(lambda token: 2, done=got.append)
    qtbot.wait(30)
    assert got == []
    assert job.token.cancelled
    assert not job.live


def test_no_qobject_belongs_to_a_worker(lanes: list[Lane], qapp: QObject, qtbot: QtBot) -> None:
    got: list[object] = []
    for lane in lanes:
        lane.submit(lambda token: token.progress(0.5), done=got.append, progress=lambda fraction, text: None)
    qtbot.waitUntil(lambda: len(got) == 2)
    bridges = [thing for thing in gc.get_objects() if type(thing).__name__ == "_Bridge"]
    assert len(bridges) == 1
    assert bridges[0].thread() is qapp.thread()


def test_work_can_post_to_the_main_thread(fifo: Lane, qtbot: QtBot) -> None:
    seen: list[object] = []

    def work(token: Token) -> str:
        for number in range(3):
            jobs.on_main(lambda number=number: seen.append((number, threading.current_thread() is threading.main_thread())))
        return "done"

    fifo.submit(work, done=seen.append)
    qtbot.waitUntil(lambda: "done" in seen)
    assert seen == [(0, True), (1, True), (2, True), "done"]


def test_inline_lane_has_delivered_when_submit_returns() -> None:
    lane, got = Lane("latest", executor=Inline()), []
    lane.submit(lambda token: token.progress(0.5, "half") or "value", done=got.append, progress=lambda *mail: got.append(mail))
    lane.submit(lambda token: 1 // 0, failed=lambda error: got.append(type(error)))
    assert got == [(0.5, "half"), "value", ZeroDivisionError]
    assert lane.shutdown(0.1)
