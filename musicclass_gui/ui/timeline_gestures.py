"""What mouse and wheel mean on any row that shares the time axis: zoom, pan, select, click, point.

It changes the view and says the rest by signals; it must not know what the rows show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.windows import Span
    from musicclass_gui.ui.timeline_paint import Scale
    from musicclass_gui.ui.timeline_view import TimeView

_ZOOM_PER_NOTCH = 0.8
_NOTCH = 120  # eighths of a degree
_PAN_PER_NOTCH = 0.12  # of the view
_GRAB_PX = 4


@dataclass
class _Drag:
    """A button that is down: where it went down, and what moving means."""

    row: QWidget
    point: QPointF
    time_s: float
    kind: str  # "click" until it has moved far enough, then "pan" or "select"
    anchor_s: float  # for "select": the end that stays


class Gestures(QObject):
    """Watches rows. Times are in seconds, points in pixels of the row."""

    clicked = Signal(QWidget, float, QPointF)
    double_clicked = Signal(QWidget, float, QPointF)
    hovered = Signal(QWidget, float, QPointF)
    left = Signal()
    selected = Signal(object)  # Span | None

    def __init__(self, view: TimeView) -> None:
        super().__init__(view)
        self._view = view
        self._rows: dict[QWidget, Callable[[], Scale]] = {}
        self._drag: _Drag | None = None
        self._selection: Span | None = None
        self._handlers = {
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.MouseButtonDblClick: self._double_click,
            QEvent.Type.Leave: self._leave,
        }

    def watch(self, row: QWidget, scale: Callable[[], Scale]) -> None:
        """Take over the mouse on `row`, whose times lie where `scale` says."""
        self._rows[row] = scale
        row.setMouseTracking(True)
        row.installEventFilter(self)

    def unwatch(self, row: QWidget) -> None:
        """Leave a row alone."""
        row.removeEventFilter(self)
        del self._rows[row]

    def set_selection(self, selection: Span | None) -> None:
        """Know what is selected, so that its edges can be taken hold of."""
        self._selection = selection

    def eventFilter(self, row: QObject, event: QEvent) -> bool:
        """What Qt asks: whether an event ends here."""
        handler = self._handlers.get(event.type())
        return bool(handler and isinstance(row, QWidget) and row in self._rows and handler(row, event))

    def _wheel(self, row: QWidget, event: QEvent) -> bool:
        assert isinstance(event, QWheelEvent)
        turned = event.angleDelta()
        sideways = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier) or abs(turned.x()) > abs(turned.y())
        notches = (turned.x() or turned.y() if sideways else turned.y()) / _NOTCH
        if sideways:
            self._view.pan(-notches * _PAN_PER_NOTCH * self._view.length_s)
        else:
            scale = self._rows[row]()
            x = min(max(event.position().x(), scale.left), scale.right)
            self._view.zoom(_ZOOM_PER_NOTCH**notches, scale.time(x))
        return True

    def _press(self, row: QWidget, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        scale, point = self._rows[row](), event.position()
        row.setFocus(Qt.FocusReason.MouseFocusReason)
        wanted = event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton)
        if not wanted or not scale.left <= point.x() <= scale.right:
            return True
        time_s = scale.time(point.x())
        kept = self._kept_end(scale, point.x())
        selects = kept is not None or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag = _Drag(row, point, time_s, "select" if selects else "click", time_s if kept is None else kept)
        return True

    def _kept_end(self, scale: Scale, x: float) -> float | None:
        """The other end of the selection when `x` is on one."""
        if self._selection is None:
            return None
        start, end = self._selection
        if abs(scale.x(end) - x) <= _GRAB_PX:
            return start
        return end if abs(scale.x(start) - x) <= _GRAB_PX else None

    def _move(self, row: QWidget, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        scale, x = self._rows[row](), event.position().x()
        if self._drag is None or self._drag.row is not row:
            row.setCursor(Qt.CursorShape.SplitHCursor if self._kept_end(scale, x) is not None else self._cursor(row))
            self.hovered.emit(row, scale.time(x), event.position())
            return False
        if self._drag.kind == "select":
            self._select_to(scale.time(x))
        elif self._drag.kind == "pan" or (event.position() - self._drag.point).manhattanLength() >= QApplication.startDragDistance():
            self._pan_to(row, scale, x)
        return True

    def _cursor(self, row: QWidget) -> Qt.CursorShape:
        return Qt.CursorShape(row.property("restingCursor") or Qt.CursorShape.ArrowCursor.value)

    def _pan_to(self, row: QWidget, scale: Scale, x: float) -> None:
        assert self._drag is not None
        self._drag.kind = "pan"
        row.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._view.pan(self._drag.time_s - scale.time(x))

    def _select_to(self, time_s: float) -> None:
        assert self._drag is not None
        ends = sorted(min(max(end, 0.0), self._view.duration_s) for end in (self._drag.anchor_s, time_s))
        self.selected.emit((ends[0], ends[1]) if ends[1] > ends[0] else None)

    def _release(self, row: QWidget, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        drag, self._drag = self._drag, None
        if drag is None or drag.row is not row:
            return False
        row.setCursor(self._cursor(row))
        if drag.kind == "click":
            self.clicked.emit(row, drag.time_s, event.position())
        return True

    def _double_click(self, row: QWidget, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        scale, x = self._rows[row](), event.position().x()
        if scale.left <= x <= scale.right:
            self.double_clicked.emit(row, scale.time(x), event.position())
        return True

    def _leave(self, row: QWidget, event: QEvent) -> bool:
        self.left.emit()
        return False
