"""Beside the sound map: what its marks mean, and the points as a table, for screen readers and for those who sort.

It knows points by their numbers on the map; what is wished is told by signals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QModelIndex, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import icons, words
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.soundmap_points import PointsModel
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import Elided, icon_button, set_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import Point
    from musicclass_gui.ui.classlook import Looks
    from musicclass_gui.ui.soundmap_points import Mark

_HOW_TO = "Draw around points to select them"
_AS_TABLE = "Show the selected sounds, or all, as a table"


class Side(QWidget):
    """Beside the map: what the marks mean, and the selected points as a table. Signals carry points' numbers."""

    heard = Signal(int)
    went = Signal(int)
    taught = Signal()
    marked = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.key = QListWidget()
        self.model = PointsModel(theme)
        self._sorted = Sorted(self.model, self)
        self.table = Table("Sounds of the map", self._sorted, widths=(112, 84, 84))
        self.count, self.current = (Elided(mode=Qt.TextElideMode.ElideRight) for _ in range(2))
        self.teach = QPushButton("Teach as…")
        self.listed = icon_button(icons.icon("table", theme), "Show as a table", _AS_TABLE, checkable=True)
        self._views = QStackedWidget()
        self._build()

    def show_key(self, counts: Mapping[Mark, int]) -> None:
        """Say what the marks mean, and how many points have each."""
        self.key.clear()
        for mark, count in sorted(counts.items(), key=lambda pair: (not pair[0].filled, -pair[1], pair[0].words)):
            item = QListWidgetItem(_mark_icon(mark), f"{mark.words}  {count:,}")
            item.setData(Qt.ItemDataRole.UserRole, mark)
            item.setToolTip("Press to select all of these")
            self.key.addItem(item)

    def show_points(self, points: Sequence[Point], selected: Sequence[int], looks: Looks, *, locked: bool) -> None:
        """List the selected points, or all when none is selected."""
        self.model.show_points(points, selected or range(len(points)), looks)
        self.count.set_full(f"{len(selected):,} selected" if selected else words.counted(len(points), "sound"))
        self.teach.setEnabled(bool(selected) and not locked)

    def show_current(self, number: int, said: str) -> None:
        """Say which point is the current one."""
        self.current.set_full(said or _HOW_TO)
        row = self.model.row_of(number)
        self.table.choose(None if row is None else self._sorted.mapFromSource(self.model.index(row, 0)))

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)
        self.listed.setIcon(icons.icon("table", theme))

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        self._views.addWidget(self.key)
        self._views.addWidget(self.table)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.count, 1)
        row.addWidget(self.teach)
        row.addWidget(self.listed)
        box.addLayout(row)
        box.addWidget(self._views, 1)
        box.addWidget(self.current)
        for label in (self.count, self.current):
            set_role(label, "small")
        self.current.set_full(_HOW_TO)
        self._dress()
        self._connect()

    def _dress(self) -> None:
        self.key.setAccessibleName("What the marks mean")
        self.key.setAccessibleDescription("Enter selects all points with a mark.")
        self.key.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.key.setIconSize(QSize(16, 16))
        self.key.setUniformItemSizes(True)
        self.teach.setAccessibleName("Teach selected as…")
        self.teach.setToolTip("Teach the selected sounds as a class; its name is asked for")

    def _connect(self) -> None:
        self.listed.toggled.connect(lambda on: self._views.setCurrentWidget(self.table if on else self.key))
        self.teach.clicked.connect(self.taught)
        self.key.itemClicked.connect(self._press)
        self.key.itemActivated.connect(self._press)
        self.table.chosen.connect(lambda index: self.went.emit(self._number(index)))
        self.table.activated.connect(lambda index: self.heard.emit(self._number(index)))
        OwnKeys(self.table, {"Space": lambda: self.heard.emit(self._number(self.table.currentIndex()))})

    def _press(self, item: QListWidgetItem) -> None:
        self.marked.emit(item.data(Qt.ItemDataRole.UserRole))

    def _number(self, index: QModelIndex) -> int:
        return self.model.number_at(self._sorted.mapToSource(index).row()) if index.isValid() else -1


def _mark_icon(mark: Mark) -> QIcon:
    """A mark as it is on the map."""
    made = QPixmap(32, 32)
    made.setDevicePixelRatio(2.0)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(QPointF(8, 8))
    lines = not mark.filled or mark.symbol in ("x", "+")
    pen = pg.mkPen(mark.colour, width=1.8) if lines else pg.mkPen(None)
    brush = pg.mkBrush(QColor(mark.colour) if mark.filled else None)
    pg.graphicsItems.ScatterPlotItem.drawSymbol(painter, mark.symbol, mark.size, pen, brush)
    painter.end()
    return QIcon(made)
