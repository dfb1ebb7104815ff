"""What every panel for teaching has to be for those who use no mouse or see no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QWidget

from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.alike import AlikePanel
from musicclass_gui.ui.board import BoardPanel
from musicclass_gui.ui.microphone import MicrophoneDialog
from musicclass_gui.ui.review import ReviewPanel
from musicclass_gui.ui.soundmap import SoundMapPanel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

TAKERS = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit)


@pytest.mark.parametrize("kind", [BoardPanel, ReviewPanel, SoundMapPanel, AlikePanel, MicrophoneDialog])
def test_everything_that_takes_focus_has_a_name(kind: type[QWidget], session: Session, qtbot: QtBot) -> None:
    panel = kind(session, {}, LIGHT)  # type: ignore[call-arg, arg-type]
    qtbot.addWidget(panel)
    takers = [one for one in panel.findChildren(QWidget) if isinstance(one, TAKERS) and one.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert takers
    nameless = [one for one in takers if not (one.accessibleName() or (isinstance(one, QAbstractButton) and one.text()))]
    assert nameless == []
