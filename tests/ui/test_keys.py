from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSlider, QTableView, QWidget

from musicclass_gui.ui.keys import belongs_to

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Key, Modifier = Qt.Key, Qt.KeyboardModifier


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = Modifier.NoModifier) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, modifiers)


@pytest.mark.parametrize(
    ("kind", "key", "its_own"),
    [
        (QPushButton, Key.Key_Space, True),
        (QPushButton, Key.Key_L, False),
        (QTableView, Key.Key_Home, True),
        (QTableView, Key.Key_Space, False),
        (QSlider, Key.Key_Home, True),
        (QLabel, Key.Key_Space, False),
    ],
)
def test_a_focused_control_keeps_the_keys_that_it_uses(qtbot: QtBot, kind: type[QWidget], key: Qt.Key, its_own: bool) -> None:
    widget = kind()
    qtbot.addWidget(widget)
    assert belongs_to(widget, press(key)) is its_own


def test_with_ctrl_the_window_gets_the_key(qtbot: QtBot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    assert not belongs_to(button, press(Key.Key_Space, Modifier.ControlModifier))
    assert not belongs_to(None, press(Key.Key_Space))
