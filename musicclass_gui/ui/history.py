"""The lessons of the project, newest first: what was done when, what became of it, and the way to take any of it away again.

It shows the board's lessons and asks for one to be shown or forgotten.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.engine.project.board import LessonView
from musicclass_gui.ui.lesson import action_button
from musicclass_gui.ui.tables import Table
from musicclass_gui.ui.widgets import Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import Board

_STATES = {"planned": "Interrupted", "draft": "Not kept yet", "kept": "Kept", "undone": "Undone"}
_WIDTHS = (230, 110, 92)
_FORGETTABLE = ("teach", "extend", "join")


class LessonsModel(RowsModel[LessonView]):
    """The lessons of a board."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(_columns(), theme)

    def show_board(self, board: Board | None) -> None:
        """Show a board's lessons."""
        rows = board.lessons if board is not None else []
        self._show(rows, [row.id for row in rows], [(row.title, _state(row)) for row in rows])

    def lesson(self, row: int) -> LessonView:
        """The lesson in a row."""
        return self._rows[row]


def _columns() -> list[Column[LessonView]]:
    return [
        Column("Lesson", lambda row: row.title, lambda row: row.title.casefold(), tip=lambda row: row.title),
        Column("When", when, lambda row: row.made_at, tip=when),
        Column("State", _state, lambda row: row.state, ink=_ink),
    ]


def _state(row: LessonView) -> str:
    return "Forgotten" if row.forgotten and row.state == "kept" else _STATES.get(row.state, row.state)


def _ink(theme: Theme, row: LessonView) -> str | None:
    return theme.text_muted if row.state == "undone" or row.forgotten else theme.warn if row.state in ("draft", "planned") else None


def when(view: LessonView) -> str:
    """When a lesson was given, in local time: "10:02" today, else "1 May 18:12"."""
    try:
        made = datetime.fromisoformat(view.made_at).astimezone()
    except ValueError:
        return ""
    clock = f"{made:%H:%M}"
    return clock if made.date() == datetime.now().astimezone().date() else f"{made.day} {made:%b} {clock}"


class HistoryPanel(QStackedWidget):
    """All lessons. `card_wanted` carries the LessonView, with its card, that is to be shown."""

    card_wanted = Signal(object)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._teaching = session.teaching
        self.model = LessonsModel(theme)
        self.table = Table("Lessons", self.model, widths=_WIDTHS)
        self.show_card = QPushButton("Show card")
        self.forget = QPushButton("Forget this lesson")
        self._page = QWidget()
        self._placeholder = Placeholder("Lessons", "Every lesson is listed here and can be taken back, also after a restart.")
        self._build(actions)

    def show_board(self) -> None:
        """Show the lessons as they are now."""
        self.model.show_board(self._teaching.board)
        self.setCurrentWidget(self._page if self.model.rowCount() else self._placeholder)
        if self.model.rowCount() and self.chosen() is None:
            self.table.choose(self.model.index(0, 0))
        self._show_buttons()

    def show_lesson(self) -> None:
        """Nothing can be forgotten while something goes on."""
        self._show_buttons()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model.set_theme(theme)

    def chosen(self) -> LessonView | None:
        """The lesson that is chosen."""
        index = self.table.currentIndex()
        return self.model.lesson(index.row()) if index.isValid() and index.row() < self.model.rowCount() else None

    def _build(self, actions: Mapping[str, QAction]) -> None:
        self.table.setSortingEnabled(False)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setStretchLastSection(False)
        self.table.activated.connect(lambda _index: self._show_card())
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_buttons())
        self.show_card.clicked.connect(self._show_card)
        self.forget.clicked.connect(self._forget)
        self.forget.setToolTip("Take away what this lesson taught, and keep all later lessons; this can be undone")
        row = QHBoxLayout()
        for button in (self.show_card, self.forget):
            button.setAutoDefault(False)
            button.setAccessibleName(button.text())
            row.addWidget(button)
        row.addStretch()
        undo, redo = action_button(actions["teach.undo"], "Undo"), action_button(actions["teach.redo"], "Redo")
        for button in (undo, redo):
            row.addWidget(button)
        for button in (self.forget, undo, redo):  # they are disabled while it is done, and the keys would go who knows where
            button.clicked.connect(lambda: self.table.setFocus())
        box = QVBoxLayout(self._page)
        box.setContentsMargins(8, 6, 8, 8)
        box.setSpacing(6)
        box.addWidget(self.table, 1)
        box.addLayout(row)
        self.addWidget(self._placeholder)
        self.addWidget(self._page)

    def _show_buttons(self) -> None:
        chosen, teaching = self.chosen(), self._teaching
        free = not teaching.busy and not teaching.locked and teaching.waiting is None
        self.show_card.setEnabled(chosen is not None and not teaching.busy)
        there = chosen is not None and chosen.state == "kept" and not chosen.forgotten and chosen.kind in _FORGETTABLE
        self.forget.setEnabled(there and free)

    def _show_card(self) -> None:
        if (chosen := self.chosen()) is not None:
            self._teaching.lesson(chosen.id, self.card_wanted.emit)

    def _forget(self) -> None:
        if (chosen := self.chosen()) is not None:
            self._teaching.forget(chosen.id)
