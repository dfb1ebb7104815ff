"""The timeline: overview, waveform, mel image and prediction lanes on one time axis, with playhead, selection and readout.

It draws a picture and answers and says by signals what the user wants; it must not know the player, the session, or
how a picture comes to be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from musicclass_gui.engine.mel import height_to_hz, hz_to_note, level_db
from musicclass_gui.ui.lanes import Lane
from musicclass_gui.ui.overview import Overview, peak_of
from musicclass_gui.ui.timeline_gestures import Gestures
from musicclass_gui.ui.timeline_items import Samples
from musicclass_gui.ui.timeline_paint import colour
from musicclass_gui.ui.timeline_plots import Plots
from musicclass_gui.ui.timeline_readout import Cursor, Readout
from musicclass_gui.ui.timeline_view import TimeView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.picture import Picture
    from musicclass_gui.engine.windows import Audio, Span

_MARGIN_PX = 14
_MEL_FLOOR_DB = -80.0
_PEAK_COLUMNS = 400
_ZOOM_STEP = 0.6
_PAN_STEP = 0.1  # of the view
_SEGMENT_MARGIN = 0.15  # of a segment, shown on both sides after zooming to it
_SAMPLES_AFTER_MS = 60  # of rest, so that a drag asks once
_SAMPLES_AROUND = 2.0  # of the view, asked for on both sides
_KEYS_HELP = (
    "Arrow keys move what is in view, plus and minus zoom, 0 shows all. "
    "[ and ] make the playhead the start and the end of the selection; with the mouse, drag while holding Shift."
)


class Timeline(QWidget):
    """All rows on one time axis; times are in seconds."""

    seek_requested = Signal(float)
    selection_changed = Signal(object)  # Span | None
    segment_activated = Signal(str, float, float)  # classifier, start, end
    cursor_moved = Signal(object)  # Cursor | None
    samples_wanted = Signal(float, float)  # answer with set_samples
    view_changed = Signal(float, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._picture: Picture | None = None
        self.lanes: list[Lane] = []
        self._selection: Span | None = None
        self._shown: object = None
        self._pointed: tuple[QWidget, QPointF] | None = None  # the row under the mouse, and where on it
        self._playhead_s = 0.0
        self._follows = True
        self._mel_look = ("", 0.0)
        self._view = TimeView(self)
        self._gestures = Gestures(self._view)
        self._asking = QTimer(self, singleShot=True, interval=_SAMPLES_AFTER_MS)
        self._build()
        self._connect()
        self.set_mel_look("magma", _MEL_FLOOR_DB)
        self.set_theme(theme)

    def _build(self) -> None:
        self._gutter = self.fontMetrics().horizontalAdvance("Composer") + 26
        self.overview = Overview(self._view, self._theme, self._gutter, _MARGIN_PX)
        self.plots = Plots(self._view, self._theme, self._gutter, _MARGIN_PX)
        self.plots.setAccessibleName("Waveform and mel spectrogram")
        self.plots.viewport().setAccessibleName("Waveform and mel spectrogram")
        self.plots.setAccessibleDescription(_KEYS_HELP)
        self.readout = Readout(self._theme, self._gutter, _MARGIN_PX)
        self._lane_box = QVBoxLayout()
        self._lane_box.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.overview)
        column.addWidget(self.plots, 1)
        column.addLayout(self._lane_box)
        column.addWidget(self.readout)

    def _connect(self) -> None:
        self._gestures.watch(self.plots.viewport(), self.plots.scale)
        self._gestures.clicked.connect(self._clicked)
        self._gestures.double_clicked.connect(self._double_clicked)
        self._gestures.hovered.connect(self._hovered)
        self._gestures.left.connect(self._left)
        self._gestures.selected.connect(self._select)
        self._view.changed.connect(self._view_moved)
        self._asking.timeout.connect(self._ask_for_samples)

    # what is shown

    def set_picture(self, picture: Picture | None, duration_s: float) -> None:
        """Show a recording; the same picture again only takes a better known duration and what was written since."""
        if picture is not self._picture:
            self._picture = picture
            self.plots.set_picture(picture)
            self.overview.set_picture(picture)
            self.set_selection(None)
            self.set_playhead(0.0)
            self._view.set_duration(0.0)
        self._view.set_duration(duration_s if math.isfinite(duration_s) else 0.0)
        self.picture_grew()

    def picture_grew(self) -> None:
        """Show what was written since; a recording of unknown length grows with it."""
        shown = (self._picture, self._view.duration_s, *((self._picture.ready_s, self._picture.complete) if self._picture else ()))
        if shown != self._shown:
            self._shown = shown
            self._show_growth()

    def _show_growth(self) -> None:
        if self._picture is not None and self._picture.ready_s > self._view.duration_s:
            self._view.set_duration(self._picture.ready_s)
        self.plots.picture_grew()
        self.overview.forget()
        self._fit_height()
        self._view_moved()

    def _fit_height(self) -> None:
        if self._picture is not None and self._view.duration_s > 0:
            self.plots.set_peak(peak_of(*self._picture.envelope(0.0, self._view.duration_s, _PEAK_COLUMNS)))

    def set_answers(self, answers: list[Answer], answered_s: float | None = None, expected: Sequence[str] = ()) -> None:
        """Show one lane per answer, or per classifier in `expected`, which may not have answered yet.

        What lies after `answered_s` is shown as not analysed yet; None: after the last segment, until all is read.
        """
        by_name = {answer.classifier: answer for answer in answers}
        names = list(expected) or list(by_name)
        if [lane.classifier for lane in self.lanes] != names:
            self._make_lanes(names)
        before = [lane.layout_of_answer for lane in self.lanes]
        for lane in self.lanes:
            answer = by_name.get(lane.classifier)
            lane.set_answer(answer, self._answered_s(answer) if answered_s is None else answered_s)
        layouts = [lane.layout_of_answer for lane in self.lanes]
        if layouts != before:
            self.overview.set_ribbons(layouts)

    def show_titles(self, title_of: Callable[[str], str]) -> None:
        """Head every lane with what `title_of` says of its classifier."""
        for lane in self.lanes:
            lane.set_title(title_of(lane.classifier))

    def _answered_s(self, answer: Answer | None) -> float:
        if self._picture is not None and self._picture.complete:
            return math.inf
        return answer.segments[-1].end_s if answer and answer.segments else 0.0

    def _make_lanes(self, names: list[str]) -> None:
        self._left()
        for lane in self.lanes:
            self._gestures.unwatch(lane)
            self._lane_box.removeWidget(lane)
            lane.deleteLater()
        self.lanes = [Lane(name, self._view, self._theme, self._gutter, _MARGIN_PX) for name in names]
        self.overview.set_ribbons([None] * len(names))
        before: QWidget = self.plots
        for lane in self.lanes:
            self._lane_box.addWidget(lane)
            self._gestures.watch(lane, lane.scale)
            lane.activated.connect(self.segment_activated)
            lane.set_playhead(self._playhead_s)
            lane.set_selection(self._selection)
            QWidget.setTabOrder(before, lane)
            before = lane

    def set_samples(self, start_s: float, rate: int, mono: Audio) -> None:
        """The samples that `samples_wanted` asked for, `mono` float32 at `rate` Hz from `start_s` on."""
        self.plots.set_samples(Samples(start_s, rate, mono))

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead; when it leaves the view that it was in and following is on, turn the page."""
        was_in_view = self._view.start_s <= self._playhead_s <= self._view.end_s
        self._playhead_s = time_s
        if self._follows and was_in_view and not self._view.start_s <= time_s < self._view.end_s:
            self._view.page_to(time_s)
        self.overview.set_playhead(time_s)
        self.plots.set_playhead(time_s)
        for lane in self.lanes:
            lane.set_playhead(time_s)

    def set_following(self, follows: bool) -> None:
        """Whether the view turns its page when the playhead leaves it."""
        self._follows = follows

    def set_selection(self, selection: Span | None) -> None:
        """Mark a span on all rows, or none; emits nothing."""
        self._selection = selection
        self.overview.set_selection(selection)
        self.plots.set_selection(selection)
        self._gestures.set_selection(selection)
        for lane in self.lanes:
            lane.set_selection(selection)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.overview.set_theme(theme)
        self.plots.set_theme(theme)
        self.readout.set_theme(theme)
        for lane in self.lanes:
            lane.set_theme(theme)
        self.readout.set_mel_look(self.plots.mel.table, self._mel_look[1])

    def set_mel_look(self, map_name: str, floor_db: float) -> None:
        """Choose the mel image's colours ("magma", "viridis", "grey") and the level (dB, −100 … −20) under which all is dark."""
        if (map_name, floor_db) == self._mel_look:
            return
        self._mel_look = (map_name, floor_db)
        self.plots.mel.set_look(map_name, floor_db)
        self.readout.set_mel_look(self.plots.mel.table, floor_db)

    def repaint_now(self) -> None:
        """Paint all rows before returning, as a benchmark needs it."""
        for row in (self.overview, self.plots.viewport(), *self.lanes, self.readout):
            row.repaint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: one ground for all rows."""
        QPainter(self).fillRect(event.rect(), colour(self._theme.surface))

    # the view

    def view_span(self) -> Span:
        """What is in view."""
        return self._view.span

    def set_view_span(self, start_s: float, end_s: float) -> None:
        """Show a span."""
        self._view.set_span(start_s, end_s)

    def reveal(self, time_s: float) -> None:
        """Bring a time into view, if it is not."""
        if not self._view.start_s <= time_s < self._view.end_s:
            self._view.page_to(time_s)

    def zoom_in(self) -> None:
        """Zoom in, to the playhead if it is in view, else to the middle."""
        self._view.zoom(_ZOOM_STEP, self._focus_s())

    def zoom_out(self) -> None:
        """Zoom out, the same way."""
        self._view.zoom(1 / _ZOOM_STEP, self._focus_s())

    def zoom_fit(self) -> None:
        """Show the whole recording."""
        self._view.fit()

    def zoom_to_selection(self) -> None:
        """Show the selection, if there is one."""
        if self._selection is not None:
            self._view.set_span(*self._selection)

    def _focus_s(self) -> float:
        middle = (self._view.start_s + self._view.end_s) / 2
        return self._playhead_s if self._view.start_s <= self._playhead_s <= self._view.end_s else middle

    def _view_moved(self) -> None:
        self.readout.set_view(self._view.span, self._view.duration_s)
        if self.plots.wave.wants_samples(self.plots.scale()):
            self._asking.start()
        if self._pointed is not None:
            row, point = self._pointed
            self._hovered(row, self.plots.scale().time(point.x()), point)
        self.view_changed.emit(*self._view.span)

    def _ask_for_samples(self) -> None:
        if self.plots.wave.wants_samples(self.plots.scale()):
            around = _SAMPLES_AROUND * self._view.length_s
            self.samples_wanted.emit(max(0.0, self._view.start_s - around), min(self._view.duration_s, self._view.end_s + around))

    # mouse and keys

    def _clicked(self, row: QWidget, time_s: float, point: QPointF) -> None:
        if isinstance(row, Lane):
            row.activate_at(time_s)
        else:
            self.seek_requested.emit(min(max(time_s, 0.0), self._view.duration_s))

    def _double_clicked(self, row: QWidget, time_s: float, point: QPointF) -> None:
        segment = row.segment_at(time_s) if isinstance(row, Lane) else None
        if segment is not None:
            self._select((segment.start_s, segment.end_s))
            margin = _SEGMENT_MARGIN * (segment.end_s - segment.start_s)
            self._view.set_span(segment.start_s - margin, segment.end_s + margin)

    def _select(self, selection: Span | None) -> None:
        self.set_selection(selection)
        self.selection_changed.emit(selection)

    def _select_from(self, start_s: float) -> None:
        kept = self._selection[1] if self._selection and self._selection[1] > start_s else self._view.duration_s
        if start_s < kept:
            self._select((start_s, kept))

    def _select_to(self, end_s: float) -> None:
        kept = self._selection[0] if self._selection and self._selection[0] < end_s else 0.0
        if kept < end_s:
            self._select((kept, end_s))

    def _hovered(self, row: QWidget, time_s: float, point: QPointF) -> None:
        self._pointed = row, point
        inside = self._view.start_s <= time_s <= self._view.end_s and time_s <= self._view.duration_s
        self._show_hover(row, time_s if inside else None)
        self._show_cursor(self._cursor_at(row, time_s, point) if inside else None)

    def _left(self) -> None:
        self._pointed = None
        self._show_hover(None, None)
        self._show_cursor(None)

    def _show_hover(self, row: QWidget | None, time_s: float | None) -> None:
        self.plots.set_hover(time_s)
        for lane in self.lanes:
            lane.set_hover(time_s, here=lane is row)

    def _show_cursor(self, cursor: Cursor | None) -> None:
        self.readout.set_cursor(cursor)
        self.cursor_moved.emit(cursor)

    def _cursor_at(self, row: QWidget, time_s: float, point: QPointF) -> Cursor:
        if isinstance(row, Lane):
            segment = row.segment_at(time_s)
            return Cursor(time_s, text=row.words_for(segment) if segment else "")
        if self.plots.mel_area().contains(point):
            return self._mel_cursor(time_s, point)
        return Cursor(time_s, db=self._wave_db(time_s)) if self.plots.wave_area().contains(point) else Cursor(time_s)

    def _mel_cursor(self, time_s: float, point: QPointF) -> Cursor:
        height = self.plots.mel_height(point.y())
        hz = height_to_hz(height)
        level = self._picture.mel_level_at(time_s, height, self.plots.scale().s_per_px) if self._picture else None
        return Cursor(time_s, hz, int(height), None if level is None else level_db(level), hz_to_note(hz))

    def _wave_db(self, time_s: float) -> float | None:
        if self._picture is None:
            return None
        width_s = self.plots.scale().s_per_px
        mins, maxs = self._picture.envelope(max(0.0, time_s - width_s / 2), time_s + width_s / 2, 1)
        peak = max(-float(mins[0]), float(maxs[0])) if mins.size else math.nan
        return None if math.isnan(peak) else 20 * math.log10(peak) if peak > 0 else -math.inf

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: keys that a row leaves to the timeline."""
        act = self._keys().get(Qt.Key(event.key()))
        if act is None or event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier):
            event.ignore()
        else:
            act()

    def _keys(self) -> dict[Qt.Key, Callable[[], None]]:
        step = self._view.length_s
        return {
            Qt.Key.Key_Left: lambda: self._view.pan(-_PAN_STEP * step),
            Qt.Key.Key_Right: lambda: self._view.pan(_PAN_STEP * step),
            Qt.Key.Key_PageUp: lambda: self._view.pan(-step),
            Qt.Key.Key_PageDown: lambda: self._view.pan(step),
            Qt.Key.Key_Home: lambda: self._view.pan(-self._view.start_s),
            Qt.Key.Key_End: lambda: self._view.pan(self._view.duration_s - self._view.end_s),
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Equal: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_0: self.zoom_fit,
            Qt.Key.Key_BracketLeft: lambda: self._select_from(self._playhead_s),
            Qt.Key.Key_BracketRight: lambda: self._select_to(self._playhead_s),
            Qt.Key.Key_Escape: lambda: self._select(None),
        }
