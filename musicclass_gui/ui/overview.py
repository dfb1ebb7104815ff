"""The strip on top: the whole recording, what is analysed, what is answered where, and the box that says what is in view.

The strip is painted into a pixmap that is made anew only when what it shows has changed; moving the box costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from musicclass_gui.app.theme import class_colour, mix
from musicclass_gui.ui.timeline_paint import Scale, colour, draw_focus, draw_line, draw_pending, draw_selection, playhead_pen
from musicclass_gui.ui.timeline_view import SHORTEST_S

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.picture import Picture
    from musicclass_gui.engine.windows import Span
    from musicclass_gui.ui.lane_layout import LaneLayout
    from musicclass_gui.ui.timeline_view import TimeView

_HEIGHT_EM = 3.6
_RIBBON_PX = 5
_GRAB_PX = 6
_LEAST_BOX_PX = 8.0
_GRIPS_FROM_PX = 24


def peak_of(mins: NDArray[np.float32], maxs: NDArray[np.float32]) -> float:
    """The greatest amplitude of an envelope; 0 for none."""
    return float(max(-mins.min(), maxs.max(), 0.0)) if mins.size else 0.0


class Overview(QWidget):
    """The whole recording in one strip, aligned with the plots below."""

    def __init__(self, view: TimeView, theme: Theme, gutter: int, margin: int) -> None:
        super().__init__()
        self._view, self._theme = view, theme
        self._gutter, self._margin = gutter, margin
        self._picture: Picture | None = None
        self._ribbons: list[LaneLayout | None] = []
        self._strip: QPixmap | None = None
        self._playhead_s = 0.0
        self._selection: Span | None = None
        self._grip = ""  # what the mouse holds: "box", "start", "end"
        self._held_s = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Overview of the whole recording")
        self.setAccessibleDescription("Arrow keys move what is in view, plus and minus zoom.")
        self.setToolTip("The whole recording. Drag the box to move, its edges to zoom")
        view.changed.connect(self._follow_view)
        self._duration_s = view.duration_s

    def set_picture(self, picture: Picture | None) -> None:
        """Show another recording, or none."""
        self._picture = picture
        self.forget()

    def set_ribbons(self, layouts: list[LaneLayout | None]) -> None:
        """Show what was answered, a ribbon for each classifier, empty where there is no answer yet."""
        self._ribbons = layouts
        self.forget()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.forget()

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead, painting only where it was and is."""
        scale = self.whole()
        before, self._playhead_s = self._playhead_s, time_s
        for moment in (before, time_s):
            self.update(round(scale.x(moment)) - 3, 0, 6, self.height())

    def set_selection(self, selection: Span | None) -> None:
        """Mark a span, or none."""
        self._selection = selection
        self.update()

    def forget(self) -> None:
        """Paint the strip anew."""
        self._strip = None
        self.update()

    def whole(self) -> Scale:
        """Where the times of the whole recording lie."""
        width = max(1.0, self.width() - self._gutter - self._margin)
        return Scale(0.0, max(self._view.duration_s, SHORTEST_S), self._gutter, width)

    def box(self) -> QRectF:
        """The box around what is in view."""
        scale = self.whole()
        left, right = scale.x(self._view.start_s), scale.x(self._view.end_s)
        missing = max(0.0, _LEAST_BOX_PX - (right - left)) / 2
        return QRectF(QPointF(left - missing, 1), QPointF(right + missing, self.height() - 1))

    def sizeHint(self) -> QSize:
        """What Qt asks."""
        return QSize(400, round(self.fontMetrics().height() * _HEIGHT_EM))

    def minimumSizeHint(self) -> QSize:
        """What Qt asks."""
        return QSize(self._gutter + self._margin + 80, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells."""
        self.forget()

    def _follow_view(self) -> None:
        if self._duration_s != self._view.duration_s:
            self._duration_s = self._view.duration_s
            self.forget()
        self.update()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks."""
        painter = QPainter(self)
        if self._strip is None:
            self._strip = self._painted_strip()
        painter.drawPixmap(0, 0, self._strip)
        scale, area = self.whole(), QRectF(self._gutter, 0, self.whole().width, self.height())
        draw_selection(painter, area, scale, self._selection, self._theme)
        self._paint_box(painter, area)
        draw_line(painter, scale.x(self._playhead_s), area, playhead_pen(self._theme))
        if self.hasFocus():
            draw_focus(painter, area.adjusted(-4, 0, 4, 0), self._theme)

    def _painted_strip(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        strip = QPixmap((self.size().toSizeF() * ratio).toSize())
        strip.setDevicePixelRatio(ratio)
        strip.fill(colour(self._theme.surface))
        painter = QPainter(strip)
        painter.setFont(self.font())
        area = QRectF(self._gutter, 2, self.whole().width, self.height() - 4)
        painter.fillRect(area, colour(mix(self._theme.surface, self._theme.raised, 0.5)))
        self._paint_caption(painter, area)
        wave = area.adjusted(0, 0, 0, -(_RIBBON_PX + 1) * len(self._ribbons))
        if self._picture is not None:
            self._paint_pending(painter, wave, self._picture)
            self._paint_wave(painter, wave, self._picture, round(area.width() * ratio))
        for number, layout in enumerate(self._ribbons):
            self._paint_ribbon(painter, wave.bottom() + 1 + number * (_RIBBON_PX + 1), layout)
        painter.end()
        return strip

    def _paint_caption(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(colour(self._theme.text_muted))
        place = QRectF(0, area.top(), self._gutter - 9, area.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "Overview")

    def _paint_pending(self, painter: QPainter, area: QRectF, picture: Picture) -> None:
        if not picture.complete:
            left = max(area.left(), self.whole().x(picture.ready_s))
            draw_pending(painter, QRectF(left, area.top(), area.right() - left, area.height()), self._theme)

    def _paint_wave(self, painter: QPainter, area: QRectF, picture: Picture, columns: int) -> None:
        mins, maxs = picture.envelope(0.0, self.whole().end_s, max(1, columns))
        middle, step = area.center().y(), area.width() / max(1, columns)
        scale = (area.height() / 2 - 2) / max(peak_of(mins, maxs), 1e-3)
        lines = PrimitiveArray(QLineF, 4)
        lines.resize(mins.size)
        ends = lines.ndarray()
        ends[:, 0] = ends[:, 2] = area.left() + (np.arange(mins.size) + 0.5) * step
        ends[:, 1], ends[:, 3] = middle - np.maximum(maxs * scale, 0.5), middle - np.minimum(mins * scale, -0.5)
        painter.setPen(QPen(colour(self._theme.wave_dim), step, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLines(*lines.drawargs())

    def _paint_ribbon(self, painter: QPainter, top: float, layout: LaneLayout | None) -> None:
        for piece in layout.pieces(self.whole()) if layout else ():
            fill = class_colour(self._theme, piece.label, layout.labels, layout.answer.colours) if layout else self._theme.none
            painter.fillRect(QRectF(piece.left, top, max(1.0, piece.right - piece.left), _RIBBON_PX), colour(fill))

    def _paint_box(self, painter: QPainter, area: QRectF) -> None:
        box = self.box()
        shade = colour(self._theme.window, 0.55)
        painter.fillRect(QRectF(area.topLeft(), QPointF(max(area.left(), box.left()), area.bottom())), shade)
        painter.fillRect(QRectF(QPointF(min(area.right(), box.right()), area.top()), area.bottomRight()), shade)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour(self._theme.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(colour(self._theme.accent))
        painter.setPen(Qt.PenStyle.NoPen)
        for x in (box.left(), box.right()) if box.width() >= _GRIPS_FROM_PX else ():
            painter.drawRoundedRect(QRectF(x - 2, box.center().y() - 8, 4, 16), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: take hold of the box, of an edge, or bring the box here."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        time_s = self.whole().time(x)
        self._grip = self._grip_at(x)
        if not self._grip:
            self._view.pan(time_s - (self._view.start_s + self._view.end_s) / 2)
            self._grip = "box"
        self._held_s = time_s - self._view.start_s

    def _grip_at(self, x: float) -> str:
        box = self.box()
        if abs(x - box.left()) <= _GRAB_PX and abs(x - box.left()) <= abs(x - box.right()):
            return "start"
        if abs(x - box.right()) <= _GRAB_PX:
            return "end"
        return "box" if box.left() < x < box.right() else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: drag what is held, or show what could be."""
        x = event.position().x()
        time_s = min(max(self.whole().time(x), 0.0), self._view.duration_s)
        start, end = self._view.span
        if self._grip == "box":
            self._view.pan(self.whole().time(x) - self._held_s - start)
        elif self._grip:
            ends = sorted((time_s, end) if self._grip == "start" else (start, time_s))
            self._view.set_span(*ends)
        else:
            edge = self._grip_at(x) in ("start", "end")
            self.setCursor(Qt.CursorShape.SizeHorCursor if edge else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What Qt tells."""
        self._grip = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: show all."""
        self._view.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """What Qt tells: zoom to the middle of the view."""
        self._view.zoom(0.8 ** (event.angleDelta().y() / 120), (self._view.start_s + self._view.end_s) / 2)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: keys belong to the timeline."""
        event.ignore()
