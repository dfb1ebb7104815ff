"""Why: the windows that decided, to be heard, and the training recordings that are nearest.

Its widgets are kept and given new words, since an answer comes several times a second while a recording is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from musicclass_gui.app import words
from musicclass_gui.ui.widgets import Elided, Flow, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.answers import Evidence

NEIGHBOUR_PADDING = 2  # pixels between two nearest training recordings
_WINDOWS_SHOWN = 3


class DecidingWindows(QWidget):
    """The windows that decided, each a button that plays it. `heard` carries its span in seconds."""

    heard = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(4)
        box.addWidget(text("Decided by", "section"))
        holder = QWidget()
        flow = Flow(holder)
        box.addWidget(holder)
        self._chips = [_Chip() for _ in range(_WINDOWS_SHOWN)]
        for chip in self._chips:
            chip.heard.connect(self.heard)
            flow.addWidget(chip)

    def show_evidence(self, evidence: Sequence[Evidence]) -> None:
        """Show the strongest windows first; of those that read the same, one."""
        by_words: dict[str, Evidence] = {}
        for item in evidence:
            by_words.setdefault(_span_words(item), item)
        shown = list(by_words.values())[: len(self._chips)]
        self.setVisible(bool(shown))
        for place, chip in enumerate(self._chips):
            chip.setVisible(place < len(shown))
            if place < len(shown):
                chip.show_window(shown[place])


class _Chip(QPushButton):
    """One window."""

    heard = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self._window: Evidence | None = None
        set_role(self, "chip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Deciding window")
        self.clicked.connect(self._play)

    def show_window(self, window: Evidence) -> None:
        """Show when `window` is."""
        if window != self._window:
            self._window = window
            span = _span_words(window)
            self.setText(f"▶ {span}")
            self.setAccessibleName(f"Play {span}, which decided for {window.label}")
            self.setToolTip(f"Play {span}: it speaks most for {window.label}")

    def _play(self) -> None:
        if self._window is not None:
            self.heard.emit(self._window.start_s or 0.0, self._window.end_s or 0.0)


class Neighbours(QWidget):
    """The training recordings that are nearest, by name and distance."""

    def __init__(self, most: int) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(NEIGHBOUR_PADDING)
        heading = text("Sounds most like (distance)", "section")
        heading.setToolTip("Training recordings whose mean embedding is nearest; smaller distances are more alike.")
        box.addWidget(heading)
        self._lines = [_Neighbour() for _ in range(most)]
        for line in self._lines:
            box.addWidget(line)
        self._most = most
        self._known = 0

    def set_most(self, most: int) -> None:
        """Show so many at most."""
        self._most = most
        self._show_most()

    def show_evidence(self, evidence: Sequence[Evidence]) -> None:
        """Show the nearest first."""
        self._known = min(len(evidence), len(self._lines))
        self.setVisible(bool(self._known))
        for line, item in zip(self._lines, evidence, strict=False):
            line.show_recording(item)
        self._show_most()

    def _show_most(self) -> None:
        for place, line in enumerate(self._lines):
            line.setVisible(place < min(self._most, self._known))


class _Neighbour(QWidget):
    """One training recording."""

    def __init__(self) -> None:
        super().__init__()
        self._name = Elided()
        self._distance = text("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._name, 1)
        row.addWidget(self._distance)

    def show_recording(self, item: Evidence) -> None:
        """Show which recording it is, its class and how far it is."""
        self._name.set_full(item.name or item.label)
        self._distance.setText(f"{item.label} ({item.weight:.1f})")


def _span_words(item: Evidence) -> str:
    return words.span(item.start_s or 0.0, item.end_s or 0.0)
