"""Teaching as a user does it, with the real worker: once with the keyboard alone, once with the mouse alone, and across a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget

from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.ui import start
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from musicclass_gui.ui.teach import TeachPage

RATE = 22050
LONG_MS = 120_000
PITCHES = {"bell": 2000.0, "drone": 110.0, "hiss": 0.0}
COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key


def sound(path: Path, kind: str, seed: int, seconds: float = 4.0) -> Path:
    """A tone of the kind's pitch, a little off, in noise; a hiss is only noise."""
    rng = np.random.default_rng([seed, *kind.encode()])
    time_s = np.arange(round(seconds * RATE)) / RATE
    pitch = PITCHES[kind] * (1 + 0.03 * rng.standard_normal())
    mono = 0.02 * rng.standard_normal(len(time_s)) if pitch else 0.2 * rng.standard_normal(len(time_s))
    for overtone in (1, 2, 3) if pitch else ():
        mono += 0.2 / overtone * np.sin(2 * np.pi * overtone * pitch * time_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, mono, RATE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in PITCHES:
        for number in range(4):
            sound(tmp_path / "sounds" / kind / f"{kind} {number}.wav", kind, number)
    (tmp_path / "sounds" / "bell" / "broken.wav").write_text("no sound")
    return tmp_path / "sounds"


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def idle(window: MainWindow, qtbot: QtBot) -> None:
    teaching = window.session.teaching
    until(qtbot, lambda: not teaching.lane.busy and not teaching.busy and not window._pending)
    assert teaching.problem == ""


def page_of(window: MainWindow) -> TeachPage:
    assert window.teacher.page is not None
    return window.teacher.page


def preview_of(window: MainWindow, qtbot: QtBot) -> QWidget:
    until(qtbot, lambda: window.teacher.preview is not None and window.teacher.preview.isActiveWindow())
    assert window.teacher.preview is not None
    return window.teacher.preview


def card_of(window: MainWindow, qtbot: QtBot) -> str:
    """Wait for the card; its big sentence."""
    until(qtbot, lambda: window.teacher.page is not None and window.teacher.page.lesson.card.isVisible())
    idle(window, qtbot)
    window.activateWindow()  # which a window manager does when a dialog closes
    return page_of(window).lesson.card.heading.text()


def button(parent: QWidget, words: str) -> QPushButton:
    return next(one for one in parent.findChildren(QPushButton) if one.text() == words and one.isVisible())


def answered(window: MainWindow, qtbot: QtBot) -> str:
    """What the taught classifier says of the open recording, as its card has it."""
    until(qtbot, lambda: window.session.document.state == "ready" and bool(window.session.document.answers))
    idle(window, qtbot)
    return window.answers.cards["my-classes"]._headline.text()


def test_with_the_keyboard_alone(window: MainWindow, qtbot: QtBot, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another = sound(tmp_path / "another.wav", "bell", 99)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(another)], ""))
    window.activateWindow()
    until(qtbot, window.isActiveWindow)
    qtbot.keyClick(window, Key.Key_T, CTRL)
    preview = preview_of(window, qtbot)
    assert window.teacher.preview is not None
    assert window.teacher.preview.totals.text() == "3 classes, 12 recordings; 1 unreadable."
    qtbot.keyClick(QApplication.focusWidget() or preview, Key.Key_Return)
    assert card_of(window, qtbot) == "Knows 3 new classes."
    until(qtbot, lambda: QApplication.focusWidget() is page_of(window).lesson.card._page)
    qtbot.keyClick(window, Key.Key_Return, CTRL)
    until(qtbot, lambda: window.session.teaching.waiting is None)
    idle(window, qtbot)
    assert "Kept" in page_of(window).lesson.footer.state.text()
    qtbot.keyClick(window, Key.Key_O, CTRL)
    assert answered(window, qtbot) == "Bell"
    assert not window.teaching_shown
    qtbot.keyClick(window, Key.Key_Z, CTRL)
    until(qtbot, lambda: "my-classes" not in window.answers.cards)
    idle(window, qtbot)
    qtbot.keyClick(window, Key.Key_Z, CTRL | SHIFT)
    until(qtbot, lambda: "my-classes" in window.answers.cards and "my-classes" in window.session.document.answers)
    assert answered(window, qtbot) == "Bell"


