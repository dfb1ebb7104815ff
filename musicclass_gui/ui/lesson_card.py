"""The lesson card: what a lesson did, the most important sentence first, every doubt said in words, with sounds to listen to.

It shows a LessonCard and asks for sounds to be heard; keeping and taking back are actions of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from musicclass_gui.ui import lesson_words
from musicclass_gui.ui.lesson_table import ReportTable
from musicclass_gui.ui.widgets import Elided, Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.lessons.report import LessonCard, Suggestion
    from musicclass_gui.ui.lesson_curve import Curve

_MOST_LINES = 8  # of each kind; the rest is counted
_LEGEND = "The line on a bar is the 95 % interval."
_LEGEND_OF_BOTH = f"Thin bar: before. Thick bar: after. {_LEGEND}"


def to_the_end(start_s: float | None, end_s: float | None) -> tuple[float, float]:
    """A span as the signal `heard` carries it: an end of −1 is the recording's."""
    return start_s or 0.0, -1.0 if end_s is None else end_s


class CardView(QScrollArea):
    """One card. `heard` carries a path and a span in seconds (end −1: to the end)."""

    heard = Signal(str, float, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._card: LessonCard | None = None
        self.heading = text("", "lesson", wrap=True)
        self.title = text("", "muted", wrap=True)
        self.measured = text("", wrap=True)
        self.table = ReportTable(theme)
        self.legend = text("", "small", wrap=True)
        self._more = QVBoxLayout()
        self._more.setSpacing(4)
        self._curve: Curve | None = None
        self.cost = text("", "small", wrap=True)
        self._build()

    def show_card(self, card: LessonCard) -> None:
        """Show this card, from its top."""
        if card == self._card:
            return
        self._card = card
        self.heading.setText(lesson_words.headline(card).replace(" %", "\u00a0%"))
        self.title.setText(card.title)
        self.measured.setText(lesson_words.measured(card))
        self.table.show_reports(card.classes)
        compared = any(report.before is not None for report in card.classes)
        self.legend.setText(_LEGEND_OF_BOTH if compared else _LEGEND)
        for part in (self.table, self.legend):
            part.setVisible(bool(card.classes))
        self.cost.setText(lesson_words.cost(card))
        self._show_more(card)
        self.verticalScrollBar().setValue(0)
        self._page.setAccessibleName(f"Lesson card. {self.heading.text()}")
        self._page.setAccessibleDescription(self.measured.text())

    def begin(self) -> None:
        """Put the focus on the card, so that it is read first."""
        self._page.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.table.set_theme(theme)
        if self._curve is not None:
            self._curve.set_theme(theme)

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_role(self, "plain")
        self._page = Styled("panel")
        self._page.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._page.setAccessibleName("Lesson card")
        box = QVBoxLayout(self._page)
        box.setContentsMargins(16, 12, 16, 12)
        box.setSpacing(6)
        for label in (self.title, self.heading, self.measured):
            box.addWidget(label)
        box.addSpacing(6)
        box.addWidget(self.table)
        box.addWidget(self.legend)
        box.addLayout(self._more)
        box.addSpacing(8)
        box.addWidget(self.cost)
        box.addStretch(1)
        self.setWidget(self._page)

    def _show_more(self, card: LessonCard) -> None:
        clear_layout(self._more)
        self._curve = None
        careful = [f"{report.name}: {report.note}" for report in card.classes if report.note]
        self._section("Be careful with", [*careful, *card.notes])
        self._section("Mixed up more often than before" if card.old_before is not None else "Mixed up", lesson_words.confusions(card))
        self._section("The same sound more than once", [lesson_words.twin(pair) for pair in card.twins])
        self._show_suggestions(card.suggestions)
        if card.curve:
            self._show_curve(card)

    def _section(self, heading: str, sentences: Sequence[str]) -> None:
        if not sentences:
            return
        self._heading(heading)
        more = len(sentences) - _MOST_LINES
        for sentence in [*sentences[:_MOST_LINES], *([f"And {more} more."] if more > 0 else [])]:
            self._more.addWidget(text(f"•  {sentence}", wrap=True))

    def _heading(self, words_: str) -> None:
        label = text(words_, "section")
        label.setContentsMargins(0, 10, 0, 0)
        self._more.addWidget(label)

    def _show_suggestions(self, suggestions: Sequence[Suggestion]) -> None:
        if suggestions:
            self._heading("Worth listening to")
        for item in suggestions[:_MOST_LINES]:
            self._more.addWidget(self._suggestion(item))

    def _suggestion(self, item: Suggestion) -> QWidget:
        row = QWidget()
        box = QHBoxLayout(row)
        box.setContentsMargins(0, 2, 0, 2)
        box.setSpacing(10)
        play = QPushButton("▶ Hear")
        set_role(play, "chip")
        play.setAccessibleName(f"Hear {item.name}")
        play.setToolTip(item.path)
        play.clicked.connect(lambda: self.heard.emit(item.path, *to_the_end(item.start_s, item.end_s)))
        box.addWidget(play, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(Elided(item.name))
        column.addWidget(text(lesson_words.suggestion(item), "small", wrap=True))
        box.addLayout(column, 1)
        return row

    def _show_curve(self, card: LessonCard) -> None:
        from musicclass_gui.ui.lesson_curve import Curve

        self._heading("How the training went")
        self._curve = Curve(self._theme)
        self._curve.show_points(card.curve)
        self._more.addWidget(self._curve)
