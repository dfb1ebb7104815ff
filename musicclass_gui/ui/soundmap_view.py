"""The sound map itself: points on a plane, to hover over, to lasso, and to walk through with the arrow keys.

It knows places and marks, not what a point is; what is wished is told by signals, with points' numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip

from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.soundmap_points import inside, nearest, towards
from musicclass_gui.ui.timeline_paint import draw_focus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.ui.soundmap_points import Mark

_REACH_PX = 14.0
_LASSO_FROM_PX = 6.0
_HOVER_MS = 180
_MARGIN_PX = 16.0
_STRETCH = 2.0  # one direction is drawn at most so many times as long as the other
_ZOOM_STEP, _MOST_ZOOM = 1.25, 60.0


class MapView(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """Points on a plane. `hovered` comes when the mouse rests on a point, `heard` when one is asked for, −1 is none."""

    hovered = Signal(int)
    heard = Signal(int)
    current_changed = Signal(int)
    selected = Signal()

    def __init__(self, theme: Theme, words: Callable[[int], str]) -> None:
        super().__init__(viewBox=pg.ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0))
        self._theme, self._words = theme, words
        self._places: NDArray[np.float64] = np.empty((0, 2))
        self._zoom, self._centre = 1.0, np.zeros(2)
        self._held: QPointF | None = None
        self._lasso: list[QPointF] = []
        self._panned: QPointF | None = None
        self._under = -1
        self.current = -1
        self.selection: set[int] = set()
        self._rest = QTimer(self, singleShot=True, interval=_HOVER_MS)
        self._rest.timeout.connect(lambda: self.hovered.emit(self._under))
        self._dots, self._rings = pg.ScatterPlotItem(pxMode=True), pg.ScatterPlotItem(pxMode=True)
        self._build()
        self.set_theme(theme)

    def show_points(self, places: NDArray[np.float64], marks: Sequence[Mark]) -> None:
        """Show points at `places`, (n, 2), drawn as `marks`; what was selected is not any more."""
        self._places = places
        self.selection, self.current, self._under = set(), -1, -1
        self._zoom = 1.0
        self.show_marks(marks)
        self.fit()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Draw the same points in other marks."""
        paper = QColor(self._theme.surface)
        self._dots.setData(
            x=self._places[:, 0],
            y=self._places[:, 1],
            symbol=[mark.symbol for mark in marks],
            size=[mark.size for mark in marks],
            brush=[pg.mkBrush(mark.colour) if mark.filled else pg.mkBrush(None) for mark in marks],
            pen=[_pen(mark, paper) for mark in marks],
        )
        self._show_rings()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours; the marks come anew with `show_marks`."""
        self._theme = theme
        self.setBackground(theme.surface)
        self._show_rings()

    def fit(self) -> None:
        """Show all points."""
        self._zoom = 1.0
        if len(self._places):
            self._centre = (self._places.min(axis=0) + self._places.max(axis=0)) / 2
        self._apply()

    def zoom(self, factor: float, around: NDArray[np.float64] | None = None) -> None:
        """Show less, more closely, around a place of the plane."""
        factor = min(max(self._zoom * factor, 1.0), _MOST_ZOOM) / self._zoom
        place = self._centre if around is None else around
        self._zoom *= factor
        self._centre = place + (self._centre - place) / factor
        self._apply()

    def select(self, numbers: set[int]) -> None:
        """Select these points."""
        self.selection = numbers
        self._show_rings()
        self.selected.emit()

    def go_to(self, number: int) -> None:
        """Make a point the current one, and bring it into view."""
        self.current = number
        self._show_rings()
        if number >= 0:
            place = self.pixels()[number]
            if not self._area().adjusted(4, 4, -4, -4).contains(QPointF(*place)):
                self._centre = self._places[number].copy()
                self._apply()
        self.current_changed.emit(number)

    def pixels(self) -> NDArray[np.float64]:
        """Where the points are in the viewport, (n, 2)."""
        area, shown = self._area(), self.getViewBox().viewRect()
        x = area.left() + (self._places[:, 0] - shown.left()) / shown.width() * area.width()
        y = area.bottom() - (self._places[:, 1] - shown.top()) / shown.height() * area.height()
        return np.stack([x, y], axis=1)

    # Making it

    def _build(self) -> None:
        self.hideAxis("left")
        self.hideAxis("bottom")
        self.hideButtons()
        self.setMenuEnabled(False)
        self.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.addItem(self._dots)
        self.addItem(self._rings)
        self.setAccessibleName("Sound map")
        self.setAccessibleDescription("Arrow keys go to the next sound, Enter hears it, S selects it, A selects all, plus and minus zoom.")
        OwnKeys(self, {
            "Left": lambda: self._walk(-1, 0), "Right": lambda: self._walk(1, 0),
            "Up": lambda: self._walk(0, -1), "Down": lambda: self._walk(0, 1),
            "Space Return Enter": lambda: self.heard.emit(self.current),
            "S": self._toggle_current,
            "A Ctrl+A": lambda: self.select(set(range(len(self._places)))),
            "Esc": lambda: self.select(set()),
            "+ =": lambda: self.zoom(_ZOOM_STEP), "-": lambda: self.zoom(1 / _ZOOM_STEP), "0": self.fit,
        })  # fmt: skip

    def _area(self) -> QRectF:
        return QRectF(self.getViewBox().sceneBoundingRect())

    def _apply(self) -> None:
        """Let the view box show the part around the centre, in a scale that distorts no more than allowed."""
        area = self._area()
        if not len(self._places) or area.width() < 1 or area.height() < 1:
            return
        extent = np.maximum(np.ptp(self._places, axis=0), 1e-9)
        room = np.maximum(np.array([area.width(), area.height()]) - 2 * _MARGIN_PX, 20.0)
        scale = room / extent
        scale = np.minimum(scale, scale.min() * _STRETCH) * self._zoom
        half = np.array([area.width(), area.height()]) / scale / 2
        low, high = self._centre - half, self._centre + half
        self.getViewBox().setRange(xRange=(low[0], high[0]), yRange=(low[1], high[1]), padding=0)

    def _show_rings(self) -> None:
        chosen = sorted(self.selection)
        current = [self.current] if self.current >= 0 else []
        numbers = [*chosen, *current]
        pens = [pg.mkPen(self._theme.text, width=1.6)] * len(chosen) + [pg.mkPen(self._theme.accent, width=2.5)] * len(current)
        sizes = [17] * len(chosen) + [22] * len(current)
        places = self._places[numbers]
        self._rings.setData(x=places[:, 0], y=places[:, 1], symbol="o", brush=pg.mkBrush(None), pen=pens, size=sizes)

    # Keys

    def _walk(self, right: int, down: int) -> None:
        if not len(self._places):
            return
        places, area = self.pixels(), self._area()
        if self.current < 0:
            following = nearest(places, area.center().x(), area.center().y(), np.inf)
        else:
            following = towards(places, self.current, right, down)
        if following is not None:
            self.go_to(following)

    def _toggle_current(self) -> None:
        if self.current >= 0:
            self.select(self.selection ^ {self.current})

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: take hold."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = event.position()
        else:
            self._panned = event.position()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: draw the lasso, drag the plane, or look what is under the mouse."""
        here = event.position()
        if self._panned is not None:
            self._pan(here - self._panned)
            self._panned = here
        elif self._held is None:
            self._hover(here, event)
        elif self._lasso or (here - self._held).manhattanLength() > _LASSO_FROM_PX:
            self._lasso = [*(self._lasso or [self._held]), here]
            self.viewport().update()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: select what is inside the lasso, or what was clicked."""
        adding = bool(event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier))
        if self._held is not None and len(self._places):
            found = self._inside_lasso() if self._lasso else self._clicked(event.position())
            self.select((self.selection | found if self._lasso else self.selection ^ found) if adding else found)
        self._held, self._panned, self._lasso = None, None, []
        self.viewport().update()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: hear what was clicked twice; beside all points, show all."""
        found = nearest(self.pixels(), event.position().x(), event.position().y(), _REACH_PX)
        if found is None:
            self.fit()
        else:
            self.heard.emit(found)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """What Qt tells: zoom to the mouse."""
        here = self.getViewBox().mapSceneToView(self.mapToScene(event.position().toPoint()))
        self.zoom(_ZOOM_STEP ** (event.angleDelta().y() / 120), np.array([here.x(), here.y()]))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """What Qt tells: the mouse went away."""
        self._under = -1
        self._rest.stop()

    def _inside_lasso(self) -> set[int]:
        return set(inside(self.pixels(), np.array([[corner.x(), corner.y()] for corner in self._lasso])))

    def _clicked(self, here: QPointF) -> set[int]:
        found = nearest(self.pixels(), here.x(), here.y(), _REACH_PX)
        if found is not None:
            self.go_to(found)
        return set() if found is None else {found}

    def _hover(self, here: QPointF, event: QMouseEvent) -> None:
        found = nearest(self.pixels(), here.x(), here.y(), _REACH_PX)
        under = -1 if found is None else found
        if under == self._under:
            return
        self._under = under
        self._rest.stop()
        if under < 0:
            QToolTip.hideText()
            return
        QToolTip.showText(event.globalPosition().toPoint(), self._words(under), self)
        self._rest.start()

    def _pan(self, by: QPointF) -> None:
        shown, area = self.getViewBox().viewRect(), self._area()
        self._centre = self._centre + np.array([-by.x() / area.width() * shown.width(), by.y() / area.height() * shown.height()])
        self._apply()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: the points, then the lasso and the focus over them."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._lasso:
            ink = QColor(self._theme.accent)
            painter.setPen(QPen(ink, 1.5, Qt.PenStyle.DashLine))
            ink.setAlphaF(0.12)
            painter.setBrush(ink)
            painter.drawPolygon(QPolygonF(self._lasso))
        if self.hasFocus():
            draw_focus(painter, QRectF(self.viewport().rect()), self._theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        if hasattr(self, "_places"):  # pyqtgraph resizes while it is being made
            self._apply()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What Qt tells."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """What Qt tells."""
        super().focusOutEvent(event)
        self.viewport().update()


def _pen(mark: Mark, paper: QColor) -> QPen:
    """Filled marks are set off from each other by the ground's colour; lines are drawn in their own."""
    lines = not mark.filled or mark.symbol in ("x", "+")
    made = QPen(QColor(mark.colour) if lines else paper, 1.8 if lines else 0.8)
    made.setCosmetic(True)
    return made
