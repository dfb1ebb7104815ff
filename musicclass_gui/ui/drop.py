"""The overlay that says what will happen to dragged files before they are let go.

What a drop means is the session's decision (`plan_drop`); this only shows it and hands the paths over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QPaintEvent


def dropped_paths(mime: QMimeData) -> list[Path]:
    """The local files and folders in what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


class DropOverlay(QWidget):
    """Covers `window` while files are dragged over it and tells what letting go will do.

    `plan` turns paths into that sentence; `dropped` carries the paths that were let go.
    """

    dropped = Signal(list)

    def __init__(self, window: QWidget, plan: Callable[[list[Path]], str]) -> None:
        super().__init__(window)
        self._plan = plan
        self.sentence = QLabel()
        self._build()
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What Qt asks: whether this event is dealt with here."""
        if isinstance(event, QDragEnterEvent):
            return self._entered(event)
        if isinstance(event, QDragMoveEvent):
            return self._accept_if_open(event)
        if isinstance(event, QDropEvent):
            return self._let_go(event)
        if event.type() == QEvent.Type.DragLeave:
            self.hide()
        elif event.type() == QEvent.Type.Resize:
            self.resize(self._window_widget().size())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = self.palette().window().color()
        veil.setAlpha(238)
        painter.fillRect(self.rect(), veil)
        pen = QPen(QColor(self.palette().highlight().color()), 2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().adjusted(24, 24, -24, -24), 14, 14)

    def _build(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setWordWrap(True)
        set_role(self.sentence, "headline")
        hint = QLabel("Let go to do this, or press Esc to keep things as they are.")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(hint, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(80, 80, 80, 80)
        box.addStretch()
        box.addWidget(self.sentence)
        box.addWidget(hint)
        box.addStretch()

    def _window_widget(self) -> QWidget:
        parent = self.parentWidget()
        assert parent is not None
        return parent

    def _entered(self, event: QDragEnterEvent) -> bool:
        paths = dropped_paths(event.mimeData())
        if not paths:
            return False
        self.sentence.setText(self._plan(paths))
        self.setGeometry(self._window_widget().rect())
        self.raise_()
        self.show()
        event.acceptProposedAction()
        return True

    def _accept_if_open(self, event: QDragMoveEvent) -> bool:
        if self.isVisibleTo(self._window_widget()):
            event.acceptProposedAction()
            return True
        return False

    def _let_go(self, event: QDropEvent) -> bool:
        paths = dropped_paths(event.mimeData())
        self.hide()
        if not paths:
            return False
        event.acceptProposedAction()
        self.dropped.emit(paths)
        return True
