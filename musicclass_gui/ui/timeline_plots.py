"""The two plots on one time axis: waveform above, mel image below, with their axes, playhead and selection.

It draws what it is given; it must not know the answers, the player, or how the mouse moves the view.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from musicclass_gui.engine.mel import MEL_BANDS
from musicclass_gui.ui.axes import AmplitudeAxis, HertzAxis, TimeAxis
from musicclass_gui.ui.timeline_items import WAVE_HEIGHT, MelItem, OverlayItem, Samples, WaveItem
from musicclass_gui.ui.timeline_paint import Scale, draw_focus, draw_handle, hover_pen, playhead_pen, small_font

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.picture import Picture
    from musicclass_gui.engine.windows import Span
    from musicclass_gui.ui.timeline_view import TimeView

_RULER_PX = 26
_GAP_PX = 6
_LEAST_PX = (170, 220)
_MOST_DOUBLINGS = 9  # 54 dB
_REASONS_TO_COME_BACK = (
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)


class Plots(pg.GraphicsLayoutWidget):  # type: ignore[misc] # pyqtgraph has no types
    """Waveform and mel image; `gutter` pixels at the left hold the axes, `margin` pixels at the right stay free."""

    def __init__(self, view: TimeView, theme: Theme, gutter: int, margin: int) -> None:
        super().__init__()
        self._view, self._theme = view, theme
        self._gutter, self._margin = gutter, margin
        self._playhead_s = 0.0
        self._ringed = False
        self.setObjectName("timeline_plots")
        self.setMinimumSize(*_LEAST_PX)
        self.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self._build()
        self.set_theme(theme)
        view.changed.connect(self.follow_view)

    def _build(self) -> None:
        grid = self.ci.layout
        self.ci.setContentsMargins(0, 0, self._margin, 0)
        self.ci.setSpacing(0)
        self._time_axis, self._amplitude_axis, self._hertz_axis = TimeAxis(), AmplitudeAxis(), HertzAxis(MEL_BANDS)
        self.wave_box, self.mel_box = (pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0) for _ in range(2))
        self._boxes = (self.wave_box, self.mel_box)
        self.ci.addItem(self._time_axis, 0, 1)
        self._add_row(1, self._amplitude_axis, self.wave_box)
        self._add_row(2, self._hertz_axis, self.mel_box)
        self._time_axis.linkToView(self.wave_box)
        self._time_axis.setHeight(_RULER_PX)
        grid.setRowSpacing(1, _GAP_PX)
        grid.setRowStretchFactor(1, 3)
        grid.setRowStretchFactor(2, 4)
        self.wave_box.setYRange(-WAVE_HEIGHT, WAVE_HEIGHT)
        self.mel_box.setYRange(0, MEL_BANDS)
        self.wave = WaveItem(self.wave_box, self._view, self._theme)
        self.mel = MelItem(self.mel_box, self._view, self._theme)
        self._overlays = [OverlayItem(box, self._view, self._theme) for box in self._boxes]
        self._playheads, self._hovers = self._add_lines(), self._add_lines()
        for line in self._hovers:
            line.hide()

    def _add_row(self, row: int, axis: pg.AxisItem, box: pg.ViewBox) -> None:
        axis.setWidth(self._gutter)
        axis.linkToView(box)
        self.ci.addItem(axis, row, 0)
        self.ci.addItem(box, row, 1)

    def _add_lines(self) -> list[pg.InfiniteLine]:
        lines = [pg.InfiniteLine(angle=90, movable=False) for _ in self._boxes]
        for box, line in zip(self._boxes, lines, strict=True):
            box.addItem(line, ignoreBounds=True)
        return lines

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.setBackground(theme.surface)
        font = small_font(self.font())
        for axis in (self._time_axis, self._hertz_axis, self._amplitude_axis):
            axis.set_theme(theme, font)
        for item in (self.wave, self.mel, *self._overlays):
            item.set_theme(theme)
        for line in self._playheads:
            line.setPen(playhead_pen(theme))
            line.setZValue(10)
        for line in self._hovers:
            line.setPen(hover_pen(theme))

    def set_picture(self, picture: Picture | None) -> None:
        """Show another recording, or none."""
        self.wave.set_picture(picture)
        self.mel.set_picture(picture)

    def picture_grew(self) -> None:
        """Show what was written since."""
        self.wave.forget()
        self.mel.forget()

    def set_peak(self, peak: float) -> None:
        """Give the waveform of a quiet recording more height, in steps of 6 dB; `peak` is its greatest amplitude."""
        reach = WAVE_HEIGHT * 0.5 ** min(max(0, math.floor(-math.log2(max(peak, 1e-9)))), _MOST_DOUBLINGS)
        self.wave_box.setYRange(-reach, reach)
        self.wave.set_reach(reach)

    def set_samples(self, samples: Samples) -> None:
        """Show real samples where they cover the view."""
        self.wave.set_samples(samples)

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead."""
        self._playhead_s = time_s
        for line in self._playheads:
            line.setValue(time_s)
        self._update_ruler()

    def set_hover(self, time_s: float | None) -> None:
        """Draw a thin line at a time, or none."""
        for line in self._hovers:
            line.setVisible(time_s is not None)
            if time_s is not None:
                line.setValue(time_s)

    def set_selection(self, selection: Span | None) -> None:
        """Mark a span, or none."""
        for overlay in self._overlays:
            overlay.set_selection(selection)

    def follow_view(self) -> None:
        """Show what the view says."""
        self._time_axis.set_known(self._view.duration_s > 0)
        for box in self._boxes:
            box.setXRange(*self._view.span)
        self._update_ruler()

    def scale(self) -> Scale:
        """Where times lie, in pixels of the viewport."""
        area = self.wave_area()
        return Scale(self._view.start_s, self._view.end_s, area.left(), max(1.0, area.width()))

    def wave_area(self) -> QRectF:
        """The waveform's place in the viewport."""
        return QRectF(self.wave_box.sceneBoundingRect())

    def mel_area(self) -> QRectF:
        """The mel image's place in the viewport."""
        return QRectF(self.mel_box.sceneBoundingRect())

    def mel_height(self, y: float) -> float:
        """The height in the mel image, in bands, at a position in the viewport."""
        area = self.mel_area()
        return float(min(max((area.bottom() - y) / area.height() * MEL_BANDS, 0.0), MEL_BANDS - 1e-6))

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: the plots, then the playhead's grip and the focus over them."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        scale, area = self.scale(), self.wave_area()
        x = scale.x(self._playhead_s)
        if area.left() <= x <= area.right():
            draw_handle(painter, x, area.top(), self._theme)
        if self.hasFocus() and self._ringed:
            draw_focus(painter, QRectF(self.viewport().rect()), self._theme)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What Qt tells: the ring, which a click does not need, is around all of it, so all of it is painted anew."""
        super().focusInEvent(event)
        if event.reason() not in _REASONS_TO_COME_BACK:
            self._ringed = event.reason() != Qt.FocusReason.MouseFocusReason
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """What Qt tells."""
        super().focusOutEvent(event)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: keys belong to the timeline, not to the scene."""
        event.ignore()

    def _update_ruler(self) -> None:
        self.viewport().update(0, 0, self.viewport().width(), round(self.wave_area().top()) + 1)
