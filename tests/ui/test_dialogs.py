from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from musicclass_gui.app.actions import ACTIONS
from musicclass_gui.ui.dialogs import SelfCheck, about, shortcut_sheet

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


def said(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def test_the_shortcut_sheet_lists_every_shortcut(parent: QWidget) -> None:
    sheet = shortcut_sheet(parent, ACTIONS)
    shown = said(sheet).split("\n")
    for action in ACTIONS:
        assert (action.full_text in shown) == bool(action.sequences()), action.id


def test_about_says_version_and_that_all_stays_here(parent: QWidget) -> None:
    from musicclass_gui import __version__

    shown = said(about(parent))
    assert __version__ in shown
    assert "Everything happens on this computer" in shown


def test_the_self_check_shows_and_copies_its_rows(parent: QWidget) -> None:
    sheet = SelfCheck(parent)
    sheet.show_rows([("torch", "2.11.0", "", True), ("PortAudio", "not found", "Install libportaudio2.", False)])
    assert sheet.state.text() == "1 thing missing."
    assert sheet.table.rowCount() == 2
    next(button for button in sheet.findChildren(QPushButton) if button.text() == "Copy").click()
    assert "PortAudio: missing\tnot found\tInstall libportaudio2." in QApplication.clipboard().text()


def test_enter_in_a_field_presses_no_button(parent: QWidget, qtbot: QtBot) -> None:
    sheet = SelfCheck(parent)
    sheet.show()
    assert not any(button.autoDefault() for button in sheet.findChildren(QPushButton))


def test_the_shortcut_sheet_says_what_the_mouse_does(parent: QWidget) -> None:
    shown = said(shortcut_sheet(parent, ACTIONS))
    for gesture in ("Zoom to the mouse", "Select a span", "Hear it"):
        assert gesture in shown
