from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from musicclass_gui.ui.drop import DropOverlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def files(*paths: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return mime


def enter(window: QWidget, mime: QMimeData) -> QDragEnterEvent:
    event = QDragEnterEvent(QPoint(50, 50), COPY, mime, LEFT, NONE)
    QApplication.sendEvent(window, event)
    return event


def let_go(window: QWidget, mime: QMimeData, x: float = 50) -> QDropEvent:
    event = QDropEvent(QPointF(x, 50), COPY, mime, LEFT, NONE)
    QApplication.sendEvent(window, event)
    return event


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def overlay(window: QWidget) -> DropOverlay:
    return DropOverlay(window, lambda paths: f"Open {names(paths)}", lambda paths, _tell: f"Teach {names(paths)}")


def names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)


def test_it_says_what_will_happen_before_release(overlay: DropOverlay) -> None:
    window = overlay.window()
    assert enter(window, files("/music/a.mp3")).isAccepted()
    assert overlay.isVisible()
    assert overlay.open_zone.sentence.text() == "Open a.mp3"
    assert overlay.teach_zone.sentence.text() == "Teach a.mp3"
    assert overlay.geometry() == window.rect()


def test_letting_go_hands_the_paths_over(overlay: DropOverlay, qtbot: QtBot) -> None:
    mime = files("/music/a.mp3", "/music/folder")
    enter(overlay.window(), mime)
    with qtbot.waitSignal(overlay.dropped) as signal:
        assert let_go(overlay.window(), mime).isAccepted()
    assert signal.args == [[Path("/music/a.mp3"), Path("/music/folder")]]
    assert overlay.isHidden()


def test_the_right_half_teaches(overlay: DropOverlay, qtbot: QtBot) -> None:
    mime = files("/music/folder")
    enter(overlay.window(), mime)
    assert overlay.open_zone.under
    QApplication.sendEvent(overlay.window(), QDragMoveEvent(QPoint(700, 60), COPY, mime, LEFT, NONE))
    assert (overlay.open_zone.under, overlay.teach_zone.under) == (False, True)
    with qtbot.waitSignal(overlay.taught) as signal, qtbot.assertNotEmitted(overlay.dropped):
        let_go(overlay.window(), mime, 700)
    assert signal.args == [[Path("/music/folder")]]


def test_what_is_found_out_later_is_said_while_it_is_dragged(window: QWidget) -> None:
    later: list[Callable[[str], None]] = []

    def teaches(paths: list[Path], tell: Callable[[str], None]) -> str:
        later.append(tell)
        return "Teach 3 files"

    overlay = DropOverlay(window, names, teaches)
    enter(window, files("/music/folder"))
    assert overlay.teach_zone.sentence.text() == "Teach 3 files"
    later[0]("Teach 2 files, 1 unreadable")
    assert overlay.teach_zone.sentence.text() == "Teach 2 files, 1 unreadable"


def test_the_zone_that_is_meant_looks_different(overlay: DropOverlay) -> None:
    enter(overlay.window(), files("/music/folder"))
    QApplication.processEvents()
    meant, other = (zone.grab().toImage() for zone in (overlay.open_zone, overlay.teach_zone))
    assert meant.pixelColor(6, 200) != other.pixelColor(6, 200)


def test_moving_keeps_it_and_leaving_takes_it_away(overlay: DropOverlay) -> None:
    mime = files("/music/a.mp3")
    enter(overlay.window(), mime)
    move = QDragMoveEvent(QPoint(60, 60), COPY, mime, LEFT, NONE)
    QApplication.sendEvent(overlay.window(), move)
    assert move.isAccepted()
    QApplication.sendEvent(overlay.window(), QDragLeaveEvent())
    assert overlay.isHidden()


def test_dragged_text_or_web_addresses_are_not_ours(overlay: DropOverlay) -> None:
    mime = QMimeData()
    mime.setText("hello")
    assert not enter(overlay.window(), mime).isAccepted() or overlay.isHidden()
    mime.setUrls([QUrl("https://example.org/a.mp3")])
    enter(overlay.window(), mime)
    assert overlay.isHidden()


def test_it_follows_the_window_size(overlay: DropOverlay) -> None:
    enter(overlay.window(), files("/music/a.mp3"))
    overlay.window().resize(640, 480)
    QApplication.processEvents()
    assert overlay.size() == overlay.window().size()
