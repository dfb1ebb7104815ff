"""Two runs side by side: each method's value in both, their difference, and whether chance explains it.

It shows what the state holds; choosing another run is passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import bench_words
from musicclass_gui.app.bench_tables import BesideModel
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import Elided, Placeholder, set_role, text

if TYPE_CHECKING:
    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.theme import Theme

_TASK = 2
_WIDTHS = (190, 110, 150, 90, 90, 90, 160, 60)
_NO_OTHER = "Choose a run to set beside the one that is shown. Runs on the same test items are tested against each other, item by item."


class ComparePanel(QWidget):
    """The chooser of the other run, and the table."""

    def __init__(self, bench: Bench, theme: Theme) -> None:
        super().__init__()
        self._bench = bench
        self._metric = ""
        self.other = QComboBox()
        self.model = BesideModel(theme)
        self.table = Table("Two runs side by side", Sorted(self.model, self), widths=_WIDTHS)
        self.nothing = Placeholder("Two runs side by side", _NO_OTHER)
        self.note = Elided(mode=Qt.TextElideMode.ElideRight)
        self._pages = QStackedWidget()
        self._build()

    def show_runs(self) -> None:
        """Offer the other runs; the one that is set beside stays chosen."""
        view, other = self._bench.view, self._bench.other
        self.other.clear()
        self.other.addItem("No other run", 0)
        for row in self._bench.runs:
            if view is not None and row.id != view.run:
                self.other.addItem(bench_words.run_title(row, self._bench.protocols), row.id)
        self.other.setCurrentIndex(max(0, self.other.findData(other.run) if other else 0))

    def show_compared(self, metric: str) -> None:
        """Show the rows that both runs have."""
        bench, self._metric = self._bench, metric
        protocol = bench.shown
        self.model.seen.metric = metric
        self.model.seen.titles = {method.id: method.title for method in protocol.methods} if protocol else {}
        self.model.refresh(bench.compared)
        self.table.setColumnHidden(_TASK, not any(row.cell.task or row.cell.features for row in bench.compared))
        there = bool(bench.other is not None and bench.compared)
        none = bench.other is not None and not bench.comparing and not bench.compared
        self.nothing.hint.setText("These two runs have no method, mode, task and features in common." if none else _NO_OTHER)
        self._pages.setCurrentIndex(0 if there else 1)
        self.note.set_full(self._note())
        self.show_runs()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)

    def _note(self) -> str:
        view, other = self._bench.view, self._bench.other
        if view is None or other is None or view.about is None or other.about is None:
            return ""
        same = view.about.fingerprint == other.about.fingerprint
        return "Both runs are on the same data." if same else "The runs are on different data: values are set side by side, not tested."

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 10, 12, 8)
        head.setSpacing(10)
        caption = text("Set beside", "muted")
        self.other.setAccessibleName("Run to compare with")
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setMinimumContentsLength(34)
        caption.setBuddy(self.other)
        set_role(self.note, "small")
        head.addWidget(caption)
        head.addWidget(self.other, 3)
        head.addWidget(self.note, 2)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(head)
        for page in (self.table, self.nothing):
            self._pages.addWidget(page)
        box.addWidget(self._pages, 1)
        self.other.activated.connect(lambda _place: self._bench.compare_with(self.other.currentData(), self._metric))
