"""Which keys belong to the control that has the focus, although the window has a shortcut on them.

Without this, Space would play instead of pressing the focused button, and Home would leave a table where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QTabBar

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

Key = Qt.Key
_MOVES = frozenset({Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown})
_PRESS = frozenset({Key.Key_Space, Key.Key_Return, Key.Key_Enter})
_OWN: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    (QAbstractButton, _PRESS),
    (QAbstractItemView, _MOVES),
    (QAbstractSlider, _MOVES),
    (QAbstractSpinBox, _MOVES),
    (QComboBox, _MOVES | _PRESS),
    (QTabBar, _MOVES),
)


def belongs_to(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether the key of `event`, pressed alone, is one that `widget` uses itself."""
    if widget is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return False
    return any(isinstance(widget, kind) and Qt.Key(event.key()) in own for kind, own in _OWN)
