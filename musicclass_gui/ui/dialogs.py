"""Dialogs that are seldom needed: weights with consent, shortcuts, about, self-check. None of them stops work."""

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
    QHBoxLayout,
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
from musicclass_gui.ui.widgets import Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QShowEvent

    from musicclass_gui.app.actions import Action
    from musicclass_gui.engine.encoders import EncoderSpec

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
    sheet.body.addWidget(_scrolled(page, "Shortcuts"))
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


def _scrolled(page: QWidget, name: str) -> QScrollArea:
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


class WeightsSheet(Sheet):
    """Encoders whose weights are not here; each says where from, how large and under which licence before it is fetched."""

    def __init__(self, parent: QWidget, missing: Callable[[], Sequence[EncoderSpec]], fetch: Callable[[str], None]) -> None:
        super().__init__(parent, "Weights", 600, 320)
        self._missing = missing
        self._fetch = fetch
        self._offers = QVBoxLayout()
        self._offers.setSpacing(10)
        self.body.addWidget(text("Some encoders are too large, or not ours, to come with the program. "
                                 "Nothing is fetched before you say so here.", "muted", wrap=True))  # fmt: skip
        self.body.addLayout(self._offers)
        self.body.addStretch()
        self.refresh_weights()

    def refresh_weights(self) -> None:
        """Show what is missing now."""
        from musicclass_gui.ui.widgets import clear_layout

        clear_layout(self._offers)
        missing = self._missing()
        for spec in missing:
            self._offers.addWidget(self._offer(spec))
        if not missing:
            self._offers.addWidget(text("The weights of every encoder are on this computer."))

    def _offer(self, spec: EncoderSpec) -> QWidget:
        card = Styled("card")
        box = QVBoxLayout(card)
        box.setContentsMargins(14, 12, 14, 12)
        box.addWidget(text(spec.title, "name"))
        if spec.weights is not None:
            link = text(f"From {spec.weights.files[0].url}", "body", wrap=True)
            link.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            box.addWidget(link)
            box.addWidget(text(f"{words.size(spec.weights.size_bytes)} · licence: {spec.weights.licence}", "muted"))
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._fetch_button(spec))
        box.addLayout(row)
        return card

    def _fetch_button(self, spec: EncoderSpec) -> QPushButton:
        button = QPushButton("Yes, fetch these weights")
        set_role(button, "primary")
        button.setAccessibleName(f"Fetch the weights of {spec.title}")
        button.clicked.connect(lambda: self._say_yes(spec.id, button))
        return button

    def _say_yes(self, encoder_id: str, button: QPushButton) -> None:
        button.setEnabled(False)
        button.setText("Fetching…")
        self._fetch(encoder_id)
