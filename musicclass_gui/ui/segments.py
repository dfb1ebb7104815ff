"""The segments as a table: everything that the timeline's lanes show, for eyes, screen readers and keys.

Choosing a row selects its span everywhere; a selection made elsewhere is chosen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QStackedWidget

from musicclass_gui.app.tables import SegmentsModel
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import Placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.windows import Span

_WIDTHS = (110, 90, 90, 220)


class SegmentsPanel(QStackedWidget):
    """`selected` carries the span of the row that was chosen, `heard` one to be played."""

    selected = Signal(float, float)
    heard = Signal(float, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.model = SegmentsModel(theme)
        self._sorted = Sorted(self.model, self)
        self.table = Table("Segments", self._sorted, widths=_WIDTHS)
        self._placeholder = Placeholder("Segments", "Every stretch of the recording is listed here with its answer, once there is one.")
        self.addWidget(self._placeholder)
        self.addWidget(self.table)
        self.table.chosen.connect(self._chosen)
        self.table.activated.connect(self._activated)

    def show_answers(self, answers: Sequence[Answer], title_of: Callable[[str], str] = str.capitalize) -> None:
        """List the segments of all `answers`; `title_of` says what their classifiers are called."""
        self.model.set_answers(answers, title_of)
        self.setCurrentWidget(self.table if self.model.rowCount() else self._placeholder)

    def show_selection(self, span: Span | None) -> None:
        """Choose the row of `span`, or none when no segment is just that span."""
        current = self._span(self.table.currentIndex())
        if span is None:
            self.table.choose(None)
        elif span != current:
            self.table.choose(self._index_of(span))

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)

    def _index_of(self, span: Span) -> QModelIndex | None:
        rows = range(self._sorted.rowCount())
        return next((index for row in rows if self._span(index := self._sorted.index(row, 0)) == span), None)

    def _span(self, index: QModelIndex) -> Span | None:
        row = self._sorted.mapToSource(index).row()
        return self.model.span_of(row) if row >= 0 else None

    def _chosen(self, index: QModelIndex) -> None:
        span = self._span(index)
        if span is not None:
            self.selected.emit(*span)

    def _activated(self, index: QModelIndex) -> None:
        span = self._span(index)
        if span is not None:
            self.heard.emit(*span)
