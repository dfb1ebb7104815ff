"""Naming by words as a user does it: phrases typed in the window, a real worker with a tiny CLAP, a lane, and a class made of a phrase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from encoders import tiny_clap
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from musicclass_gui.app import wordlists
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import words
from musicclass_gui.ui import start
from musicclass_gui.ui.window import MainWindow
from musicclass_gui.ui.words import WordsDialog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

LONG_MS = 90_000
CLAP, RATE = "clap-unfused", 48_000
PHRASES = ["low", "a high whistle", "noise!", "12345", "bossa nova", "Zzz"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny_clap.make(folder / CLAP, dim=512)
    return folder


@pytest.fixture
def window(qtbot: QtBot, weights: Path) -> Iterator[MainWindow]:
    start.application()
    settings = Settings()
    settings.set("weights_folder", str(weights))
    window = MainWindow(Session(settings), Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()
    settings.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * 110 * np.arange(12 * RATE) / RATE), RATE)
    return path


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def test_the_window_and_the_engine_ask_the_same_of_phrases() -> None:
    assert (wordlists.TEMPLATE, wordlists.PLACE) == (words.TEMPLATE, words.PLACE)
    assert (wordlists.MOST, wordlists.LONGEST) == (words.MOST, words.LONGEST)


def test_phrases_answer_at_once_and_become_a_class(window: MainWindow, qtbot: QtBot, recording: Path) -> None:
    session = window.session
    window.listen_to(recording)
    until(qtbot, lambda: session.document.state == "ready")
    window.trigger("teach.words")
    dialog = window.findChild(WordsDialog)
    assert dialog.encoder.currentData() == CLAP
    qtbot.keyClicks(dialog.phrases, "\r".join(PHRASES))
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: session.teaching.board is not None and bool(session.teaching.board.classifiers))
    view = session.teaching.classifier
    assert view is not None
    assert view.words is not None
    assert (view.method, view.words.phrases) == ("words", PHRASES)
    until(qtbot, lambda: view.key in session.document.answers)
    answer = session.document.answers[view.key]
    assert answer.kind == "words"
    assert answer.label in PHRASES
    assert sum(ranked.probability for ranked in answer.ranking) == pytest.approx(1, abs=0.01)
    until(qtbot, lambda: "By words" in [lane.title for lane in window.timeline.lanes])
    said = "\n".join(label.text() for label in window.answers.cards[view.key].findChildren(QLabel))
    assert "of their share" in said
    assert "None of these" not in said

    window.show_page("teach")
    assert window.teacher.page is not None
    board = window.teacher.page.board.words
    assert board is not None
    board.list.setCurrentRow(PHRASES.index(answer.label))
    qtbot.mouseClick(board.teach, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.teacher.preview is not None)
    preview = window.teacher.preview
    assert preview is not None
    assert [one.name for one in preview.plan.classes] == [answer.label]
    assert [file.path for file in preview.plan.classes[0].files] == [str(recording)]
    assert preview.target.which.currentData() == 0
    preview.reject()


def test_other_phrases_answer_otherwise(window: MainWindow, qtbot: QtBot, recording: Path) -> None:
    session = window.session
    session.teaching.words.add("Forms", CLAP, "{phrase}", PHRASES)
    until(qtbot, lambda: session.teaching.classifier is not None)
    window.listen_to(recording)
    until(qtbot, lambda: session.document.state == "ready")
    view = session.teaching.classifier
    assert view is not None
    window.show_page("teach")
    assert window.teacher.page is not None
    board = window.teacher.page.board.words
    assert board is not None
    qtbot.mouseClick(board.edit, Qt.MouseButton.LeftButton)
    dialog = window.findChild(WordsDialog)
    dialog.phrases.setPlainText("a march\na waltz")
    dialog.go.click()
    until(qtbot, lambda: {ranked.label for ranked in session.document.answers[view.key].ranking} == {"a march", "a waltz"})
    until(qtbot, lambda: board.list.count() == 2)
