"""What was taken for what: a matrix of counts whose cells list their items, to be heard or opened.

It shows what the state holds; `heard` and `opened` say what the user wants of an item.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import bench_rows
from musicclass_gui.app.bench_form import mode_title
from musicclass_gui.ui.bench_heat import HeatTable, Spot
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.widgets import Placeholder, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.bench_plain import RunView
    from musicclass_gui.app.bench_rows import Confusion, Key
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.benchmark.protocol import Cell

_PATH_ROLE = Qt.ItemDataRole.UserRole
_MOST_ITEMS = 500


class RowChooser(QComboBox):
    """The rows of a run to choose from: method, mode, task and features. `picked` tells that the user chose another."""

    picked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMinimumContentsLength(16)
        self.activated.connect(lambda _place: self.picked.emit())
        self._cells: dict[Key, tuple[Cell, ...]] = {}

    def show_rows(self, bench: Bench) -> None:
        """Offer the rows that have results; what was chosen stays so, if it is among them."""
        view, protocol, before = bench.view, bench.shown, self.key
        titles = {method.id: method.title for method in protocol.methods} if protocol else {}
        groups = bench_rows.grouped(view.cells, single=False) if view else {}
        self._cells = {key: cells for key, cells in groups.items() if view and any(cell.name in view.results for cell in cells)}
        self.clear()
        for key, cells in self._cells.items():
            cell = cells[0]
            parts = (titles.get(cell.method, cell.method), mode_title(cell.mode) if cell.mode else "", cell.task, cell.features)
            self.addItem(" · ".join(filter(None, parts)), key)
        self.choose(before)

    @property
    def key(self) -> Key | None:
        """The row that is chosen."""
        value = self.currentData()
        return tuple(value) if value else None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of the row that is chosen."""
        return self._cells.get(self.key or (), ())

    def choose(self, key: Key | None) -> None:
        """Choose a row, for the program; the row of a single cell is that of its group."""
        place = next((place for place, one in enumerate(self._cells) if key is not None and one == key[: len(one)]), 0)
        self.setCurrentIndex(place if self._cells else -1)


