"""The line under the lanes: what is under the mouse, what is in view, and what the colours of the mel image mean.

It shows plain values; it must not know where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from musicclass_gui.app.words import decibels, hertz
from musicclass_gui.ui.axes import time_label
from musicclass_gui.ui.timeline_paint import colour, small_font

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.windows import Span

_BAR_PX = 90
_LEAST_PX, _VIEW_FROM_PX, _BAR_FROM_PX = 300, 620, 800


@dataclass(frozen=True)
class Cursor:
    """What is under the mouse. On the mel image all is known; on the waveform time and level; on a lane time and what it says."""

    time_s: float
    hz: float | None = None
    band: int | None = None  # of 128, from 0
    db: float | None = None
    note: str = ""
    text: str = ""

    def fields(self) -> tuple[str, ...]:
        """Time, frequency, note, band, level and text as the line shows them; empty what is not known."""
        return (
            time_label(self.time_s, 3),
            "" if self.hz is None else hertz(self.hz),
            self.note,
            "" if self.band is None else f"band {self.band + 1}",
            "" if self.db is None else decibels(self.db),
            self.text,
        )


class Readout(QWidget):
    """The line itself; its fields keep their places while the mouse moves."""

    _WIDEST = ("0:00:00.000", "10.00 kHz", "C♯10 −50 ct", "band 128", "−100.0 dB", "")

    def __init__(self, theme: Theme, gutter: int, margin: int) -> None:
        super().__init__()
        self._fields = [QLabel() for _ in self._WIDEST]
        self._view = QLabel()
        self._bar = _ColourBar(theme)
        row = QHBoxLayout(self)
        row.setContentsMargins(gutter, 2, margin, 3)
        row.setSpacing(14)
        for label, widest in zip(self._fields, self._WIDEST, strict=True):
            label.setFont(small_font(label.font()))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest))
            row.addWidget(label)
        self._view.setFont(small_font(self._view.font()))
        row.addStretch(1)
        row.addWidget(self._view)
        row.addWidget(self._bar)
        self._fields[-1].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.setStretchFactor(self._fields[-1], 4)
        self.set_theme(theme)

    def minimumSizeHint(self) -> QSize:
        """What Qt asks: it can do with little, see `resizeEvent`."""
        return QSize(_LEAST_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: where there is little room, leave out what is said elsewhere too."""
        self._bar.setVisible(self.width() >= _BAR_FROM_PX)
        self._view.setVisible(self.width() >= _VIEW_FROM_PX)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._bar.set_theme(theme)
        for label in (*self._fields[1:], self._view):
            label.setStyleSheet(f"color: {theme.text_muted}; background: transparent")
        self._fields[0].setStyleSheet(f"color: {theme.text}; background: transparent")

    def set_cursor(self, cursor: Cursor | None) -> None:
        """Show what is under the mouse, or nothing."""
        texts = cursor.fields() if cursor else ("",) * len(self._fields)
        for label, text in zip(self._fields, texts, strict=True):
            label.setText(text)
        for label in self._fields[1:-1]:
            label.setVisible(not texts[-1])  # what a lane says needs their room

    def set_view(self, span: Span, duration_s: float) -> None:
        """Say what is in view."""
        decimals = 0 if span[1] - span[0] > 20 else 1 if span[1] - span[0] > 2 else 3
        whole = time_label(duration_s, 1 if duration_s < 60 else 0)
        shown = f"{time_label(span[0], decimals)}–{time_label(span[1], decimals)} of {whole}"
        self._view.setText(shown if duration_s > 0 else "")

    def set_mel_look(self, table: NDArray[np.uint32], floor_db: float) -> None:
        """Show what the colours mean, from `floor_db` to 0 dB."""
        self._bar.set_look(table, floor_db)

    def text(self) -> str:
        """All that is said of what is under the mouse, in one line."""
        return " · ".join(label.text() for label in self._fields if label.text())


class _ColourBar(QWidget):
    """A bar in the colours of the mel image with the levels at its ends."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._image = QImage()
        self._floor = ""
        self.setFont(small_font(self.font()))
        self.setAccessibleName("Colours of the mel image")

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def set_look(self, table: NDArray[np.uint32], floor_db: float) -> None:
        """Show these colours."""
        from musicclass_gui.engine.mel import FLOOR_DB

        first = round((1 - floor_db / FLOOR_DB) * 255)
        shown = table[first:].copy()
        self._image = QImage(shown.data, shown.size, 1, 4 * shown.size, QImage.Format.Format_RGB32).copy()
        self._floor = decibels(floor_db).replace(".0", "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """What Qt asks."""
        metrics = self.fontMetrics()
        return QSize(_BAR_PX + metrics.horizontalAdvance("−100 dB 0 dB") + 16, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        """What Qt asks."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks."""
        painter = QPainter(self)
        metrics, area = painter.fontMetrics(), QRectF(self.rect())
        right = metrics.horizontalAdvance("0 dB")
        painter.setPen(colour(self._theme.text_muted))
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "0 dB")
        bar = QRectF(area.right() - right - 6 - _BAR_PX, area.center().y() - 4, _BAR_PX, 8)
        painter.drawImage(bar, self._image)
        painter.setPen(colour(self._theme.border))
        painter.drawRect(bar)
        painter.setPen(colour(self._theme.text_muted))
        before = QRectF(area.left(), area.top(), bar.left() - 6 - area.left(), area.height())
        painter.drawText(before, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._floor)
