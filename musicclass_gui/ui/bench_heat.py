"""A table of numbers whose cells are shaded by how much they are: confusion counts, accuracies over sessions.

It knows rows, columns, texts and shares; nothing of what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from musicclass_gui.app import theme as themes
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QKeyEvent, QResizeEvent

    from musicclass_gui.app.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
SHARE_ROLE = Role.UserRole + 1
KIND_ROLE = Role.UserRole + 2
_NOWHERE = QModelIndex()
_LEAST_SIZE, _MOST_SIZE = 30, 110
_ROW = 30


@dataclass(frozen=True)
class Spot:
    """One cell: its text, how dark it is from 0 to 1 (None: empty), "good" or "bad" for its colour, and its spoken sentence."""

    text: str
    share: float | None
    kind: str = "good"
    tip: str = ""


class HeatModel(QAbstractTableModel):
    """Spots with titles of rows and columns."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[str, ...] = ()
        self.columns: tuple[str, ...] = ()
        self._spots: list[list[Spot]] = []
        self.widest = ""

    def show_spots(self, rows: Sequence[str], columns: Sequence[str], spots: list[list[Spot]]) -> None:
        """Show these."""
        self.beginResetModel()
        self.rows, self.columns, self._spots = tuple(rows), tuple(columns), spots
        self.widest = max((spot.text for line in spots for spot in line), key=len, default="")
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """What Qt asks: how many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """What Qt asks: how many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """What Qt asks: a title."""
        titles = self.columns if orientation == Qt.Orientation.Horizontal else self.rows
        return titles[section] if role in (Role.DisplayRole, Role.ToolTipRole) and section < len(titles) else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """What Qt asks of a cell."""
        if not index.isValid():
            return None
        spot = self._spots[index.row()][index.column()]
        values = {Role.DisplayRole: spot.text, Role.ToolTipRole: spot.tip, Role.AccessibleTextRole: spot.tip, SHARE_ROLE: spot.share}
        return values.get(role, spot.kind if role == KIND_ROLE else None)


class _Shades(QStyledItemDelegate):
    """Paints a spot."""

    def __init__(self, theme: Callable[[], Theme], parent: QTableView) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """What Qt asks: draw it."""
        theme, share = self._theme(), index.data(SHARE_ROLE)
        area = QRectF(option.rect).adjusted(1, 1, -1, -1)
        ground = theme.surface
        if share is not None:
            ground = themes.mix(theme.surface, theme.accent if index.data(KIND_ROLE) == "good" else theme.bad, 0.06 + 0.8 * share)
        painter.save()
        painter.fillRect(area, QColor(ground))
        painter.setPen(QColor(themes.on_colour(ground) if share else theme.text_muted))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(index.data() or ""))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(theme.text), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        painter.restore()


class _Titles(QHeaderView):
    """Titles of columns that stand upright where there is too little room for them."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self.upright = False

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        hint = super().sizeHint()
        titles = [str(self.model().headerData(place, self.orientation())) for place in range(self.count())] if self.upright else []
        return QSize(hint.width(), max([hint.height(), *(self.title_width(title) + 16 for title in titles)]))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """What Qt asks: draw a title."""
        if not self.upright:
            super().paintSection(painter, rect, section)
            return
        painter.save()
        painter.setFont(self._bold())
        painter.setPen(self.palette().placeholderText().color())
        painter.translate(rect.left(), rect.bottom() + 1)
        painter.rotate(-90)
        area = QRectF(8, 0, rect.height() - 12, rect.width())
        title = str(self.model().headerData(section, self.orientation()))
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.restore()

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def title_width(self, title: str) -> int:
        """How wide a title is."""
        return QFontMetrics(self._bold()).horizontalAdvance(title)


class HeatTable(QTableView):
    """The table; `chosen` carries the row and column that are looked at, Enter emits `activated`."""

    chosen = Signal(int, int)

    def __init__(self, name: str, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self.spots = HeatModel()
        self._titles = _Titles(self)
        self.setHorizontalHeader(self._titles)
        self.setModel(self.spots)
        self.setItemDelegate(_Shades(theme, self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        set_role(self, "flat")
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setCornerButtonEnabled(False)
        for header, side in ((self.horizontalHeader(), "columns"), (self.verticalHeader(), "rows")):
            header.setAccessibleName(f"{name}: {side}")
            header.setHighlightSections(True)
            header.setSectionsClickable(False)
            header.setMinimumSectionSize(24)
        self._titles.setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
        self._titles.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.selectionModel().currentChanged.connect(lambda now, _before: self.chosen.emit(now.row(), now.column()))

    def show_spots(self, rows: Sequence[str], columns: Sequence[str], spots: list[list[Spot]]) -> None:
        """Show these, in cells of one size that fits."""
        self.spots.show_spots(rows, columns, spots)
        self._fit()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Make the columns as wide as their titles, or, where that is too much room, as what is in them."""
        header, columns = self._titles, self.spots.columns
        if not columns:
            return
        wanted = max(header.title_width(title) for title in columns) + 30
        room = (self.viewport().width() - 2) // len(columns)
        least = max(self.fontMetrics().horizontalAdvance(self.spots.widest) + 12, _LEAST_SIZE)
        header.upright = wanted > max(room, least)
        header.setDefaultSectionSize(max(least, min(wanted, room, _MOST_SIZE)))
        header.updateGeometry()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: a key went down; Enter activates on every platform."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)
