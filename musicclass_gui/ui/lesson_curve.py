"""The curve of fine-tuning: loss, accuracy in training and on held-out recordings, epoch by epoch, while it happens and on the card.

It draws rows of numbers; it knows no session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.theme import Theme

Point = tuple[float, ...]
"""(epoch, loss, accuracy in training, accuracy on held-out recordings), accuracies from 0 to 1."""

_HEIGHT = 150
_LINES = (
    ("Loss", 1, Qt.PenStyle.DotLine),
    ("Right in training", 2, Qt.PenStyle.DashLine),
    ("Right when held out", 3, Qt.PenStyle.SolidLine),
)


class Curve(QWidget):
    """Two stacked plots would take too much room: the loss is drawn as a share of its first value, on the accuracies' axis."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._points: Sequence[Point] = ()
        self.plot = pg.PlotWidget()
        self.words = text("", "small", wrap=True)
        self._lines = [self.plot.plot([], []) for _ in _LINES]
        self._keys = [QLabel(title) for title, _, _ in _LINES]
        self._build()
        self.set_theme(theme)

    def show_points(self, points: Sequence[Point]) -> None:
        """Draw these epochs."""
        self._points = points
        epochs = [point[0] for point in points]
        first = max((point[1] for point in points[:1]), default=1.0) or 1.0
        for line, (_, column, _) in zip(self._lines, _LINES, strict=True):
            values = [point[column] / first if column == 1 else point[column] for point in points]
            line.setData(epochs, values)
        self.words.setText(self._sentence())
        self.plot.setAccessibleDescription(self.words.text())

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.plot.setBackground(theme.surface)
        colours = (theme.text_muted, theme.warn, theme.accent)
        for line, key, colour, (title, _, style) in zip(self._lines, self._keys, colours, _LINES, strict=True):
            line.setPen(pg.mkPen(colour, width=2, style=style))
            mark = {Qt.PenStyle.DotLine: "⋯", Qt.PenStyle.DashLine: "╌", Qt.PenStyle.SolidLine: "─"}[style]
            key.setText(f'<span style="color:{colour}">{mark}</span> {title}')
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.border)
            axis.setTextPen(theme.text_muted)

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return QSize(300, _HEIGHT + 50)

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        keys = QHBoxLayout()
        for key in self._keys:
            set_role(key, "small")
            keys.addWidget(key)
        keys.addStretch()
        box.addLayout(keys)
        box.addWidget(self.plot)
        box.addWidget(self.words)
        self.plot.setFixedHeight(_HEIGHT)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setAccessibleName("Curve of the training")
        self.plot.setYRange(0, 1.02)
        self.plot.getAxis("left").setTicks([[(0, "0"), (0.5, "50 %"), (1, "100 %")]])
        self.plot.getAxis("left").setWidth(46)

    def _sentence(self) -> str:
        if not self._points:
            return ""
        epoch, loss, accuracy, held_out = self._points[-1][:4]
        best = max(self._points, key=lambda point: point[3])
        now = f"Epoch {epoch:.0f}: loss {loss:.2f}, right on {accuracy:.0%} in training and {held_out:.0%} of held-out sounds"
        return f"{now}; best so far {best[3]:.0%} after epoch {best[0]:.0f}.".replace("%", " %")
