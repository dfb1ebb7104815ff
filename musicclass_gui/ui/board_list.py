"""The examples of one class as rows with pictures: drawn by a delegate, so that a thousand cost no more than ten.

It says what the user wishes by signals; it knows neither the session nor the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from musicclass_gui.app import icons
from musicclass_gui.app import theme as themes
from musicclass_gui.ui.board_models import EXAMPLE_ROLE, ExampleRow, ExamplesModel
from musicclass_gui.ui.minimel import PICTURE
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.timeline_paint import small_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex
    from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QMouseEvent, QPixmap

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.ui.minimel import Pictures

    Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT = 42
_PLAY = 24
_PAD = 6


def play_mark(row: QRect) -> QRect:
    """Where a row of the list has its play mark."""
    return QRect(row.left() + _PAD, row.center().y() - _PLAY // 2 + 1, _PLAY, _PLAY)


class ExampleDelegate(QStyledItemDelegate):
    """Draws an example: play mark, picture, name, and what is to be said of it."""

    def __init__(self, pictures: Pictures, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._marks: dict[str, QPixmap] = {}
        self._theme = theme

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self._marks.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """What Qt asks: the room a row needs."""
        return QSize(120, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row = index.data(EXAMPLE_ROLE)
        painter.save()
        self._draw_ground(painter, option)
        mark = play_mark(option.rect)
        hot = bool(option.state & QStyle.StateFlag.State_MouseOver)
        self._draw_mark(painter, mark, row, hot=hot)
        left = mark.right() + _PAD
        if option.rect.width() >= 200:
            self._draw_picture(painter, QRect(left, option.rect.center().y() - PICTURE[1] // 2 + 1, *PICTURE), row)
            left += PICTURE[0] + 8
        self._draw_words(painter, QRect(QPoint(left, option.rect.top() + 4), option.rect.bottomRight() - QPoint(_PAD, 3)), row)
        painter.restore()

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        box = QRectF(option.rect).adjusted(1, 1, -1, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        share = 0.22 if chosen else 0.08 if over else 0.0
        painter.setBrush(QColor(themes.mix(self._theme.surface, self._theme.accent, share)) if share else Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.accent), 1.5) if focused else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box, 5, 5)

    def _draw_mark(self, painter: QPainter, box: QRect, row: ExampleRow, *, hot: bool) -> None:
        name = "warn" if row.example.missing else "play"
        token = "bad" if row.example.missing else "accent" if hot else "text_muted"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.raised))
        painter.drawEllipse(box)
        key = f"{name} {token}"
        if key not in self._marks:
            self._marks[key] = icons.pixmap(name, getattr(self._theme, token), 14)
        painter.drawPixmap(box.center() - QPoint(6, 6), self._marks[key])

    def _draw_picture(self, painter: QPainter, box: QRect, row: ExampleRow) -> None:
        example = row.example
        drawn = self._pictures.pixmap(example.hash, example.start_s, example.end_s)
        painter.setOpacity(0.45 if example.missing else 1.0)
        if drawn is None:
            painter.fillRect(box, QColor(self._theme.raised))
        else:
            painter.drawPixmap(box, drawn)
        painter.setOpacity(1.0)

    def _draw_words(self, painter: QPainter, box: QRect, row: ExampleRow) -> None:
        theme, metrics = self._theme, painter.fontMetrics()
        painter.setPen(QColor(theme.text_muted if row.example.missing else theme.text))
        name = metrics.elidedText(row.example.name, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setFont(small_font(painter.font()))
        painter.setPen(QColor(theme.bad if row.example.missing else theme.warn if row.wrong else theme.text_muted))
        detail = painter.fontMetrics().elidedText(row.detail, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, detail)


class ExampleList(QListView):
    """The examples of one class. `wished` carries "move", "take_out" or "rename"; `left` −1 or 1, the side to leave to."""

    heard = Signal(object)  # an ExampleView
    wished = Signal(str)
    left = Signal(int)
    asked_menu = Signal(QPoint)
    focused = Signal()  # the focus came or went

    def __init__(self, pictures: Pictures, theme: Theme) -> None:
        super().__init__()
        self.model_ = ExamplesModel(theme)
        self.setModel(self.model_)
        self.delegate = ExampleDelegate(pictures, theme, self)
        self.setItemDelegate(self.delegate)
        self._dress()
        self._own_keys()
        pictures.arrived.connect(self.viewport().update)

    def _dress(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.viewport().setAcceptDrops(False)  # what is dropped is for the card
        self.setMouseTracking(True)
        self.setStyleSheet("QListView { border: none; background: transparent; padding: 0 }")

    def show_rows(self, rows: Sequence[ExampleRow]) -> None:
        """Show these examples; while the keys are here one stays chosen."""
        self.model_.show_rows(rows)
        if self.hasFocus():
            self._choose_one()

    def chosen(self) -> list[int]:
        """The chosen examples' ids."""
        return [self.model_.row_at(index.row()).example.id for index in sorted(self.selectedIndexes())]

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.delegate.set_theme(theme)
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: on a play mark, hear; elsewhere choose."""
        index = self.indexAt(event.position().toPoint())
        on_mark = index.isValid() and play_mark(self.visualRect(index)).contains(event.position().toPoint())
        if on_mark and event.button() == Qt.MouseButton.LeftButton:
            self.setCurrentIndex(index)
            self._hear(index)
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """What Qt tells: hear what was clicked twice."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and not play_mark(self.visualRect(index)).contains(event.position().toPoint()):
            self._hear(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What Qt asks: what can be done here."""
        self.asked_menu.emit(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What Qt tells; keys need an example to be about, while a click chooses one itself."""
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.MouseFocusReason:
            self._choose_one()
        self.focused.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """What Qt tells."""
        super().focusOutEvent(event)
        self.focused.emit()

    def _choose_one(self) -> None:
        if self.selectedIndexes() or not self.model_.rowCount():
            return
        here = self.currentIndex()
        flags = self.selectionModel().SelectionFlag
        self.selectionModel().setCurrentIndex(here if here.isValid() else self.model_.index(0, 0), flags.ClearAndSelect)

    def _own_keys(self) -> OwnKeys:
        return OwnKeys(self, {
            "Space Return Enter": lambda: self._hear(self.currentIndex()),
            "M": lambda: self.wished.emit("move"),
            "Delete Backspace": lambda: self.wished.emit("take_out"),
            "F2": lambda: self.wished.emit("rename"),
            "Left": lambda: self.left.emit(-1),
            "Right": lambda: self.left.emit(1),
        })  # fmt: skip

    def _hear(self, index: QModelIndex) -> None:
        if index.isValid():
            self.heard.emit(self.model_.row_at(index.row()).example)
