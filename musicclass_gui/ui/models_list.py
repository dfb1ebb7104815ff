"""The list of encoders: two lines each, with the state in words and as a picture, the size, and the licence as a badge.

It draws rows that it is given; it knows no session and does nothing to an encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from musicclass_gui.app import icons
from musicclass_gui.app import theme as themes
from musicclass_gui.ui import models_words
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.models import Models
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.models import ModelRow

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
"""The ModelRow of an index."""

_HEIGHT_EM = 3.7
_PADDING = 12
_GAP = 14
_ICON = 16
_NOWHERE = QModelIndex()


class RowsList(QAbstractListModel):
    """The rows that are shown. Which of them changed is told to the view; that a list is another one, too."""

    def __init__(self, models: Models) -> None:
        super().__init__()
        self._models = models
        self._rows: list[ModelRow] = []

    def show_rows(self, rows: Sequence[ModelRow]) -> None:
        """Show these."""
        if [row.id for row in rows] != [row.id for row in self._rows]:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return
        self._rows = list(rows)
        if rows:
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def place_of(self, encoder: str) -> QModelIndex:
        """Where an encoder is, or nowhere."""
        place = next((place for place, row in enumerate(self._rows) if row.id == encoder), -1)
        return self.index(place) if place >= 0 else QModelIndex()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """What Qt asks: how many there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What Qt asks of a row: its title, how it is spoken, what its tool tip is."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return models_words.spoken(row, self._models)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.title}\n{models_words.in_one_line(row)}"
        return row.title if role == Qt.ItemDataRole.DisplayRole else None


class RowPainter(QStyledItemDelegate):
    """Draws a row: title and state, what it is good at, licence and size."""

    def __init__(self, models: Models, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self._models, self._theme = models, theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """What Qt asks: the room that it needs."""
        return QSize(280, round(option.fontMetrics.height() * _HEIGHT_EM))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """What Qt asks: draw it."""
        row, theme = index.data(ROW_ROLE), self._theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_ground(painter, option, theme)
        inner = QRectF(option.rect).adjusted(_PADDING, 6, -_PADDING, -6)
        half = inner.height() / 2
        upper = QRectF(inner.left(), inner.top(), inner.width(), half)
        lower = upper.translated(0, half)
        strong = QFont(option.font)
        strong.setWeight(QFont.Weight.DemiBold)
        upper.setRight(self._draw_state(painter, upper, row, option.font, theme) - _GAP)
        _write(painter, upper, row.title, strong, theme.text)
        lower.setRight(self._draw_facts(painter, lower, row, option.font, theme) - _GAP)
        _write(painter, lower, models_words.in_one_line(row), option.font, theme.text_muted)
        painter.restore()

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, theme: Theme) -> None:
        area = QRectF(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(themes.mix(theme.surface, theme.accent, 0.16)))
            painter.fillRect(QRectF(area.left(), area.top(), 3, area.height()), QColor(theme.accent))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(themes.mix(theme.surface, theme.raised, 0.6)))
        painter.setPen(QPen(QColor(theme.grid), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))

    def _draw_state(self, painter: QPainter, room: QRectF, row: ModelRow, font: QFont, theme: Theme) -> float:
        """Draw the state at the right; where it begins."""
        state = models_words.state_of(row, self._models)
        ink = getattr(theme, state.ink)
        left = room.right() - QFontMetrics(font).horizontalAdvance(state.words) - _ICON - 6
        painter.drawPixmap(round(left), round(room.center().y() - _ICON / 2), icons.pixmap(state.icon, ink, _ICON))
        _write(painter, room, state.words, font, ink, right=True)
        return left

    def _draw_facts(self, painter: QPainter, room: QRectF, row: ModelRow, font: QFont, theme: Theme) -> float:
        """Draw licence and size at the right; where they begin."""
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * 0.88)
        size = models_words.size(row)
        width = QFontMetrics(small).horizontalAdvance(size)
        _write(painter, room, size, small, theme.text_muted, right=True)
        words_ = models_words.badge(row)
        wide = QFontMetrics(small).horizontalAdvance(words_) + 14
        pill = QRectF(room.right() - width - (9 if size else 0) - wide, room.center().y() - 9, wide, 18)
        ink = theme.warn if row.restricted else theme.text_muted
        painter.setPen(QPen(QColor(themes.mix(ink, theme.surface, 0.55)), 1))
        painter.setBrush(QColor(themes.mix(theme.surface, ink, 0.07)))
        painter.drawRoundedRect(pill, 9, 9)
        painter.setFont(small)
        painter.setPen(QColor(ink))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words_)
        return pill.left()


class EncoderList(QListView):
    """The list. `chosen` carries the id of the encoder that is looked at now, or ""; Enter emits `activated`, as a double click does."""

    chosen = Signal(str)

    def __init__(self, models: Models, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self.rows = RowsList(models)
        self._painter = RowPainter(models, theme)
        self._filling = False
        self.setModel(self.rows)
        self.setItemDelegate(self._painter)
        self.setAccessibleName("Encoders")
        self.setFrameShape(QFrame.Shape.NoFrame)
        set_role(self, "flat")
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.selectionModel().currentChanged.connect(self._changed)

    @property
    def current(self) -> str:
        """The id of the encoder that is looked at, or empty."""
        row = self.currentIndex().data(ROW_ROLE)
        return row.id if row is not None else ""

    def show_rows(self, rows: Sequence[ModelRow]) -> None:
        """Show these; what was looked at still is, if it is among them, else the first of them."""
        before = self.current
        self._filling = True
        self.rows.show_rows(rows)
        place = self.rows.place_of(before)
        if not place.isValid() and rows:
            place = self.rows.index(0)
        if place.isValid() and place != self.currentIndex():
            self.setCurrentIndex(place)
        self._filling = False
        if self.current != before:
            self.chosen.emit(self.current)

    def choose(self, encoder: str) -> None:
        """Look at this encoder, if it is shown."""
        place = self.rows.place_of(encoder)
        if place.isValid():
            self.setCurrentIndex(place)
            self.scrollTo(place)

    def _changed(self) -> None:
        if not self._filling:
            self.chosen.emit(self.current)


def _write(painter: QPainter, room: QRectF, words_: str, font: QFont, ink: str, *, right: bool = False) -> None:
    painter.setFont(font)
    painter.setPen(QColor(ink))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    shown = QFontMetrics(font).elidedText(words_, Qt.TextElideMode.ElideRight, int(room.width()))
    painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, shown)
