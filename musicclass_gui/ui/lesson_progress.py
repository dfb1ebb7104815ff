"""What teaching is doing: the stage, which file of how many, how long it will take, files that failed, the curve of a training.

It is told the state; its one button cancels.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from musicclass_gui.app import words
from musicclass_gui.ui.widgets import Elided, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.lessons.news import Heard, Trained
    from musicclass_gui.ui.lesson_curve import Curve

_SCALE = 1000
_FAILED_SHOWN = 6


class ProgressView(QWidget):
    """The page that stands in the card's place while a lesson is being learned."""

    def __init__(self, cancel: Callable[[], None], theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.stage = text("", "headline", wrap=True)
        self.counts = text("", "body", wrap=True)
        self.bar = QProgressBar()
        self.file = Elided()
        self.eta = text("", "muted")
        self.failed = text("", "small", wrap=True)
        self.cancel = QPushButton("Cancel this lesson")
        self._curve: Curve | None = None
        self._box = QVBoxLayout(self)
        self._build(cancel)

    def show_work(self, stage: str, progress: float, eta_s: float | None) -> None:
        """Show the stage, how far it is (0 to 1, NaN: unknown), and the seconds left."""
        self.stage.setText(stage)
        known = math.isfinite(progress)
        self.bar.setRange(0, _SCALE if known else 0)
        if known:
            self.bar.setValue(round(progress * _SCALE))
        self.eta.setText(words.eta(eta_s))

    def show_heard(self, heard: Sequence[Heard], *, listening: bool) -> None:
        """Show the files that are through; once all are, only those that failed."""
        for label in (self.counts, self.file):
            label.setVisible(listening)
        last = heard[-1] if heard else None
        failed = [one for one in heard if one.state == "failed"]
        aside = f", {len(failed)} could not be read" if failed else ""
        self.counts.setText(f"{last.done} of {words.counted(last.total, 'recording')}{aside}" if last is not None else "")
        self.file.set_full(Path(last.path).name if last is not None else "")
        shown = [f"{Path(one.path).name}: {one.reason}" for one in failed[-_FAILED_SHOWN:]]
        self.failed.setText("\n".join(shown))
        self.failed.setVisible(bool(shown))

    def show_curve(self, curve: Sequence[Trained]) -> None:
        """Draw the epochs so far."""
        if curve and self._curve is None:
            from musicclass_gui.ui.lesson_curve import Curve

            self._curve = Curve(self._theme)
            self._box.insertWidget(self._box.count() - 2, self._curve)
        if self._curve is not None:
            self._curve.setVisible(bool(curve))
            self._curve.show_points([(one.epoch, one.loss, one.accuracy, one.held_out_accuracy) for one in curve])

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        if self._curve is not None:
            self._curve.set_theme(theme)

    def _build(self, cancel: Callable[[], None]) -> None:
        self.bar.setRange(0, _SCALE)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the lesson")
        self.cancel.setAccessibleName("Cancel this lesson")
        self.cancel.setToolTip("Stop; the classifier stays as it was")
        self.cancel.clicked.connect(lambda: cancel())
        box = self._box
        box.setContentsMargins(16, 14, 16, 12)
        box.setSpacing(8)
        line = QHBoxLayout()
        line.addWidget(self.file, 1)
        line.addWidget(self.eta)
        box.addWidget(self.stage)
        box.addWidget(self.counts)
        box.addWidget(self.bar)
        box.addLayout(line)
        box.addWidget(self.failed)
        box.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self.cancel)
        box.addLayout(buttons)
