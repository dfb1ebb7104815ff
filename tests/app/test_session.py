"""The session with its real worker: open, change one's mind, queue, cancel, close."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.app.documents import Change
from musicclass_gui.app.jobs import FAULT
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

RATE = 22050
LONG_MS = 60_000


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Settings(places.config_dir()))
    yield session
    session.close()


def sound(path: Path, seconds: float, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(round(seconds)):
            file.write(rng.standard_normal(RATE) * 0.1)
    return path


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def test_an_opened_recording_gets_a_picture_and_answers(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    changes: list[Change] = []
    session.changed.connect(changes.append)
    session.open(sound(tmp_path / "a.wav", 20))
    assert session.document.state == "reading"
    until(qtbot, lambda: session.document.state == "ready")
    document = session.document
    assert list(document.answers) == ["genre", "composer", "instrument"]
    assert document.duration_s == pytest.approx(20)
    assert document.picture is not None
    assert document.picture.complete
    assert {Change.RECORDING, Change.PICTURE, Change.ANSWERS, Change.PROGRESS} <= set(changes)
    assert session.recent == [tmp_path / "a.wav"]


def test_another_file_drops_the_first_at_once(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "long.wav", 900))
    until(qtbot, lambda: session.document.picture is not None)
    session.open(sound(tmp_path / "short.wav", 12))
    until(qtbot, lambda: session.document.state == "ready")
    assert session.document.path == tmp_path / "short.wav"
    assert session.document.duration_s == pytest.approx(12)


def test_a_file_that_cannot_be_read_fails_with_its_reason(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(tmp_path / "gone.wav")
    until(qtbot, lambda: session.document.state == "failed")
    assert "gone.wav" in session.document.error
    assert session.recent == []


def test_cancelling_keeps_what_is_known(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "long.wav", 900))
    until(qtbot, lambda: bool(session.document.answers))
    session.cancel()
    assert session.document.state == "cancelled"
    assert session.document.answers
    session.reanalyse()
    assert session.document.state == "reading"


def test_a_dropped_folder_is_queued_and_its_first_recording_opened(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(3):
        sound(tmp_path / f"{number}.wav", 11, seed=number)
    (tmp_path / "notes.txt").write_text("no audio")
    assert session.plan_drop([tmp_path]) == f"Queue 3 recordings from “{tmp_path.name}” (1 other file is not audio)"
    session.open_paths([tmp_path])
    until(qtbot, lambda: bool(session.queue) and all(row.state == "done" for row in session.queue))
    assert session.document.path == tmp_path / "0.wav"
    assert [row.path.name for row in session.queue] == ["0.wav", "1.wav", "2.wav"]
    assert all(set(row.answers) == {"genre", "composer", "instrument"} for row in session.queue)
    assert session.queue_eta_s is None


def test_queue_rows_can_fail_be_retried_removed_and_cleared(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    session.open_paths([bad, sound(tmp_path / "good.wav", 11)])
    until(qtbot, lambda: bool(session.queue) and all(row.over for row in session.queue))
    assert [row.state for row in session.queue] == ["failed", "done"]
    assert "bad.wav" in session.queue[0].reason
    sound(bad, 11, seed=5)
    session.queue_retry([0])
    until(qtbot, lambda: session.queue[0].state == "done")
    session.queue_remove([0])
    assert [row.path.name for row in session.queue] == ["good.wav"]
    session.queue_clear_done()
    assert session.queue == []


def test_a_paused_queue_waits_and_a_cancelled_row_says_so(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.queue_pause(True)
    session.open_paths([sound(tmp_path / "a.wav", 11), sound(tmp_path / "b.wav", 11, seed=1)])
    until(qtbot, lambda: session.document.state == "ready")
    qtbot.wait(300)
    assert [row.state for row in session.queue] == ["waiting", "waiting"]
    session.queue_cancel([0, 1])
    assert [row.state for row in session.queue] == ["cancelled", "cancelled"]


def test_exports_are_written(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 12))
    until(qtbot, lambda: session.document.state == "ready")
    for kind in ("csv", "json", "labels"):
        session.export_document(tmp_path / kind, kind)
        assert (tmp_path / kind).stat().st_size > 0


def test_a_setting_that_changes_the_answer_analyses_again(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 20))
    until(qtbot, lambda: session.document.state == "ready")
    session.settings.set("classifiers", ["composer"])
    until(qtbot, lambda: session.document.state == "ready")
    assert list(session.document.answers) == ["composer"]


def test_analysing_again_takes_nothing_from_the_cache(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", 12)
    for again, cached in ((lambda: session.open(path), False), (lambda: session.open(path), True), (session.reanalyse, False)):
        again()
        until(qtbot, lambda: session.document.state == "ready")
        assert session.document.from_cache == cached


def test_samples_for_the_deepest_zoom_are_read_from_the_file(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 12))
    until(qtbot, lambda: session.document.recording is not None)
    got: list[tuple[float, int, np.ndarray]] = []
    session.request_samples(3.0, 3.01, lambda start, rate, mono: got.append((start, rate, mono)))
    until(qtbot, lambda: bool(got))
    start, rate, mono = got[0]
    whole, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert (start, rate) == (3.0, RATE)
    np.testing.assert_array_equal(mono, whole[3 * RATE : 3 * RATE + mono.size])


def test_the_devices_become_known(session: Session, qtbot: QtBot) -> None:
    session.start()
    until(qtbot, lambda: session.device != "starting…")
    assert ("cpu", "CPU") in session.devices


def test_closing_in_the_middle_of_everything_takes_about_a_second(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open_paths([sound(tmp_path / "a.wav", 900), sound(tmp_path / "b.wav", 900, seed=1)])
    until(qtbot, lambda: bool(session.document.answers))
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 2.0  # one second on a machine that does nothing else


def test_nothing_arrives_after_closing(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 900))
    until(qtbot, lambda: bool(session.document.answers))
    session.close()
    changes: list[Change] = []
    session.changed.connect(changes.append)
    qtbot.wait(300)
    assert changes == []


def test_many_rows_are_cancelled_and_removed_at_once(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(5000)]
    session._queue.add(paths)
    assert session.queue[0].state == "reading"
    session.queue_pause(True)
    began = time.monotonic()
    session.queue_cancel(range(4999))
    assert [row.state for row in session.queue] == ["cancelled"] * 4999 + ["waiting"]
    session.queue_retry(range(10))
    session.queue_remove(range(5000))
    assert session.queue == []
    assert time.monotonic() - began < 2.0
    session.queue_pause(False)
    session._queue.add([sound(tmp_path / "a.wav", 11)])
    until(qtbot, lambda: session.queue[0].state == "done")


def test_a_fault_of_the_program_is_reported_and_not_shown_as_code(
    session: Session, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[BaseException] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: reported.append(error))
    monkeypatch.setattr(session, "_fields", lambda path, picture, *, tags: {"path": str(path)})  # the worker misses the rest
    session.open(sound(tmp_path / "a.wav", 11))
    until(qtbot, lambda: session.document.state == "failed")
    assert session.document.error == FAULT
    assert "KeyError" in str(reported[0])


def test_a_folder_is_searched_while_something_is_being_fetched(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    held = threading.Event()
    session._aside.submit(lambda token: held.wait(60))
    sound(tmp_path / "a.wav", 11)
    session.open_paths([tmp_path])
    until(qtbot, lambda: bool(session.queue))
    held.set()


def test_an_empty_folder_is_told(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    for _ in range(2):
        session.open_paths([tmp_path])
        until(qtbot, lambda: bool(session.notices) and not session.activity)
    assert ["No audio files" in notice for notice in session.notices] == [True]


def test_answers_are_asked_anew_while_all_else_stays_as_it_is(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 20))
    until(qtbot, lambda: session.document.state == "ready")
    session.select((2.0, 5.0))
    document, picture, before = session.document, session.document.picture, session.document.answers
    changes: list[Change] = []
    session.changed.connect(changes.append)
    session.reanswer()
    assert session.document.answers is before, "what was answered is shown until there is something else"
    until(qtbot, lambda: session.document.answers is not before)
    assert session.document is document
    assert (document.state, document.picture, session.selection) == ("ready", picture, (2.0, 5.0))
    assert document.answers == before
    assert Change.PICTURE not in changes
    assert Change.RECORDING not in changes
    assert session.activity == ""


def test_what_is_learned_while_a_recording_is_read_is_asked_about_afterwards(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 20))
    session.reanswer()
    assert session.document.state == "reading"
    seen = list[str]()  # it may be over before it is looked at
    session.changed.connect(lambda _change: seen.append(session.activity))
    until(qtbot, lambda: "Answering anew" in seen)
    assert session.document.state == "ready"
    until(qtbot, lambda: session.activity == "")


def test_another_recording_ends_the_asking_anew(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.open(sound(tmp_path / "a.wav", 20))
    until(qtbot, lambda: session.document.state == "ready")
    session.reanswer()
    session.open(sound(tmp_path / "b.wav", 12))
    assert session.activity == ""
    until(qtbot, lambda: session.document.state == "ready")
    assert session.document.path == tmp_path / "b.wav"


def test_dropping_a_project_or_a_class_pack_says_so(session: Session, tmp_path: Path) -> None:
    paths = [sound(tmp_path / "a.wav", 1), tmp_path / "Bells.musicclass", tmp_path / "Gongs.mcpack"]
    assert session.plan_drop(paths) == session.plan_teach(paths) == "Open the project “Bells”"
    assert session.plan_drop(paths[2:]) == session.plan_teach(paths[2:]) == "Import the class pack “Gongs”"


def test_what_teaching_a_folder_would_do_is_said_without_looking_into_files(session: Session, tmp_path: Path) -> None:
    for name, count in (("bell", 3), ("gong", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.wav").write_bytes(b"not looked at")
    assert session.plan_teach([tmp_path]) == "Teach 2 classes: 3, 2 files"


def test_nothing_of_a_project_is_made_before_it_is_needed(session: Session, qtbot: QtBot) -> None:
    session.start()
    until(qtbot, lambda: bool(session.devices) and not session._aside.busy)
    assert not session.teaching.project.exists()
    assert session.teaching._desk._service._link is None, "no third process either"
    assert session.shown_classifiers() == ["genre", "composer", "instrument"]
    assert session.title_of("genre") == "Genre"
