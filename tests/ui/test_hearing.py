"""What is heard, with a real player (which needs no device for its clock to be asked) and a real session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QAction

from musicclass_gui.app.documents import Document
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine.answers import Answer, Ranked, Segment
from musicclass_gui.engine.audio import Recording
from musicclass_gui.ui.hearing import Hearing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

SEGMENTS = [Segment(0, 10, "blues", 0.8), Segment(10, 25, "jazz", 0.6), Segment(25, 60, "blues", 0.7)]
GENRE = Answer("genre", "timbre", "blues", False, [Ranked("blues", 0.7), Ranked("jazz", 0.3)], SEGMENTS)


@pytest.fixture
def player(qtbot: QtBot) -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session(Settings())
    yield session
    session.close()


@pytest.fixture
def loop(qtbot: QtBot) -> QAction:
    action = QAction("Loop")
    action.setCheckable(True)
    return action


@pytest.fixture
def hearing(session: Session, player: Player, loop: QAction) -> Hearing:
    return Hearing(session, player, loop, session)


def opened(session: Session, path: Path) -> Document:
    session.document = Document(path, "reading", Recording(path, 44100, 2, 60.0, "WAV", "soundfile"))
    return session.document


def test_the_open_recording_is_the_one_that_plays(hearing: Hearing, session: Session, player: Player, tmp_path: Path) -> None:
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    player.seek(30)
    assert player.position_s == pytest.approx(30)
    opened(session, tmp_path / "b.wav")
    hearing.follow_document()
    assert player.position_s == 0


def test_the_same_file_analysed_again_keeps_its_place(hearing: Hearing, session: Session, player: Player, tmp_path: Path) -> None:
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    player.seek(30)
    session.document = Document(tmp_path / "a.wav", "reading")
    hearing.follow_document()
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    assert player.position_s == pytest.approx(30)


def test_the_last_place_is_found_again(hearing: Hearing, session: Session, player: Player, tmp_path: Path) -> None:
    hearing.resume_at(tmp_path / "a.wav", 12.5)
    session.document = Document(tmp_path / "a.wav", "reading")
    hearing.follow_document()
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    assert player.position_s == pytest.approx(12.5)


def test_the_selection_loops_only_while_looping_is_on(
    hearing: Hearing, session: Session, player: Player, loop: QAction, tmp_path: Path
) -> None:
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    session.select((5.0, 9.0))
    hearing.apply_loop()
    assert player.loop is None
    loop.setChecked(True)
    hearing.apply_loop()
    assert player.loop == (5.0, 9.0)
    session.select(None)
    hearing.apply_loop()
    assert player.loop is None


def test_a_class_leads_to_its_next_segment_and_round_again(hearing: Hearing, session: Session, player: Player, tmp_path: Path) -> None:
    opened(session, tmp_path / "a.wav").answers = {"genre": GENRE}
    hearing.follow_document()
    starts = []
    for _ in range(3):
        segment = hearing.next_of("genre", "blues")
        assert segment is not None
        starts.append(segment.start_s)
    assert starts == [25, 0, 25]
    assert session.selection == (25, 60)
    assert hearing.next_of("genre", "rock") is None
    assert hearing.next_of("composer", "blues") is None


def test_hearing_a_span_selects_it_and_plays_from_its_start(hearing: Hearing, session: Session, player: Player, tmp_path: Path) -> None:
    opened(session, tmp_path / "a.wav")
    hearing.follow_document()
    hearing.hear(35.0, 45.0)
    assert session.selection == (35.0, 45.0)
    assert player.position_s >= 35.0
    assert hearing.began_at_s == pytest.approx(35.0)
