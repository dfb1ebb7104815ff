"""Dialogs that are seldom needed: shortcuts, about, self-check, and what others are made of. None of them stops work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui import __version__
from musicclass_gui.app import words
from musicclass_gui.ui.menus import keys_text
from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QShowEvent

    from musicclass_gui.app.actions import Action

_TIMELINE = {
    "Timeline, with the mouse": (
        ("Click", "Go there"),
        ("Click a segment", "Hear it"),
        ("Double-click a segment", "Select it and zoom to it"),
        ("Wheel", "Zoom to the mouse"),
        ("Shift+Wheel", "Move to and fro"),
        ("Drag", "Move what is in view"),
        ("Shift+Drag", "Select a span; drag its edges to change it"),
    ),
    "Timeline, with the keyboard": (
        ("←  →", "Move what is in view; in a lane, go from segment to segment"),
        ("+  −", "Zoom"),
        ("0", "Show the whole recording"),
        ("[  ]", "Start or end the selection at the playhead"),
        ("Enter", "In a lane, hear the segment"),
    ),
}


class Sheet(QDialog):
    """A dialog with a heading, a body and Close; it goes away for good when closed."""

    def __init__(self, parent: QWidget | None, heading: str, width: int, height: int) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(heading)
        self.resize(width, height)
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.close)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 16)
        box.setSpacing(12)
        box.addWidget(text(heading, "title"))
        box.addLayout(self.body, 1)
        box.addWidget(self.buttons)

    def showEvent(self, event: QShowEvent) -> None:
        """Let no button answer to Enter unless it has the focus: Enter in a field must not press “Reset all”."""
        super().showEvent(event)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        for pictured in self.buttons.buttons():
            pictured.setIcon(QIcon())  # Fusion's own are of no theme


class Asking(QDialog):
    """A small dialog with a heading, something to fill in, Cancel and one button that Enter presses."""

    def __init__(self, parent: QWidget, heading: str, go: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(heading)
        self.resize(620, 10)
        self.body = QVBoxLayout()
        self.go = QPushButton(go)
        self.go.setAccessibleName(go)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 16)
        box.setSpacing(12)
        box.addWidget(text(heading, "title"))
        box.addLayout(self.body)
        box.addStretch()
        box.addWidget(buttons)
        self.finished.connect(self.deleteLater)

    def showEvent(self, event: QShowEvent) -> None:
        """Let Enter press the one button; Fusion's own pictures are of no theme."""
        super().showEvent(event)
        self.go.setDefault(True)
        for button in self.findChildren(QPushButton):
            button.setIcon(QIcon())
            button.setAccessibleName(button.text().replace("&", ""))
        self.fit()

    def fit(self) -> None:
        """As high as its words need, however they are wrapped."""
        box = self.layout()
        assert box is not None
        box.activate()
        self.resize(self.width(), box.totalHeightForWidth(self.width()))


def shortcut_sheet(parent: QWidget, actions: Sequence[Action]) -> Sheet:
    """Every shortcut of the action table, by menu."""
    sheet = Sheet(parent, "Keyboard shortcuts", 640, 560)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setColumnStretch(1, 1)
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(7)
    grid.setContentsMargins(4, 0, 12, 0)
    for place, (left, right, role) in enumerate(_shortcut_lines(actions)):
        grid.addWidget(text(left, role), place, 0)
        grid.addWidget(text(right, "muted", wrap=True), place, 1)
    grid.setRowStretch(grid.rowCount(), 1)
    sheet.body.addWidget(scrolled(page, "Shortcuts"))
    return sheet


def _shortcut_lines(actions: Sequence[Action]) -> list[tuple[str, str, str]]:
    lines: list[tuple[str, str, str]] = []
    keyed = [action for action in actions if action.sequences()]
    for menu in dict.fromkeys(_top(action) for action in keyed):
        lines.append((menu, "", "name"))
        lines += [(keys_text(action), action.full_text, "body") for action in keyed if _top(action) == menu]
    for heading, rows in _TIMELINE.items():
        lines.append((heading, "", "name"))
        lines += [(left, right, "body") for left, right in rows]
    return lines


def _top(action: Action) -> str:
    return action.menu.split("/")[0]


def scrolled(page: QWidget, name: str) -> QScrollArea:
    """A page that can be longer than the dialog that it is in."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName(name)
    area.setWidget(page)
    set_role(area, "plain")
    set_role(page, "plain")
    return area


def about(parent: QWidget) -> Sheet:
    """What this program is."""
    sheet = Sheet(parent, "About MusicClass", 480, 340)
    sheet.body.addWidget(text(f"Version {__version__}, MIT licence", "muted"))
    for paragraph in (
        "MusicClass shows what a recording is and why: its genre and its composer, second by second, with an honest “none of these”.",
        "Everything happens on this computer. The program uses the network only to fetch an encoder's weights, after you said yes.",
        "The classifiers were learned from research collections; each one's card, in the folder “models”, says from which and how well.",
        "The percentages are calibrated on recordings that the classifiers had not heard. They are still guesses by a machine.",
    ):
        sheet.body.addWidget(text(paragraph, wrap=True))
    sheet.body.addStretch()
    return sheet


class SelfCheck(Sheet):
    """Versions, devices and audio back ends, and what is missing; rows of (name, value, advice, all right)."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Self-check", 720, 460)
        self.state = text("Looking…", "muted")
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["What", "Found", "What to do"])
        self.table.setAccessibleName("Self-check results")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setShowGrid(False)
        self.body.addWidget(self.state)
        self.body.addWidget(self.table, 1)
        copy = self.buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._copy)

    def show_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Show what was found."""
        missing = sum(not fine for *_, fine in rows)
        self.state.setText("Everything is there." if not missing else f"{words.counted(missing, 'thing')} missing.")
        self.table.setRowCount(len(rows))
        for line, (name, value, advice, fine) in enumerate(rows):
            for column, words_ in enumerate((name if fine else f"{name}: missing", value, advice)):
                self.table.setItem(line, column, QTableWidgetItem(words_))

    def _copy(self) -> None:
        cells = [[self._cell(line, column) for column in range(3)] for line in range(self.table.rowCount())]
        QApplication.clipboard().setText("\n".join("\t".join(line) for line in cells))

    def _cell(self, line: int, column: int) -> str:
        item = self.table.item(line, column)
        return item.text() if item else ""
