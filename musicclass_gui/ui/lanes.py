"""A lane: one classifier's answer along the time axis, in coloured and lettered segments that can be clicked and walked.

It draws an Answer and says what was chosen; it must not know how the answer was made, nor the player.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QHelpEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from musicclass_gui.app import kinds
from musicclass_gui.app.theme import class_colour, class_letter, mix, on_colour
from musicclass_gui.app.words import confidence_words, percent
from musicclass_gui.ui.axes import time_label
from musicclass_gui.ui.lane_layout import LaneLayout, Piece
from musicclass_gui.ui.timeline_paint import (
    Scale,
    colour,
    draw_focus,
    draw_line,
    draw_pending,
    draw_selection,
    hover_pen,
    playhead_pen,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.answers import Answer, Segment
    from musicclass_gui.engine.windows import Span
    from musicclass_gui.ui.timeline_view import TimeView

_HEIGHT_EM = 2.5
_RADIUS = 4.0
_ROUNDED_FROM_PX = 7.0
_TEXT_PADDING = 7.0
_CODE_PADDING = 2.5
_CODE_FROM_PX = 12.0
_HOVER_SHARE = 0.12
_PALEST = 0.5  # of the ground mixed into a segment of probability 0


_KEYS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Return, Qt.Key.Key_Enter}
_Text = tuple[str, float, int]  # what it says, the padding it wants, its width


class Lane(QWidget):
    """One answer in time; `gutter` pixels at the left hold its name, `margin` pixels at the right stay free."""

    activated = Signal(str, float, float)  # classifier, start and end in seconds

    def __init__(self, classifier: str, view: TimeView, theme: Theme, gutter: int, margin: int) -> None:
        super().__init__()
        self.classifier = classifier
        self.title = classifier[:1].upper() + classifier[1:]  # its name for people
        self._view, self._theme = view, theme
        self._gutter, self._margin = gutter, margin
        self._layout: LaneLayout | None = None
        self._answered_s = 0.0
        self._playhead_s = 0.0
        self._hover_s: float | None = None
        self._hovered: int | None = None
        self._current: int | None = None
        self._selection: Span | None = None
        self._known_colours: dict[tuple[str | None, str, bool], tuple[QColor, QColor]] = {}
        self._known_texts: dict[tuple[str | None, str], list[_Text]] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setProperty("restingCursor", Qt.CursorShape.PointingHandCursor.value)
        view.changed.connect(self.update)
        self._describe()

    def set_title(self, title: str) -> None:
        """Call the classifier by another name."""
        if title != self.title:
            self.title = title
            self._describe()
            self.update()

    @property
    def layout_of_answer(self) -> LaneLayout | None:
        """The segments by time, as the overview needs them too."""
        return self._layout

    @property
    def current(self) -> Segment | None:
        """The segment that the keyboard is on."""
        return self._layout.segments[self._current] if self._layout and self._current is not None else None

    def set_answer(self, answer: Answer | None, answered_s: float) -> None:
        """Show an answer, or that there is none yet; what lies after `answered_s` is not analysed."""
        if answered_s != self._answered_s:
            self._answered_s = answered_s
            self.update()
        if answer is not (self._layout.answer if self._layout else None):
            self._take(answer)

    def _take(self, answer: Answer | None) -> None:
        before = self.current
        self._layout = LaneLayout(answer) if answer else None
        self._current = self._layout.index_at((before.start_s + before.end_s) / 2) if before and self._layout else None
        self._hovered = None
        self._forget()
        self._describe()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self._forget()
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """What Qt tells: the font changed, among others."""
        self._forget()
        super().changeEvent(event)

    def _forget(self) -> None:
        self._known_colours.clear()
        self._known_texts.clear()

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead, painting only where it was and is."""
        before, self._playhead_s = self._playhead_s, time_s
        self._update_at(before)
        self._update_at(time_s)

    def set_hover(self, time_s: float | None, *, here: bool = False) -> None:
        """Draw a thin line at a time, or none; `here`: the mouse is on this lane."""
        before, self._hover_s = self._hover_s, time_s
        self._update_at(before)
        self._update_at(time_s)
        hovered = self._layout.index_at(time_s) if here and self._layout and time_s is not None else None
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()

    def set_selection(self, selection: Span | None) -> None:
        """Mark a span, or none."""
        self._selection = selection
        self.update()

    def scale(self) -> Scale:
        """Where times lie."""
        return Scale(self._view.start_s, self._view.end_s, self._gutter, max(1.0, self.width() - self._gutter - self._margin))

    def segment_at(self, time_s: float) -> Segment | None:
        """The segment at a time."""
        index = self._layout.index_at(time_s) if self._layout else None
        return self._layout.segments[index] if self._layout and index is not None else None

    def activate_at(self, time_s: float) -> None:
        """Choose the segment at a time, if there is one."""
        if self._layout is not None and (index := self._layout.index_at(time_s)) is not None:
            self._go_to(index)
            self._activate()

    def words_for(self, segment: Segment) -> str:
        """What a segment says, in words."""
        times = f"{time_label(segment.start_s, 1)}–{time_label(segment.end_s, 1)}"
        if segment.label is None:
            return f"{kinds.nothing(self._kind)}, {times}"
        if self._kind != kinds.CLASSES:
            return f"{segment.label}, {times}, {kinds.said(self._kind, segment.probability)}"
        return f"{segment.label}, {times}, {confidence_words(segment.probability)} ({percent(segment.probability)})"

    @property
    def _kind(self) -> str:
        return self._layout.answer.kind if self._layout else kinds.CLASSES

    def sizeHint(self) -> QSize:
        """What Qt asks."""
        return QSize(400, round(self.fontMetrics().height() * _HEIGHT_EM))

    def minimumSizeHint(self) -> QSize:
        """What Qt asks."""
        return QSize(self._gutter + self._margin + 80, self.sizeHint().height())

    def _update_at(self, time_s: float | None) -> None:
        if time_s is not None:
            self.update(round(self.scale().x(time_s)) - 3, 0, 6, self.height())

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks."""
        painter = QPainter(self)
        scale = self.scale()
        track = QRectF(scale.left, 3, scale.width, self.height() - 6)
        self._paint_name(painter, track)
        painter.save()
        painter.setClipRect(QRectF(scale.left, 0, scale.width, self.height()), Qt.ClipOperation.IntersectClip)
        self._paint_track(painter, track, scale, (event.rect().left() - 1.0, event.rect().right() + 2.0))
        self._paint_over(painter, QRectF(scale.left, 0, scale.width, self.height()), scale)
        painter.restore()
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()), self._theme)

    def _paint_name(self, painter: QPainter, track: QRectF) -> None:
        room = QRectF(0, track.top(), self._gutter - 9, track.height())
        painter.setPen(colour(self._theme.text))
        shown = painter.fontMetrics().elidedText(self.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_track(self, painter: QPainter, track: QRectF, scale: Scale, clip: tuple[float, float]) -> None:
        painter.fillRect(track, colour(mix(self._theme.surface, self._theme.raised, 0.5)))
        pending = max(track.left(), scale.x(self._answered_s)), min(track.right(), scale.x(self._view.duration_s))
        if self._answered_s < self._view.duration_s:
            draw_pending(painter, QRectF(pending[0], track.top(), pending[1] - pending[0], track.height()), self._theme, "Not analysed yet")
        for piece in () if self._layout is None else self._layout.pieces(scale, (max(track.left(), clip[0]), min(track.right(), clip[1]))):
            self._paint_piece(painter, track, piece)

    def _paint_piece(self, painter: QPainter, track: QRectF, piece: Piece) -> None:
        gap = 1.0 if piece.right - piece.left > 3 else 0.0
        box = QRectF(piece.left, track.top(), max(1.0, piece.right - piece.left - gap), track.height())
        fill, ink = self._colours(piece)
        self._paint_box(painter, box, piece, fill)
        if box.width() > _CODE_FROM_PX:
            self._paint_text(painter, box, piece, fill, ink)

    def _colours(self, piece: Piece) -> tuple[QColor, QColor]:
        """The colours of a piece and of text on it."""
        key = (piece.label, percent(piece.probability), piece.index is not None and piece.index == self._hovered)
        if key not in self._known_colours:
            fill = self._fill(piece.label, piece.probability, key[2])
            self._known_colours[key] = colour(fill), colour(on_colour(fill))
        return self._known_colours[key]

    def _fill(self, label: str | None, probability: float, hovered: bool) -> str:
        assert self._layout is not None
        if label is None:
            fill = mix(self._theme.none, self._theme.surface, 0.72)
        else:
            plain = class_colour(self._theme, label, self._layout.labels, self._layout.answer.colours)
            fill = mix(plain, self._theme.surface, (1 - min(max(probability, 0.0), 1.0)) * _PALEST)
        return mix(fill, self._theme.text, _HOVER_SHARE) if hovered else fill

    def _paint_box(self, painter: QPainter, box: QRectF, piece: Piece, fill: QColor) -> None:
        if box.width() < _ROUNDED_FROM_PX:
            painter.fillRect(box, fill)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._outline(piece))
        painter.setBrush(fill)
        painter.drawRoundedRect(box, _RADIUS, _RADIUS)
        if piece.label is None:
            painter.setBrush(QBrush(colour(self._theme.none, 0.8), Qt.BrushStyle.FDiagPattern))
            painter.drawRoundedRect(box, _RADIUS, _RADIUS)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _outline(self, piece: Piece) -> QPen:
        if piece.index is not None and piece.index == self._current and self.hasFocus():
            return QPen(colour(self._theme.text), 2)
        return QPen(Qt.PenStyle.NoPen)

    def _paint_text(self, painter: QPainter, box: QRectF, piece: Piece, fill: QColor, ink: QColor) -> None:
        text, padding, width = next((t for t in self._texts(painter, piece) if t[2] + 2 * t[1] <= box.width()), ("", 0.0, 0))
        place = box.adjusted(padding, 0, -padding, 0)
        if piece.label is None and text:
            self._paint_plate(painter, place, width, fill)
        painter.setPen(ink)
        align = Qt.AlignmentFlag.AlignHCenter if padding == _CODE_PADDING else Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, align | Qt.AlignmentFlag.AlignVCenter, text)

    def _texts(self, painter: QPainter, piece: Piece) -> list[_Text]:
        """What can be written on a piece, the longest first."""
        key = (piece.label, percent(piece.probability) if piece.index is not None and piece.label is not None else "")
        if key not in self._known_texts:
            assert self._layout is not None
            full, metrics = piece.label or kinds.nothing(self._kind), painter.fontMetrics()
            texts = [(full, _TEXT_PADDING), (class_letter(piece.label, self._layout.labels), _CODE_PADDING)]
            if key[1]:
                texts.insert(0, (f"{full}   {key[1]}", _TEXT_PADDING))
            self._known_texts[key] = [(text, padding, metrics.horizontalAdvance(text)) for text, padding in texts]
        return self._known_texts[key]

    def _paint_plate(self, painter: QPainter, place: QRectF, width: int, fill: QColor) -> None:
        """A plain ground under text on hatching."""
        height = painter.fontMetrics().height()
        painter.fillRect(QRectF(place.left() - 3, place.center().y() - height / 2, width + 6, height), fill)

    def _paint_over(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        draw_selection(painter, area, scale, self._selection, self._theme, opacity=0.1)
        if self._hover_s is not None:
            draw_line(painter, scale.x(self._hover_s), area, hover_pen(self._theme))
        draw_line(painter, scale.x(self._playhead_s), area, playhead_pen(self._theme))

    # keyboard, tool tip, words

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: walk the segments and choose one."""
        key, steps = Qt.Key(event.key()), {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        last = len(self._layout.segments) - 1 if self._layout else -1
        if not self._uses(event):
            event.ignore()
        elif key in steps:
            self._go_to(min(max(self._nearest() + steps[key] * (self._current is not None), 0), last))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go_to(0 if key == Qt.Key.Key_Home else last)
        else:
            self._go_to(self._nearest())
            self._activate()

    def _uses(self, event: QKeyEvent) -> bool:
        """Whether a key is one that walks or plays segments, and there are some."""
        alone = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return bool(alone and Qt.Key(event.key()) in _KEYS and self._layout and self._layout.segments)

    def _nearest(self) -> int:
        """Where the keyboard is, or would begin: at the playhead if that is in view, else at the first in view."""
        assert self._layout is not None
        if self._current is not None:
            return self._current
        time_s = self._playhead_s if self._view.start_s <= self._playhead_s < self._view.end_s else self._view.start_s
        ends = [segment.end_s for segment in self._layout.segments]
        return next((index for index, end_s in enumerate(ends) if end_s > time_s), len(ends) - 1)

    def _go_to(self, index: int) -> None:
        assert self._layout is not None
        self._current = index
        segment = self._layout.segments[index]
        self._describe()
        self._view.reveal(segment.start_s, segment.end_s)
        self.update()

    def _activate(self) -> None:
        if (segment := self.current) is not None:
            self.activated.emit(self.classifier, segment.start_s, segment.end_s)

    def _describe(self) -> None:
        self.setAccessibleName(f"{self.title} over time")
        count = len(self._layout.segments) if self._layout else 0
        where = (
            f"Segment {self._current + 1} of {count}: {self.words_for(self.current)}. "
            if self._current is not None and self.current
            else ""
        )
        self.setAccessibleDescription(where + f"{count} segments. Left and Right walk them, Enter plays one.")

    def event(self, event: QEvent) -> bool:
        """What Qt tells: a tool tip is wanted, or a key that the window has a shortcut on is pressed, among others."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._uses(event):
            event.accept()
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tip(event.pos(), event.globalPos())
            return True
        return super().event(event)

    def tip_at(self, point: QPoint | QPointF) -> str:
        """The tool tip for a point."""
        if point.x() < self._gutter:
            return f"{self.title}, heard by the encoder “{self._layout.answer.encoder}”" if self._layout else self.title
        time_s = self.scale().time(point.x())
        segment = self.segment_at(time_s)
        if segment is None:
            return "Not analysed yet" if self._answered_s <= time_s < self._view.duration_s else ""
        return f"{self.words_for(segment)}\nClick to hear it, double-click to zoom to it"

    def _show_tip(self, point: QPoint, screen: QPoint) -> None:
        text = self.tip_at(point)
        QToolTip.showText(screen, text, self) if text else QToolTip.hideText()
