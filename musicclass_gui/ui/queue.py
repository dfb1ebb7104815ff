"""The queue as a table: what becomes of many recordings, and what can be done about each.

It shows the session's rows and passes wishes on as actions; it starts no work itself.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QProgressBar, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from musicclass_gui.app import words
from musicclass_gui.app.tables import QueueModel
from musicclass_gui.engine.places import SHIPPED
from musicclass_gui.ui.tables import Sorted, StateIcons, Table
from musicclass_gui.ui.widgets import Placeholder, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QAction

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme

_BUTTONS = ("queue.pause", "queue.retry", "queue.cancel", "queue.remove", "queue.clear_done")
_EXPORTS = ("queue.export_csv", "queue.export_json")
_ROW_ACTIONS = ("queue.retry", "queue.cancel", "queue.remove")
_WIDTHS = (108, 160, 64, 164, 124, 150, 160, 84)
_OWN = 5
_NAME, _REASON, _PROGRESS = 1, 6, 7  # the first two take spare width
_SCALE = 1000


class QueuePanel(QStackedWidget):
    """All rows of the queue. `opened` carries the recording of a row that is to be looked at."""

    opened = Signal(Path)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.model = QueueModel(theme)
        self._shown = Sorted(self.model, self)
        self.table = self._make_table(actions, theme)
        self.filter = QLineEdit()
        self.overall = QProgressBar()
        self.summary = text("", "muted")
        self._page = QWidget()
        self._placeholder = Placeholder("Queue", "Drop several recordings or a folder to analyse them one after the other.")
        self._build(actions)

    def show_queue(self) -> None:
        """Show the rows as they are now."""
        rows = self._session.queue
        self.model.refresh(rows)
        told = {_OWN: any(set(row.answers) - set(SHIPPED) for row in rows), _REASON: any(row.reason for row in rows)}
        for column, anything in {**told, _PROGRESS: not all(row.over for row in rows)}.items():
            self.table.setColumnHidden(column, not anything)  # names get the room of columns in which nothing would stand
        self.setCurrentWidget(self._page if rows else self._placeholder)
        over = sum(row.over for row in rows)
        worth = over + sum(row.progress for row in rows if not row.over)
        self.overall.setVisible(over < len(rows))
        self.overall.setValue(round(_SCALE * worth / max(1, len(rows))))
        self.summary.setText(self._summary(over, len(rows)))

    def chosen(self) -> list[int]:
        """The chosen rows, as places in the session's queue."""
        indices = self.table.selectionModel().selectedRows()
        rows = [self.model.queue_row(self._shown.mapToSource(index).row()) for index in indices]
        return sorted(place for place, row in enumerate(self._session.queue) if any(row is one for one in rows))

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)
        self._states.set_theme(theme)
        self.table.viewport().update()

    def _summary(self, over: int, total: int) -> str:
        if over == total:
            counts = Counter(row.state for row in self._session.queue)
            ends = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "cancelled") if counts[state])
            return f"{words.counted(total, 'recording')}: {ends}"
        rest = "paused" if self._session.queue_paused else words.eta(self._session.queue_eta_s)
        return ", ".join(filter(None, [f"{over} of {total}", rest]))

    def _make_table(self, actions: Mapping[str, QAction], theme: Theme) -> Table:
        table = Table("Queue", self._shown, several=True, widths=_WIDTHS)
        self._states = StateIcons(theme, table)
        table.setItemDelegateForColumn(0, self._states)
        table.stretch_columns(_NAME, _REASON)
        table.activated.connect(self._open)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        table.addActions([actions[name] for name in _ROW_ACTIONS])
        return table

    def _build(self, actions: Mapping[str, QAction]) -> None:
        box = QVBoxLayout(self._page)
        box.setContentsMargins(8, 6, 8, 8)
        box.setSpacing(6)
        box.addLayout(self._tool_row(actions))
        box.addWidget(self.table, 1)
        self.addWidget(self._placeholder)
        self.addWidget(self._page)

    def _tool_row(self, actions: Mapping[str, QAction]) -> QHBoxLayout:
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the queue")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAcceptDrops(False)
        self.filter.setMaximumWidth(180)
        self.filter.textChanged.connect(self._shown.setFilterFixedString)
        self.overall.setRange(0, _SCALE)
        self.overall.setTextVisible(False)
        self.overall.setFixedHeight(8)
        self.overall.setMinimumWidth(60)
        self.overall.setMaximumWidth(220)
        self.overall.setAccessibleName("Progress of the queue")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.filter)
        row.addSpacing(8)
        row.addWidget(self.overall, 1)
        row.addWidget(self.summary)
        row.addStretch()
        for button in self._buttons(actions):
            row.addWidget(button)
        return row

    def _buttons(self, actions: Mapping[str, QAction]) -> list[QToolButton]:
        actions["queue.pause"].setIconText("Pause")
        return [*(_button(actions[name]) for name in _BUTTONS), _export_button([actions[name] for name in _EXPORTS])]

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.model.queue_row(self._shown.mapToSource(index).row()).path)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(f"Queue: {action.text().replace('&', '')}")
    return button


def _export_button(actions: Sequence[QAction]) -> QToolButton:
    button = QToolButton()
    button.setText("Export")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName("Queue: export")
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(button)
    menu.addActions(list(actions))
    button.setMenu(menu)
    return button
