from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.app.documents import Document, QueueRow
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine.answers import Answer, Ranked
from musicclass_gui.engine.audio import Recording
from musicclass_gui.engine.picture import Picture
from musicclass_gui.ui.status import Status, current_notices, engine_text, queue_text, ran_on, state_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

A = Path("a.mp3")
GENRE = Answer("genre", "timbre", "blues", False, [Ranked("blues", 0.7)], [])


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Settings())
    yield session
    session.close()


@pytest.fixture
def player(qtbot: QtBot) -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (Document(), "Ready"),
        (Document(A, "reading"), "Reading a.mp3"),
        (Document(A, "ready"), "Analysed"),
        (Document(A, "ready", from_cache=True), "Answered from the cache"),
        (Document(A, "failed"), "Could not read a.mp3"),
        (Document(A, "cancelled", answered_s=35.0), "Cancelled after 0:35"),
    ],
)
def test_every_state_has_words(document: Document, words: str) -> None:
    assert state_text(document) == words


def test_progress_is_shown_while_reading_only(session: Session, qtbot: QtBot) -> None:
    status = Status()
    qtbot.addWidget(status)
    session.document = Document(A, "reading", progress=0.25)
    status.show_session(session)
    assert not status.progress.isHidden()
    assert status.progress.value() == status.progress.maximum() // 4
    session.document.state = "ready"
    status.show_session(session)
    assert status.progress.isHidden()


def test_unknown_progress_is_busy_not_zero(session: Session, qtbot: QtBot) -> None:
    status = Status()
    qtbot.addWidget(status)
    session.document = Document(A, "reading")
    status.show_session(session)
    assert (status.progress.minimum(), status.progress.maximum()) == (0, 0)


def test_the_queue_says_how_far_it_is(session: Session) -> None:
    assert queue_text(session) == ""
    session._queue.rows[:] = [QueueRow(A, "done"), QueueRow(Path("b.mp3"))]
    assert queue_text(session).startswith("Queue 1 of 2")
    session._queue.paused = True
    assert queue_text(session) == "Queue 1 of 2, paused"


def test_notices_are_what_is_true_now(session: Session, player: Player, tmp_path: Path) -> None:
    assert current_notices(session, player) == []
    session.document = Document(A, "failed", Recording(A, 44100, 2, 60.0, "MP3", "pyav"), "The file ended early.", Picture(tmp_path, 44100))
    session.document.notices.append("Only the first 12.3 s could be read.")
    session.notices.append("No audio files were found there.")
    player.problem = "There is no audio device."
    notices = current_notices(session, player)
    assert [(notice.level, notice.action) for notice in notices] == [
        ("bad", ""),
        ("bad", "analyse.again"),
        ("warn", ""),
        ("info", ""),
    ]
    session.document = Document()
    session.notices.clear()
    assert current_notices(session, player) == []


def test_what_an_encoder_ran_on_is_said_in_words(session: Session) -> None:
    session.document = Document(A, "ready", answers={"genre": GENRE})
    assert engine_text(session) == "timbre"
    session.devices = [("cpu", "CPU"), ("cuda:0", "CUDA: NVIDIA H200")]
    session.document.devices = {"timbre": "cuda:0"}
    assert ran_on(session) == {"timbre": "CUDA: NVIDIA H200"}
    assert engine_text(session) == "timbre on CUDA: NVIDIA H200"


def test_a_screen_reader_is_told_the_state_once(session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtGui import QAccessible

    status, told = Status(), []
    qtbot.addWidget(status)
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: told.append(event.message()))
    session.document = Document(A, "reading")
    status.show_session(session)
    status.show_session(session)
    session.document.state = "ready"
    status.show_session(session)
    assert told == ["Reading a.mp3", "Analysed"]
