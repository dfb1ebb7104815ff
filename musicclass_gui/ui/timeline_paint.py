"""What several rows of the timeline draw alike: pending parts, the selection, lines in time, focus; and where a time lies.

Plain functions over QPainter; it must not know any row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.windows import Span

_FOCUS_PX = 2.0
_PENDING_TEXT_ROOM_PX = 150


@dataclass(frozen=True)
class Scale:
    """Where the seconds `[start_s, end_s)` lie: from `left` on, `width` pixels wide."""

    start_s: float
    end_s: float
    left: float
    width: float

    def x(self, time_s: float) -> float:
        """The horizontal position of a time."""
        return self.left + (time_s - self.start_s) / (self.end_s - self.start_s) * self.width

    def xs(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The horizontal positions of many times."""
        return self.left + (times_s - self.start_s) * (self.width / (self.end_s - self.start_s))

    def time(self, x: float) -> float:
        """The time at a horizontal position."""
        return self.start_s + (x - self.left) / self.width * (self.end_s - self.start_s)

    @property
    def s_per_px(self) -> float:
        """Seconds in a pixel."""
        return (self.end_s - self.start_s) / self.width

    @property
    def right(self) -> float:
        """The position of the end."""
        return self.left + self.width


def colour(value: str, opacity: float = 1.0) -> QColor:
    """A token of the theme as a colour, more or less opaque."""
    made = QColor(value)
    made.setAlphaF(opacity)
    return made


def small_font(font: QFont, share: float = 0.9) -> QFont:
    """`font` at a share of its size."""
    made = QFont(font)
    if font.pointSizeF() > 0:
        made.setPointSizeF(font.pointSizeF() * share)
    return made


def draw_pending(painter: QPainter, area: QRectF, theme: Theme, text: str = "") -> None:
    """A part of which nothing is known yet: hatched, with a word on it where there is room."""
    if area.width() <= 0:
        return
    painter.fillRect(area, colour(theme.window))
    painter.fillRect(area, QBrush(colour(theme.border, 0.7), Qt.BrushStyle.BDiagPattern))
    if text and area.width() > _PENDING_TEXT_ROOM_PX and area.height() >= painter.fontMetrics().height():
        _draw_plate(painter, area, theme, text)


def _draw_plate(painter: QPainter, area: QRectF, theme: Theme, text: str) -> None:
    metrics = painter.fontMetrics()
    plate = QRectF(0, 0, metrics.horizontalAdvance(text) + 16, metrics.height() + 2)
    plate.moveCenter(area.center())
    painter.fillRect(plate, colour(theme.window))
    painter.setPen(colour(theme.text_muted))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def draw_selection(painter: QPainter, area: QRectF, scale: Scale, selection: Span | None, theme: Theme, opacity: float = 0.22) -> None:
    """The selected span over a row."""
    if selection is None:
        return
    left, right = max(area.left() - 2, scale.x(selection[0])), min(area.right() + 2, scale.x(selection[1]))
    if right < left:
        return
    painter.fillRect(QRectF(left, area.top(), max(1.0, right - left), area.height()), colour(theme.selection, opacity))
    for x in (left, right):
        draw_line(painter, x, area, QPen(colour(theme.selection), 1))


def draw_line(painter: QPainter, x: float, area: QRectF, pen: QPen) -> None:
    """An upright line over a row, at a position inside it."""
    if area.left() <= x <= area.right():
        painter.setPen(pen)
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def playhead_pen(theme: Theme) -> QPen:
    """The pen of the playhead."""
    pen = QPen(colour(theme.playhead), 2)
    pen.setCosmetic(True)
    return pen


def hover_pen(theme: Theme) -> QPen:
    """The pen of the line under the mouse."""
    pen = QPen(colour(theme.none), 1, Qt.PenStyle.DotLine)
    pen.setCosmetic(True)
    return pen


def draw_focus(painter: QPainter, area: QRectF, theme: Theme, radius: float = 4.0) -> None:
    """The ring around what has the keyboard."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour(theme.accent), _FOCUS_PX))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inset = _FOCUS_PX / 2
    painter.drawRoundedRect(area.adjusted(inset, inset, -inset, -inset), radius, radius)
    painter.restore()


def draw_handle(painter: QPainter, x: float, top: float, theme: Theme) -> None:
    """The playhead's grip: a small triangle that points down at `top`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour(theme.playhead))
    painter.drawPolygon([QPointF(x - 5, top - 7), QPointF(x + 5, top - 7), QPointF(x, top)])
    painter.restore()
