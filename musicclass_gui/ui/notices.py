"""Notices: what went wrong or is worth knowing, shown under the top bar without stopping anybody.

The bar is given the whole list each time, so a notice goes as soon as its cause does. It decides nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import Styled, set_role

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS = {"info": "Note", "warn": "Careful", "bad": "Problem"}


@dataclass(frozen=True)
class Notice:
    """One sentence and, where something can be done, the id and the words of the action that does it."""

    text: str
    level: str = "info"
    action: str = ""
    action_text: str = ""


class NoticeBar(QWidget):
    """Shows notices one under the other; `triggered` carries the id of an action, `dismissed` a notice that was closed."""

    triggered = Signal(str)
    dismissed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._closed: set[Notice] = set()
        self._rows: dict[Notice, NoticeRow] = {}
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(1)
        self.hide()

    @property
    def notices(self) -> list[Notice]:
        """What is shown now."""
        return list(self._rows)

    def show_notices(self, notices: Sequence[Notice]) -> None:
        """Show exactly these, less those that were dismissed while they were true."""
        self._closed &= set(notices)
        wanted = [notice for notice in dict.fromkeys(notices) if notice not in self._closed]
        for gone in self._rows.keys() - set(wanted):
            self._drop(gone)
        for notice in wanted:
            if notice not in self._rows:
                self._add(notice)
        self.setVisible(bool(self._rows))

    def dismiss(self, notice: Notice) -> None:
        """Hide `notice` until it is news again."""
        self._closed.add(notice)
        self._drop(notice)
        self.setVisible(bool(self._rows))
        self.dismissed.emit(notice)

    def _add(self, notice: Notice) -> None:
        row = NoticeRow(notice)
        row.dismissed.connect(self.dismiss)
        row.triggered.connect(self.triggered)
        self._rows[notice] = row
        self._box.addWidget(row)

    def _drop(self, notice: Notice) -> None:
        row = self._rows.pop(notice, None)
        if row is not None:
            row.hide()
            self._box.removeWidget(row)
            row.deleteLater()


class NoticeRow(Styled):
    """One notice with its buttons."""

    triggered = Signal(str)
    dismissed = Signal(object)

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"notice-{notice.level}")
        self.notice = notice
        box = QHBoxLayout(self)
        box.setContentsMargins(14, 5, 8, 5)
        box.setSpacing(10)
        box.addWidget(self._mark())
        box.addWidget(self._sentence(), 1)
        if notice.action:
            box.addWidget(self._action_button())
        box.addWidget(self._dismiss_button())

    def _mark(self) -> QLabel:
        mark = QLabel(_MARKS[self.notice.level])
        set_role(mark, f"mark-{self.notice.level}")
        return mark

    def _sentence(self) -> QLabel:
        sentence = QLabel(self.notice.text)
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        sentence.setWordWrap(True)
        return sentence

    def _action_button(self) -> QPushButton:
        button = QPushButton(self.notice.action_text)
        button.setAccessibleName(f"{self.notice.action_text}: {self.notice.text}")
        button.clicked.connect(lambda: self.triggered.emit(self.notice.action))
        return button

    def _dismiss_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("✕")
        button.setAutoRaise(True)
        button.setToolTip("Dismiss")
        button.setAccessibleName(f"Dismiss: {self.notice.text}")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.dismissed.emit(self.notice))
        return button
