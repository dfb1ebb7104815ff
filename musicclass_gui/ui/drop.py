"""The overlay that says what will happen to dragged files before they are let go: they can be opened, or taught.

What a drop means is the session's decision; this only shows it, side by side, and hands the paths over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QPaintEvent

    Says = Callable[[list[Path]], str]
    Looks = Callable[[list[Path], Callable[[str], None]], str]

_MARGIN = 24
_OPEN_HINT = "Let go here to hear and analyse."
_TEACH_HINT = "Let go here to choose names and files first; nothing is learned yet."


def dropped_paths(mime: QMimeData) -> list[Path]:
    """The local files and folders in what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


class Zone(QWidget):
    """One half of the overlay: what letting go here will do. `under` is whether the mouse is over it."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__()
        self.under = False
        self.name = _label(name, "section")
        self.sentence = _label("", "headline")
        self.hint = _label(hint, "muted")
        box = QVBoxLayout(self)
        box.setContentsMargins(36, 36, 36, 36)
        box.setSpacing(10)
        box.addStretch()
        for label in (self.name, self.sentence, self.hint):
            box.addWidget(label)
        box.addStretch()

    def set_under(self, under: bool) -> None:
        """Show whether letting go now means this zone."""
        if under != self.under:
            self.under = under
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it; the zone that is meant has a thicker, whole border, not only another colour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QColor(self.palette().highlight().color())
        if self.under:
            painter.setPen(QPen(accent, 4))
            accent.setAlpha(34)
            painter.setBrush(accent)
        else:
            painter.setPen(QPen(self.palette().mid().color(), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(3, 3, -3, -3), 14, 14)


def _label(words: str, role: str) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    set_role(label, role)
    return label


class DropOverlay(QWidget):
    """Covers `window` while files are dragged over it and tells what letting go will do in each half.

    `opens` and `teaches` turn paths into sentences; the latter is also given who is to be told a better one, which takes longer.
    `dropped` carries the paths let go on the left, `taught` on the right.
    """

    dropped = Signal(list)
    taught = Signal(list)

    def __init__(self, window: QWidget, opens: Says, teaches: Looks) -> None:
        super().__init__(window)
        self._opens, self._teaches = opens, teaches
        self.open_zone = Zone("Open", _OPEN_HINT)
        self.teach_zone = Zone("Teach", _TEACH_HINT)
        self._build()
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What Qt asks: whether this event is dealt with here."""
        if isinstance(event, QDragEnterEvent):
            return self._entered(event)
        if isinstance(event, QDragMoveEvent):
            return self._moved(event)
        if isinstance(event, QDropEvent):
            return self._let_go(event)
        if event.type() == QEvent.Type.DragLeave:
            self.hide()
        elif event.type() == QEvent.Type.Resize:
            self.resize(self._window_widget().size())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        veil = self.palette().window().color()
        veil.setAlpha(250)
        QPainter(self).fillRect(self.rect(), veil)

    def _build(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        zones = QHBoxLayout()
        zones.setSpacing(_MARGIN)
        for zone in (self.open_zone, self.teach_zone):
            zones.addWidget(zone, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        box.addLayout(zones, 1)
        box.addWidget(_label("Press Esc to keep things as they are.", "muted"))

    def _window_widget(self) -> QWidget:
        parent = self.parentWidget()
        assert parent is not None
        return parent

    def _entered(self, event: QDragEnterEvent) -> bool:
        paths = dropped_paths(event.mimeData())
        if not paths:
            return False
        self.open_zone.sentence.setText(self._opens(paths))
        self.teach_zone.sentence.setText(self._teaches(paths, self.teach_zone.sentence.setText))
        self.setGeometry(self._window_widget().rect())
        self._point_at(event.position().toPoint())
        self.raise_()
        self.show()
        event.acceptProposedAction()
        return True

    def _moved(self, event: QDragMoveEvent) -> bool:
        if not self.isVisibleTo(self._window_widget()):
            return False
        self._point_at(event.position().toPoint())
        event.acceptProposedAction()
        return True

    def _point_at(self, place: QPoint) -> None:
        """Show which zone is meant at `place`, in the window's coordinates: the left half opens, the right half teaches."""
        teaching = place.x() >= self.width() / 2
        self.teach_zone.set_under(teaching)
        self.open_zone.set_under(not teaching)

    def _let_go(self, event: QDropEvent) -> bool:
        paths = dropped_paths(event.mimeData())
        self._point_at(event.position().toPoint())
        self.hide()
        if not paths:
            return False
        event.acceptProposedAction()
        (self.taught if self.teach_zone.under else self.dropped).emit(paths)
        return True
