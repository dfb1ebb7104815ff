"""The table of a lesson's card: every class, its recordings, and how often it was right before and after.

It shows a card's rows; it judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QStyledItemDelegate

from musicclass_gui.app import theme as themes
from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.engine.lessons.report import ClassReport
from musicclass_gui.ui import lesson_words
from musicclass_gui.ui.tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex
    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from musicclass_gui.app.theme import Theme

_ACCURACY = 2
_WIDTHS = (150, 98, 196)
_BAR_LEFT = 122  # where bars begin, so that they stand under each other
_ROW_PX = 30
_MOST_ROWS = 24  # as high as the table gets; then it scrolls


class ReportModel(RowsModel[ClassReport]):
    """The classes of a card."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(_columns(), theme)

    def show_reports(self, reports: Sequence[ClassReport]) -> None:
        """Show these classes."""
        self._show(list(reports), [report.cls for report in reports], list(reports))

    def report(self, row: int) -> ClassReport:
        """The class in a row."""
        return self._rows[row]

    @property
    def theme(self) -> Theme:
        """The colours to draw in."""
        return self._theme


def _columns() -> list[Column[ClassReport]]:
    return [
        Column("Class", lesson_words.role_name, lambda row: row.name.casefold(), tip=_tip),
        Column("Recordings", lambda row: f"{row.recordings:,}", lambda row: row.recordings, right=True, tip=_tip),
        Column("Answered right", lesson_words.before_after, lambda row: -1.0 if row.after is None else row.after, tip=_tip, ink=_ink),
    ]


def _tip(report: ClassReport) -> str:
    held = "" if report.held_out or report.after is None else " Measured on the recordings that it learned from."
    return f"{lesson_words.spoken(report)}.{f' {report.note}' if report.note else ''}{held}"


def _ink(theme: Theme, report: ClassReport) -> str | None:
    return theme.text_muted if report.after is None else None


class ReportTable(Table):
    """As high as its rows, up to a point."""

    def __init__(self, theme: Theme) -> None:
        self.model_ = ReportModel(theme)
        super().__init__("Classes of this lesson, before and after", self.model_, widths=_WIDTHS)
        self.setItemDelegateForColumn(_ACCURACY, BeforeAfter(self.model_, self))
        self.setSortingEnabled(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the end of a long name says whether the class is new
        self.setAlternatingRowColors(False)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setStretchLastSection(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_reports(self, reports: Sequence[ClassReport]) -> None:
        """Show these classes: new ones first, each group as the card has it."""
        self.model_.show_reports(sorted(reports, key=lambda report: not report.new))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size, or its header has."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        rows = sum(self.rowHeight(row) for row in range(min(self.model_.rowCount(), _MOST_ROWS)))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows + 2 * self.frameWidth())

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.model_.set_theme(theme)
        self.viewport().update()


class BeforeAfter(QStyledItemDelegate):
    """Draws beside the words two bars: before (thin, above) and after (thick, below), with the 95 % interval as a line."""

    def __init__(self, model: ReportModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw one cell."""
        super().paint(painter, option, index)
        report = self._model.report(index.row())
        room = QRectF(option.rect).adjusted(_BAR_LEFT, 0, -10, 0)
        if report.after is None or room.width() < 24:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = room.center().y()
        theme = self._model.theme
        if report.before is not None:
            _draw_bar(painter, QRectF(room.x(), middle - 7, room.width(), 4), report.before, theme, theme.none)
            middle += 3
        _draw_bar(painter, QRectF(room.x(), middle - 4, room.width(), 8), report.after, theme, theme.accent)
        _draw_interval(painter, QRectF(room.x(), middle, room.width(), 0), report.interval, theme)
        painter.restore()


def _draw_bar(painter: QPainter, box: QRectF, share: float, theme: Theme, colour: str) -> None:
    radius = box.height() / 2
    painter.setBrush(QColor(themes.mix(theme.raised, theme.border, 0.4)))
    painter.drawRoundedRect(box, radius, radius)
    painter.setBrush(QColor(colour))
    if share > 0:
        painter.drawRoundedRect(QRectF(box.x(), box.y(), max(box.height(), box.width() * share), box.height()), radius, radius)


def _draw_interval(painter: QPainter, line: QRectF, interval: tuple[float, ...], theme: Theme) -> None:
    if len(interval) != 2:
        return
    painter.setPen(QPen(QColor(theme.text), 1.2))
    left, right = (line.x() + line.width() * share for share in interval)
    y = line.y()
    painter.drawLine(QRectF(left, y, right - left, 0).topLeft(), QRectF(left, y, right - left, 0).topRight())
    for x in (left, right):
        painter.drawLine(QRectF(x, y - 2.5, 0, 5).topLeft(), QRectF(x, y - 2.5, 0, 5).bottomLeft())