class ConfusionPanel(QWidget):
    """The matrix and the items of one of its cells. `heard` carries a path and a span in seconds, `opened` a path."""

    heard = Signal(str, float, float)
    opened = Signal(Path)

    def __init__(self, bench: Bench, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self._bench = bench
        self.row, self.session = RowChooser("What to look at"), QComboBox()
        self.heat = HeatTable("What was taken for what", theme)
        self.caption, self.items = text("", "name", wrap=True), QListWidget()
        self.hear, self.open = QPushButton("Hear"), QPushButton("Open")
        self.nothing = Placeholder("No answers to show yet", "They are shown as soon as there is a result.")
        self._found: Confusion | None = None
        self._heard = ""
        self._pages = QStackedWidget()
        self._build()

    def show_results(self) -> None:
        """Show the run as it is now."""
        self.row.show_rows(self._bench)
        self._show_sessions()

    def choose(self, key: Key) -> None:
        """Look at a row."""
        self.row.choose(key)
        self._show_sessions()

    def show_heard(self, path: str) -> None:
        """Show which recording is heard; empty: none."""
        self._heard = path
        self._show_buttons()

    def _show_sessions(self) -> None:
        view, before = self._bench.view, self.session.currentData()
        sessions = bench_rows.prediction_sessions(view, self.row.cells) if view else []
        self.session.clear()
        for session in sessions:
            self.session.addItem(f"After session {session}" if session else "All", session)
        self.session.setVisible(len(sessions) > 1)
        self.session.setCurrentIndex(max(0, self.session.findData(before) if before in sessions else len(sessions) - 1))
        self._pages.setCurrentIndex(0 if sessions else 1)
        if view is not None and sessions:
            self._show_matrix(view)

    def _session_picked(self) -> None:
        if self._bench.view is not None:
            self._show_matrix(self._bench.view)

    def _show_matrix(self, view: RunView) -> None:
        current = self.heat.currentIndex()
        place = current.row(), current.column()
        self._found = found = bench_rows.confusion(view, self.row.cells, self.session.currentData() or 0)
        self.heat.show_spots(found.classes, found.classes, [[_spot(found, one, other) for other in found.classes] for one in found.classes])
        index = self.heat.spots.index(*(place if min(place) >= 0 else _most_mistaken(found)))
        if index.isValid():
            self.heat.setCurrentIndex(index)
        else:
            self._show_items(-1, -1)

    def _show_items(self, row: int, column: int) -> None:
        self.items.clear()
        if self._found is None or row < 0 or column < 0:
            self.caption.setText("Choose a field to list and hear what is in it")
            return
        truth, said = self._found.classes[row], self._found.classes[column]
        found = self._found.items.get((truth, said), [])
        words_ = f"{truth}, rightly" if truth == said else f"{truth}, taken for {said}"
        self.caption.setText(f"{words_}: {len(found):,}")
        counted: dict[str, int] = {}
        for one in found:
            counted[one.item] = counted.get(one.item, 0) + 1
        for item, times in list(counted.items())[:_MOST_ITEMS]:
            self._add_item(item, times)
        self.items.setCurrentRow(0)
        self._show_buttons()

    def _add_item(self, item: str, times: int) -> None:
        path = self._bench.path_of(item)
        line = QListWidgetItem(Path(item).name + (f"   × {times}" if times > 1 else ""))
        line.setToolTip(str(path) if path else f"{item}: its audio is not in the folder of the data.")
        line.setData(_PATH_ROLE, str(path) if path else "")
        self.items.addItem(line)

    def _show_buttons(self) -> None:
        there = bool(self._path())
        self.hear.setText("Stop" if there and self._path() == self._heard else "Hear")
        for button in (self.hear, self.open):
            button.setEnabled(there)

    def _path(self) -> str:
        line = self.items.currentItem()
        return str(line.data(_PATH_ROLE)) if line is not None else ""

    def _hear(self) -> None:
        if self._path():
            self.heard.emit(self._path(), 0.0, -1.0)

    def _open(self) -> None:
        if self._path():
            self.opened.emit(Path(self._path()))

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.row)
        head.addWidget(self.session)
        head.addStretch()
        head.addWidget(text("Rows: what it is. Columns: what was said.", "small"))
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.heat)
        split.addWidget(self._side())
        split.setStretchFactor(0, 1)
        split.setSizes([600, 230])
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        box.addLayout(head)
        box.addWidget(split, 1)
        for one in (page, self.nothing):
            self._pages.addWidget(one)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self._connect()

    def _side(self) -> QWidget:
        side = QWidget()
        side.setMinimumWidth(180)
        box = QVBoxLayout(side)
        box.setContentsMargins(8, 0, 0, 0)
        box.addWidget(self.caption)
        box.addWidget(self.items, 1)
        row = QHBoxLayout()
        self.hear.setToolTip("Hear it here, or stop it (Space)")
        self.open.setToolTip("Open it as a recording (Enter)")
        for button in (self.hear, self.open):
            row.addWidget(button)
        box.addLayout(row)
        self.items.setAccessibleName("Items of the cell")
        self.session.setAccessibleName("Session")
        return side

    def _connect(self) -> None:
        self.row.picked.connect(self._show_sessions)
        self.session.activated.connect(self._session_picked)
        self.heat.chosen.connect(self._show_items)
        self.heat.activated.connect(lambda _index: self.items.setFocus())
        self.items.currentRowChanged.connect(lambda _row: self._show_buttons())
        self.items.itemDoubleClicked.connect(lambda _item: self._open())
        self.hear.clicked.connect(self._hear)
        self.open.clicked.connect(self._open)
        OwnKeys(self.items, {"Space": self._hear, "Return Enter": self._open})


def _most_mistaken(found: Confusion) -> tuple[int, int]:
    """Where most was taken for something else, or nowhere."""
    mistaken = {pair: len(items) for pair, items in found.items.items() if pair[0] != pair[1]}
    if not mistaken:
        return -1, -1
    truth, said = max(mistaken, key=lambda pair: mistaken[pair])
    return found.classes.index(truth), found.classes.index(said)


def _spot(found: Confusion, truth: str, said: str) -> Spot:
    count, total = found.count(truth, said), found.total(truth)
    kind = "good" if truth == said else "bad"
    tip = f"{truth} said to be {said}: {count:,} of {total:,}"
    return Spot(f"{count:,}" if count else "", count / total if count else None, kind, tip)
