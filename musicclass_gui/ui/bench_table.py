"""The results as a table that fills while the run goes on: sortable, with a pinned baseline, published values and what a row notes.

It shows what the state holds; only pinning is passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import bench_rows, bench_words
from musicclass_gui.app.bench_tables import ResultsModel
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import Placeholder, Styled, set_role, text

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.bench_rows import Row
    from musicclass_gui.app.theme import Theme

_WIDTHS = {
    "State": 78, "Method": 164, "Mode": 104, "Task": 130, "Features": 100, "Order": 66, "Seed": 58, "Value": 92, "95 %": 92, "Range": 92,
    "Δ baseline": 98, "Test": 140, "Published": 94, "Difference": 98, "Forgetting": 100, "Time": 76, "Source": 260,
}  # fmt: skip
_LATER = frozenset({"Δ baseline", "Test"})  # only once a baseline is pinned


class ResultsPanel(QWidget):
    """The table with its switches. `confusion_wanted` carries the key of a row."""

    confusion_wanted = Signal(object)

    def __init__(self, bench: Bench, theme: Theme) -> None:
        super().__init__()
        self._bench = bench
        self.model = ResultsModel(theme)
        self.sorted = Sorted(self.model, self)
        self.table = Table("Results", self.sorted, widths=list(_WIDTHS.values()))
        self.pin = QPushButton("Pin as baseline")
        self.means, self.cells = (_switch_button(name) for name in ("Means", "Each result"))
        self.formula, self.notes = text("", "small", wrap=True), text("", "small", wrap=True)
        self.nothing = Placeholder("No results yet", "Choose what to run at the left and press “Run”; the table fills while it goes on.")
        self._pages = QStackedWidget()
        self._build()

    @property
    def single(self) -> bool:
        """Whether every cell has a row of its own."""
        return self.cells.isChecked()

    def chosen(self) -> Row | None:
        """The row that is looked at."""
        index = self.sorted.mapToSource(self.table.currentIndex())
        return self.model.row_at(index.row()) if index.isValid() else None

    def show_results(self, metric: str) -> None:
        """Show the run's results by a measure."""
        view, seen = self._bench.view, self.model.seen
        self._pages.setCurrentWidget(self.table if view and view.cells else self.nothing)
        self.nothing.heading.setText("Reading the run…" if view is None and self._bench.runs else "No results yet")
        if view is None:
            self.model.refresh([])
            return
        protocol = self._bench.shown
        seen.metric, seen.baseline, seen.verdicts = metric, self._bench.baseline, self._bench.verdicts
        seen.judging = self._bench.judging
        seen.titles = {method.id: method.title for method in protocol.methods} if protocol else {}
        self.model.refresh(bench_rows.rows(view, metric, single=self.single, baseline=self._bench.baseline))
        self._hide_idle()
        self.formula.setText(f"{bench_words.title(metric)} = {bench_words.formula(metric)}" if bench_words.formula(metric) else "")
        self._show_chosen()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)

    def _hide_idle(self) -> None:
        idle = self.model.idle()
        pinned = self._bench.baseline is not None
        for number, title in enumerate(_WIDTHS):
            self.table.setColumnHidden(number, number in idle and not (pinned and title in _LATER))

    def _show_chosen(self) -> None:
        row = self.chosen()
        self.pin.setEnabled(row is not None)
        same = row is not None and self.model.seen.is_baseline(row)
        self.pin.setText("Unpin the baseline" if same else "Pin as baseline")
        verdict = self.model.seen.verdict(row) if row else None
        printed = f"Published value: {row.source}." if row and row.source else ""
        parts = [verdict.sentence if verdict else "", row.reason if row else "", printed, " ".join(row.notes) if row else ""]
        self.notes.setText("\n".join(filter(None, parts)))
        self.notes.setVisible(any(parts))

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 8)
        head.setSpacing(10)
        head.addWidget(self._switch())
        head.addWidget(self.formula, 1)
        head.addWidget(self.pin)
        box.addLayout(head)
        for page in (self.table, self.nothing):
            self._pages.addWidget(page)
        box.addWidget(self._pages, 1)
        self.notes.setContentsMargins(12, 8, 12, 8)
        box.addWidget(self.notes)
        self.pin.setToolTip("Compare every row with this method and mode, on the same items (P)")
        self.pin.clicked.connect(self.pin_chosen)
        self.table.chosen.connect(self._row_chosen)
        self.table.activated.connect(self._activated)
        self.table.doubleClicked.connect(self._activated)
        OwnKeys(self.table, {"P": self.pin_chosen})
        self.table.setAccessibleDescription("Enter shows what was taken for what, P pins the row as the baseline.")

    def _switch(self) -> QWidget:
        switch = Styled("switch")
        row = QHBoxLayout(switch)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(2)
        self.means.setChecked(True)
        self.means.setToolTip("One row for a method and mode: the mean over class orders and seeds")
        self.cells.setToolTip("A row of its own for each class order and seed")
        for button in (self.means, self.cells):
            row.addWidget(button)
            button.clicked.connect(lambda _on=False: self.show_results(self.model.seen.metric))
        return switch

    def pin_chosen(self) -> None:
        """Pin the row that is looked at, or unpin it."""
        row = self.chosen()
        if row is not None:
            self._bench.pin(None if self.model.seen.is_baseline(row) else row.key)

    def _row_chosen(self, _index: QModelIndex) -> None:
        self._show_chosen()

    def _activated(self, _index: QModelIndex) -> None:
        row = self.chosen()
        if row is not None:
            self.confusion_wanted.emit(row.key)


def _switch_button(name: str) -> QPushButton:
    button = QPushButton(name)
    set_role(button, "switch")
    button.setCheckable(True)
    button.setAutoExclusive(True)
    button.setAccessibleName(f"Show: {name}")
    return button
