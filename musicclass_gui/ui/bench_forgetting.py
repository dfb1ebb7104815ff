"""What was forgotten: R[t, k], the accuracy on the classes of session k after session t, as the mean over class orders and seeds.

It shows what the state holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import bench_rows, bench_words
from musicclass_gui.ui.bench_confusion import RowChooser
from musicclass_gui.ui.bench_heat import HeatTable, Spot
from musicclass_gui.ui.widgets import Placeholder, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.theme import Theme


class ForgettingPanel(QWidget):
    """R[t, k]: the accuracy on the classes of session k after session t, as the mean over class orders and seeds."""

    def __init__(self, bench: Bench, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self._bench = bench
        self.row = RowChooser("Method")
        self.heat = HeatTable("Accuracy on each session's classes, after each session", theme)
        self.sentence = text("", "body", wrap=True)
        self.nothing = Placeholder("Nothing to show", "Only protocols that learn in sessions can forget.")
        self._pages = QStackedWidget()
        self._build()

    def show_results(self) -> None:
        """Show the run as it is now."""
        self.row.show_rows(self._bench)
        self._show_matrix()

    def _show_matrix(self) -> None:
        view = self._bench.view
        matrix = bench_rows.matrix(view, self.row.cells) if view else []
        self._pages.setCurrentIndex(0 if matrix else 1)
        if not matrix:
            return
        lost = [_lost(matrix, k) for k in range(len(matrix))]
        spots = [[_accuracy(value, t + 1, k + 1) for k, value in enumerate(line)] for t, line in enumerate(matrix)]
        spots.append([_loss(value, k + 1) for k, value in enumerate(lost)])
        sessions = [f"{number}" for number in range(1, len(matrix) + 1)]
        self.heat.show_spots([*(f"After session {one}" for one in sessions), "Forgotten"], [f"Session {one}" for one in sessions], spots)
        known = [value for value in lost[:-1] if value is not None]
        self.sentence.setText(_in_words(bench_rows.mean(known)))

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.row)
        head.addStretch()
        head.addWidget(text("Accuracy in %. Columns: the session in which the classes were learned.", "small"))
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        box.addLayout(head)
        box.addWidget(self.heat, 1)
        box.addWidget(self.sentence)
        for one in (page, self.nothing):
            self._pages.addWidget(one)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self.row.picked.connect(self._show_matrix)


def _in_words(mean: float | None) -> str:
    """The mean of what was lost, as a sentence."""
    if mean is None:
        return ""
    points = bench_words.bare(abs(mean), "forgetting")
    if float(points) == 0:
        return "On average nothing was forgotten by the end, against the best before."
    return f"On average {points} points of accuracy were {'lost' if mean > 0 else 'gained'} by the end, against the best before."


def _lost(matrix: list[list[float | None]], k: int) -> float | None:
    """The best accuracy on a session's classes before the end, less that at the end."""
    before = [value for line in matrix[:-1] if (value := line[k]) is not None]
    last = matrix[-1][k]
    return max(before) - last if before and last is not None else None


def _accuracy(value: float | None, after: int, of: int) -> Spot:
    if value is None:
        return Spot("", None, tip=f"The classes of session {of} were not seen yet after session {after}.")
    tip = f"After session {after}, the classes of session {of}: {value * 100:.1f} % right"
    return Spot(f"{value * 100:.1f}", value, tip=tip)


def _loss(value: float | None, of: int) -> Spot:
    if value is None:
        return Spot("", None, tip=f"Nothing was learned after session {of}.")
    shown = bench_words.change(-value, "forgetting").removeprefix("±")
    return Spot(shown, min(1.0, max(0.0, value)), "bad", f"Session {of}: {shown} points at the end against the best before")
