"""The page one sees before a recording is open: what to do first, and what was open lately."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import Elided, Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RECENT_SHOWN = 6


class Welcome(QWidget):
    """Drop target in words, Open, the sample, and recent recordings. `triggered` carries an action's id."""

    triggered = Signal(str)
    recent_chosen = Signal(Path)

    def __init__(self) -> None:
        super().__init__()
        self._recent_box = QVBoxLayout()
        self._recent_box.setSpacing(2)
        self._recent_title = text("Recent", "section")
        self._recent_title.hide()
        self._recent: list[Path] = []
        centre(self, self._card())

    def set_recent(self, paths: Sequence[Path]) -> None:
        """List recordings that were open lately, newest first."""
        shown = list(paths)[:_RECENT_SHOWN]
        if shown == self._recent:
            return
        self._recent = shown
        clear_layout(self._recent_box)
        self._recent_title.setVisible(bool(shown))
        for path in shown:
            self._recent_box.addWidget(self._recent_row(path))

    def _card(self) -> QWidget:
        card = Styled("card")
        card.setFixedWidth(520)
        box = QVBoxLayout(card)
        box.setContentsMargins(36, 32, 36, 28)
        box.setSpacing(8)
        title = text("Drop a recording here", "headline")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        hint = text("See its waveform and mel spectrogram, hear it, and read its genre and composer, second by second. "
                    "Folders work too. Nothing leaves this computer.", "muted", wrap=True)  # fmt: skip
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        box.addWidget(title)
        box.addWidget(hint)
        box.addSpacing(10)
        box.addLayout(self._buttons())
        box.addSpacing(8)
        box.addLayout(self._teach_line())
        box.addSpacing(8)
        box.addWidget(self._recent_title)
        box.addLayout(self._recent_box)
        return card

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch()
        for words, action in (("Open…", "file.open"), ("Open folder…", "file.open_folder"), ("Open the sample", "file.open_sample")):
            button = _action_button(words, action, self.triggered.emit)
            set_role(button, "primary" if action == "file.open" else "body")
            row.addWidget(button)
        row.addStretch()
        return row

    def _teach_line(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(text("Sounds of your own? Drop a folder of examples.", "muted"))
        row.addSpacing(8)
        row.addWidget(_action_button("Teach a class…", "teach.folder", self.triggered.emit))
        row.addStretch()
        return row

    def _recent_row(self, path: Path) -> QWidget:
        button = QPushButton()
        set_role(button, "row")
        button.setAccessibleName(f"Open {path.name}")
        button.setToolTip(str(path))
        button.clicked.connect(lambda: self.recent_chosen.emit(path))
        row = QHBoxLayout(button)
        row.setContentsMargins(10, 3, 10, 3)
        row.addWidget(_see_through(Elided(path.name)), 3)
        folder = _see_through(Elided(str(path.parent), mode=Qt.TextElideMode.ElideLeft))
        folder.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        set_role(folder, "muted")
        row.addWidget(folder, 2)
        button.setMinimumHeight(30)
        return button


class Failed(QWidget):
    """The page for a recording that could not be read: which, why, and what can be done."""

    triggered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._name = Elided()
        self._reason = text("", wrap=True)
        heading = text("This could not be read", "headline")
        for label in (heading, self._name, self._reason):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(self._name, "muted")
        card = Styled("card")
        card.setFixedWidth(520)
        box = QVBoxLayout(card)
        box.setContentsMargins(36, 32, 36, 28)
        box.setSpacing(10)
        for label in (heading, self._name, self._reason):
            box.addWidget(label)
        box.addSpacing(6)
        box.addLayout(self._buttons())
        centre(self, card)

    def show_failure(self, name: str, reason: str) -> None:
        """Say which recording could not be read, and why."""
        self._name.set_full(name)
        self._reason.setText(reason)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch()
        for words, action in (("Try again", "analyse.again"), ("Open another…", "file.open")):
            row.addWidget(_action_button(words, action, self.triggered.emit))
        row.addStretch()
        return row


def centre(page: QWidget, card: QWidget) -> None:
    """Put `card` in the middle of `page`, a little above. (A layout's alignment would forget the height of wrapped text.)"""
    row = QHBoxLayout()
    row.addStretch()
    row.addWidget(card)
    row.addStretch()
    column = QVBoxLayout(page)
    column.addStretch(2)
    column.addLayout(row)
    column.addStretch(3)


def _action_button(words: str, action: str, trigger: Callable[[str], None]) -> QPushButton:
    button = QPushButton(words)
    button.setAccessibleName(words)
    button.clicked.connect(lambda: trigger(action))
    return button


def _see_through(label: Elided) -> Elided:
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label
