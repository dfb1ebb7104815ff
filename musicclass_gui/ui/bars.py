"""One row per class: its colour and letters, its name, a bar and its probability. Drawn here, decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from musicclass_gui.app import theme as themes
from musicclass_gui.app import words
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QPaintEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.answers import Ranked

ROW_PADDING = 9  # pixels over the height of the text
_SWATCH = 22
_PERCENT = "> 99 %"


class ClassRow(QAbstractButton):
    """A class in a ranking; pressing it asks for its seconds."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._colour = theme.accent
        self._code = ""
        self._share = 0.0
        self._name_width = 90
        self.label = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_role(self, "class-row")

    def set_class(
        self, ranked: Ranked, labels: Sequence[str], theme: Theme, name_width: int, colours: Mapping[str, int] | None = None
    ) -> None:
        """Show `ranked`, a class among `labels`, with `name_width` pixels for its name; `colours` has numbers that classes keep."""
        self._theme = theme
        self.label = ranked.label
        self._share = ranked.probability
        self._colour = themes.class_colour(theme, ranked.label, labels, colours)
        self._code = themes.class_letter(ranked.label, labels)
        self._name_width = name_width
        self.setAccessibleName(f"{ranked.label}, {words.percent(ranked.probability)}")
        self.setToolTip(f"{ranked.label}: {words.percent(ranked.probability)}. Press to go to where it is heard.")
        self.update()

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return QSize(240, self.fontMetrics().height() + ROW_PADDING)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            self._draw_ground(painter)
        middle = self.height() / 2
        self._draw_swatch(painter, QRectF(4, middle - 8.5, _SWATCH + 4, 17))
        name_left = _SWATCH + 16
        name_width = min(self._name_width, self.width() * 0.42)
        self._draw_name(painter, QRectF(name_left, 0, name_width, self.height()))
        percent_width = self.fontMetrics().horizontalAdvance(_PERCENT) + 8
        bar_left = name_left + name_width + 10
        self._draw_bar(painter, QRectF(bar_left, middle - 4, self.width() - bar_left - percent_width - 6, 8))
        self._draw_percent(painter, QRectF(self.width() - percent_width - 4, 0, percent_width, self.height()))

    def _draw_ground(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(self._theme.accent), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)

    def _draw_swatch(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colour))
        painter.drawRoundedRect(box, 4, 4)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(themes.on_colour(self._colour)))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._code)
        painter.setFont(self.font())

    def _draw_name(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QColor(self._theme.text))
        shown = self.fontMetrics().elidedText(self.label, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def _draw_bar(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(themes.mix(self._theme.raised, self._theme.border, 0.3)))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(QColor(self._colour))
        width = max(box.height(), box.width() * self._share) if self._share > 0 else 0
        painter.drawRoundedRect(QRectF(box.x(), box.y(), min(width, box.width()), box.height()), 4, 4)

    def _draw_percent(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QColor(self._theme.text_muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words.percent(self._share))
