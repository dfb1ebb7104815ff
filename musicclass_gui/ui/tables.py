"""The one kind of table that all panels use: whole rows, sortable, filled with what a Qt model says.

Bars are drawn for fractions; columns keep sensible widths. It knows no session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QIcon, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from musicclass_gui.app import icons
from musicclass_gui.app.tables import FRACTION_ROLE, RAW_ROLE
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QAbstractItemModel, QObject
    from PySide6.QtGui import QKeyEvent

    from musicclass_gui.app.theme import Theme

Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT = 28
_BAR_WIDTH = 140
_STATE_ICONS = {
    "Reading": ("play", "accent"),
    "Done": ("answers", "good"),
    "Failed": ("warn", "bad"),
    "Cancelled": ("cancel", "text_muted"),
}
_ARROW_ROOM = "\u2002" * 2  # the arrow of the sorted column is drawn over the end of a title that stands at the right
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Table(QTableView):
    """`chosen` is emitted when the user (not the program) chose another row. Enter activates a row, as a double click does."""

    chosen = Signal(QModelIndex)

    def __init__(self, name: str, model: QAbstractItemModel, *, several: bool = False, widths: Sequence[int] = ()) -> None:
        super().__init__()
        self._quiet = False
        self.setModel(model)
        self.setAccessibleName(name)
        mode = QAbstractItemView.SelectionMode
        self.setSelectionMode(mode.ExtendedSelection if several else mode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        set_role(self, "flat")
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self._dress_headers(name)
        self.setItemDelegate(Bars(self))
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        self.selectionModel().currentRowChanged.connect(self._row_changed)

    def choose(self, index: QModelIndex | None) -> None:
        """Choose a row, or none, for the program: nothing is emitted."""
        self._quiet = True
        if index is None:
            self.selectionModel().clear()
        else:
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            self.scrollTo(index)
        self._quiet = False

    def stretch_columns(self, *columns: int) -> None:
        """Let these columns, instead of the last one, take spare width."""
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        for column in columns:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What Qt tells: a key went down; Enter activates on every platform."""
        if event.key() in _ENTER and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _dress_headers(self, name: str) -> None:
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setAccessibleName(f"{name}: columns")
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)

    def _row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not self._quiet and current.isValid():
            self.chosen.emit(current)


class Sorted(QSortFilterProxyModel):
    """The rows in another order, or some of them; a column's title stands where its cells' texts do."""

    def __init__(self, model: QAbstractItemModel, parent: QObject) -> None:
        super().__init__(parent)
        self.setSourceModel(model)
        self.setSortRole(RAW_ROLE)
        self.setFilterKeyColumn(-1)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What Qt asks: a title, or how it is aligned."""
        if role == Qt.ItemDataRole.TextAlignmentRole and orientation == Qt.Orientation.Horizontal:
            return self.sourceModel().index(0, section).data(role)
        title = super().headerData(section, orientation, role)
        sorted_right = role == Qt.ItemDataRole.DisplayRole and section == self.sortColumn() and self._is_right(section)
        return f"{title}{_ARROW_ROOM}" if sorted_right and orientation == Qt.Orientation.Horizontal else title

    def _is_right(self, section: int) -> bool:
        alignment = self.sourceModel().index(0, section).data(Qt.ItemDataRole.TextAlignmentRole)
        return alignment is not None and bool(alignment & Qt.AlignmentFlag.AlignRight)


class Bars(QStyledItemDelegate):
    """Draws a cell's fraction as a bar beside the text."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        fraction = index.data(FRACTION_ROLE)
        super().paint(painter, option, index)
        if isinstance(fraction, float):
            right_aligned = bool(index.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight)
            self._draw_bar(painter, option, fraction, index.data() or "", right_aligned)

    def _draw_bar(self, painter: QPainter, option: QStyleOptionViewItem, fraction: float, words: str, right_aligned: bool) -> None:
        room = option.fontMetrics.horizontalAdvance(words) + 24
        if right_aligned:
            left, right = option.rect.left() + 8, option.rect.right() - room
        else:
            left = max(option.rect.left() + room, min(option.rect.left() + 190, option.rect.right() - _BAR_WIDTH - 12))
            right = option.rect.right() - 12
        width = min(_BAR_WIDTH, right - left)
        if width < 20:
            return
        bar = QRectF(QRect(left, option.rect.center().y() - 2, width, 6))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.mid())
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(option.palette.accent())
        bar.setWidth(max(bar.height(), bar.width() * fraction))
        painter.drawRoundedRect(bar, 3, 3)
        painter.restore()


class StateIcons(QStyledItemDelegate):
    """Puts a picture before the word of a state, so that neither colour nor reading alone tells it."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._icons: dict[str, QIcon] = {}
        self._theme = theme

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self._icons.clear()

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """What Qt asks: what to draw."""
        super().initStyleOption(option, index)
        option.icon = self._icon(str(index.data()))
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration

    def _icon(self, state: str) -> QIcon:
        if state not in self._icons:
            name, token = _STATE_ICONS.get(state, ("queue", "text_muted"))
            self._icons[state] = icons.icon(name, self._theme, getattr(self._theme, token))
        return self._icons[state]