def drop_on_teach(window: MainWindow, qtbot: QtBot, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place = QPoint(window.width() - 200, 300)
    QApplication.sendEvent(window, QDragEnterEvent(place, COPY, mime, LEFT, NONE))
    sentence = window.overlay.teach_zone.sentence
    assert sentence.text() == "Teach 3 classes: 5, 4, 4 files"
    until(qtbot, lambda: sentence.text() == "Teach 3 classes: 4, 4, 4 files, 1 unreadable")
    QApplication.sendEvent(window, QDragMoveEvent(place, COPY, mime, LEFT, NONE))
    QApplication.sendEvent(window, QDropEvent(QPointF(place), COPY, mime, LEFT, NONE))


def test_with_the_mouse_alone(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    drop_on_teach(window, qtbot, folder)
    qtbot.mouseClick(button(preview_of(window, qtbot), "Teach 3 classes"), LEFT)
    card_of(window, qtbot)
    lesson = page_of(window).lesson
    assert lesson.card.table.model_.rowCount() == 3
    qtbot.mouseClick(lesson.footer.take_back, LEFT)
    until(qtbot, lambda: lesson.currentWidget() is lesson.empty)
    idle(window, qtbot)
    drop_on_teach(window, qtbot, folder)
    qtbot.mouseClick(button(preview_of(window, qtbot), "Teach 3 classes"), LEFT)
    card_of(window, qtbot)
    qtbot.mouseClick(lesson.footer.keep, LEFT)
    until(qtbot, lambda: window.session.teaching.waiting is None)
    idle(window, qtbot)
    bar = page_of(window).right.tabBar()
    qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(1).center())
    history = page_of(window).history
    assert history.model.rowCount() == 1
    qtbot.mouseClick(button(history, "Undo"), LEFT)
    until(qtbot, lambda: history.model.lesson(0).state == "undone")
    idle(window, qtbot)
    qtbot.mouseClick(button(history, "Redo"), LEFT)
    until(qtbot, lambda: history.model.lesson(0).state == "kept")
    idle(window, qtbot)
    qtbot.mouseClick(history.show_card, LEFT)
    until(qtbot, lambda: lesson.currentWidget() is lesson.card_page)
    page_of(window).reveal("lessons")
    qtbot.mouseClick(history.forget, LEFT)
    until(qtbot, lambda: window.session.teaching.waiting is not None or history.model.rowCount() == 2)
    idle(window, qtbot)


def test_a_new_classifier_can_begin_with_the_built_in_one(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    window.session.teaching.propose([folder])
    preview_of(window, qtbot)
    preview = window.teacher.preview
    assert preview is not None
    preview.target.start.setCurrentIndex(preview.target.start.findData("genre"))
    qtbot.mouseClick(preview.teach, LEFT)
    sentence = card_of(window, qtbot)
    assert sentence.startswith("Knows 3 new classes; ")
    waiting = window.session.teaching.waiting
    assert waiting is not None
    assert waiting.card is not None
    assert {"rock", "jazz", "bell"} <= {report.name for report in waiting.card.classes}


def test_cancelling_leaves_nothing(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    for number in range(4, 40):
        sound(folder / "bell" / f"bell {number}.wav", "bell", number)
    window.session.teaching.propose([folder])
    preview_of(window, qtbot)
    assert window.teacher.preview is not None
    qtbot.mouseClick(window.teacher.preview.teach, LEFT)
    until(
        qtbot,
        lambda: window.teacher.page is not None and window.teacher.page.lesson.progress.isVisible() and bool(window.session.teaching.heard),
    )
    qtbot.mouseClick(page_of(window).lesson.progress.cancel, LEFT)
    idle(window, qtbot)
    assert window.session.teaching.waiting is None
    assert page_of(window).lesson.currentWidget() is page_of(window).lesson.empty


def test_a_lesson_that_was_quit_is_gone_on_with_after_a_restart(qtbot: QtBot, folder: Path) -> None:
    for number in range(4, 40):
        sound(folder / "bell" / f"bell {number}.wav", "bell", number)
    settings = Settings()
    first = MainWindow(Session(settings), Player())
    first.show()
    first.session.teaching.propose([folder])
    preview_of(first, qtbot)
    assert first.teacher.preview is not None
    qtbot.mouseClick(first.teacher.preview.teach, LEFT)
    until(qtbot, lambda: len(first.session.teaching.heard) >= 2)
    first.close()
    settings.close()
    again = Settings()
    second = MainWindow(Session(again), Player())
    second.show()
    start.begin(second, [])
    until(qtbot, lambda: any(notice.action == "teach.go_on" for notice in second.notices.notices))
    qtbot.mouseClick(button(second.notices, "Go on"), LEFT)
    assert card_of(second, qtbot) == "Knows 3 new classes."
    assert sum(one.state == "known" for one in second.session.teaching.heard) >= 1
    second.close()
    again.close()
