"""The page one sees before a recording is open: what to do first, and what was open lately."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import Elided, Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(self._card(), 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        self.set_recent([])

    def set_recent(self, paths: Sequence[Path]) -> None:
        """List recordings that were open lately, newest first."""
        clear_layout(self._recent_box)
        shown = list(paths)[:_RECENT_SHOWN]
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
        box.addSpacing(12)
        box.addWidget(self._recent_title)
        box.addLayout(self._recent_box)
        return card

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._button("Open…", "file.open", primary=True))
        row.addWidget(self._button("Open folder…", "file.open_folder"))
        row.addWidget(self._button("Open the sample", "file.open_sample"))
        row.addStretch()
        return row

    def _button(self, words: str, action: str, *, primary: bool = False) -> QPushButton:
        button = QPushButton(words)
        button.setAccessibleName(words)
        if primary:
            set_role(button, "primary")
            button.setDefault(True)
        button.clicked.connect(lambda: self.triggered.emit(action))
        return button

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
        folder.setAlignment(Qt.AlignmentFlag.AlignRight)
        set_role(folder, "muted")
        row.addWidget(folder, 2)
        button.setMinimumHeight(30)
        return button


def _see_through(label: Elided) -> Elided:
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label
