"""A table of numbers whose cells are shaded by how much they are: confusion counts, accuracies over sessions.

It knows rows, columns, texts and shares; nothing of what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from musicclass_gui.app import theme as themes
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QKeyEvent

    from musicclass_gui.app.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
SHARE_ROLE = Role.UserRole + 1
KIND_ROLE = Role.UserRole + 2
_NOWHERE = QModelIndex()
_LEAST_SIZE, _MOST_SIZE = 34, 92
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

    def show_spots(self, rows: Sequence[str], columns: Sequence[str], spots: list[list[Spot]]) -> None:
        """Show these."""
        self.beginResetModel()
        self.rows, self.columns, self._spots = tuple(rows), tuple(columns), spots
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


class HeatTable(QTableView):
    """The table; `chosen` carries the row and column that are looked at, Enter emits `activated`."""

    chosen = Signal(int, int)

    def __init__(self, name: str, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self.spots = HeatModel()
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
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.selectionModel().currentChanged.connect(lambda now, _before: self.chosen.emit(now.row(), now.column()))

    def show_spots(self, rows: Sequence[str], columns: Sequence[str], spots: list[list[Spot]]) -> None:
        """Show these, in cells of one size that fits."""
        self.spots.show_spots(rows, columns, spots)
        widest = max((self.fontMetrics().horizontalAdvance(title) for title in columns), default=0) + 18
        texts = max((self.fontMetrics().horizontalAdvance(spot.text) for line in spots for spot in line), default=0) + 14
        size = min(max(widest, texts, _LEAST_SIZE), _MOST_SIZE) if len(columns) <= 24 else max(texts, _LEAST_SIZE)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setDefaultSectionSize(size)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: a key went down; Enter activates on every platform."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)
