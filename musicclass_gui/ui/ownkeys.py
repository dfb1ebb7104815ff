"""Keys that a widget has of its own: they work while it has the focus, before the window's shortcuts on the same keys.

It knows neither the widget nor what the keys do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtWidgets import QWidget


class OwnKeys(QObject):
    """Runs what belongs to a key, given as in "Space", "Ctrl+Z" or, for several, "Return Enter"."""

    def __init__(self, widget: QWidget, table: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(widget)
        self._table = {_combination(key): act for keys, act in table.items() for key in keys.split()}
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What Qt asks: whether this event is dealt with here."""
        if not isinstance(event, QKeyEvent) or event.type() not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        act = self._table.get((Qt.Key(event.key()), plain))
        if act is None:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            act()
        return True


def _combination(key: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    keys: Any = QKeySequence(key)
    pressed: QKeyCombination = keys[0]
    return pressed.key(), pressed.keyboardModifiers()
