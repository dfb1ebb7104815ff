"""What was found when the data was looked at: counts beside the published ones, leak verdicts, problems, the split, time and disk.

It shows what the state says; looking is done elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPlainTextEdit, QProgressBar, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import bench_words, words
from musicclass_gui.ui.dialogs import scrolled
from musicclass_gui.ui.widgets import Placeholder, Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.engine.benchmark.data import Count
    from musicclass_gui.engine.benchmark.protocol import About, Verdict

_HINT = "Choose the folder at the left and press “Check the data”. Nothing is computed before you press “Run”."
_OWN = "For recordings of your own, sorted into a folder for each class, choose the data set “{}”."
_REMARKS = "What to know of these data"
_AGREES = "as published"


class CheckPanel(QWidget):
    """The look at the data: nothing yet, going on, failed, or found."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self.nothing = Placeholder("The data was not looked at yet", _HINT)
        self.stop = QPushButton("Stop")
        self.saying = text("", "muted")
        self.problems = QPlainTextEdit()
        self._page = QWidget()
        self._body = QVBoxLayout(self._page)
        self._pages = QStackedWidget()
        self._found = scrolled(self._page, "What was found")
        self._waiting = self._make_waiting()
        for page in (self.nothing, self._waiting, self._found):
            self._pages.addWidget(page)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._pages)
        self._body.setContentsMargins(20, 16, 20, 16)
        self._body.setSpacing(8)
        self.show_about()

    def show_about(self) -> None:
        """Show what is known now: of the form's data, or else of the shown run's."""
        bench = self._bench
        about = bench.about or (bench.view.about if bench.view and not bench.checking else None)
        self.saying.setText(bench.check_text or "Looking at the data…")
        if bench.checking:
            self._pages.setCurrentWidget(self._waiting)
        elif bench.about_problem:
            self.nothing.heading.setText("This cannot be run on that folder")
            self.nothing.hint.setText("\n".join(filter(None, (bench.about_problem, self._own()))))
            self._pages.setCurrentWidget(self.nothing)
        elif about is None:
            self.nothing.heading.setText("The data was not looked at yet")
            self.nothing.hint.setText(_HINT)
            self._pages.setCurrentWidget(self.nothing)
        else:
            self._fill(about, "" if bench.about else "From the run that is shown.")
            self._pages.setCurrentWidget(self._found)

    def _own(self) -> str:
        """What to choose for recordings that are no published data set, where that is not what was chosen."""
        form = self._bench.form
        own = form.protocol.dataset("folders") if form else None
        return _OWN.format(own.title) if form and own and form.dataset != own.id else ""

    def _make_waiting(self) -> QWidget:
        page = QWidget()
        box = QVBoxLayout(page)
        box.addStretch()
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedWidth(260)
        bar.setAccessibleName("Looking at the data")
        for widget in (self.saying, bar, self.stop):
            box.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addStretch()
        self.stop.clicked.connect(self._bench.stop_checking)
        return page

    def _fill(self, about: About, whose: str) -> None:
        clear_layout(self._body)
        self._body.addWidget(text(about.title, "lesson", wrap=True))
        self._body.addWidget(text(" ".join(filter(None, (bench_words.estimate(about), whose))), "muted", wrap=True))
        if about.counts:
            self._add("Counts", _counts_card(about.counts))
        if about.verdicts:
            self._add("Leaks between training and test", _verdicts_card(about.verdicts))
        self._add_problems(about.problems)
        if about.split:
            self._add("Split", text(bench_words.split_line(about), wrap=True))
        if about.classes:
            self._add(words.counted(len(about.classes), "class", "classes").capitalize(), text(", ".join(about.classes), wrap=True))
        self._add("Fingerprint of the data", text(about.fingerprint, "small", wrap=True))
        self._body.addStretch()

    def _add_problems(self, problems: Sequence[str]) -> None:
        if not problems:
            self._add(_REMARKS, text("Nothing: every file that was expected is there and can be decoded.", "good", wrap=True))
            return
        self.problems = QPlainTextEdit("\n".join(problems))
        self.problems.setReadOnly(True)
        self.problems.setAccessibleName(_REMARKS)
        self.problems.setFixedHeight(min(180, 34 + 20 * len(problems)))
        self._add(_REMARKS, self.problems)

    def _add(self, heading: str, widget: QWidget) -> None:
        self._body.addSpacing(6)
        self._body.addWidget(text(heading, "section"))
        self._body.addWidget(widget)


def _counts_card(counts: Sequence[Count]) -> QWidget:
    card = Styled("card")
    grid = QGridLayout(card)
    grid.setContentsMargins(14, 10, 14, 10)
    grid.setHorizontalSpacing(28)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(3, 1)
    for column, title in enumerate(("", "Found", "Published", "")):
        grid.addWidget(text(title, "small"), 0, column)
    for place, count in enumerate(counts, 1):
        what, found, published, agrees = bench_words.count_line(count)
        grid.addWidget(text(what[:1].upper() + what[1:]), place, 0)
        for column, words_ in ((1, found), (2, published)):
            grid.addWidget(text(words_), place, column, Qt.AlignmentFlag.AlignRight)
        role = "good" if agrees == _AGREES else "muted" if not count.published else "warn"
        grid.addWidget(text(agrees, role), place, 3)
    return card


def _verdicts_card(verdicts: Sequence[Verdict]) -> QWidget:
    card = Styled("card")
    box = QVBoxLayout(card)
    box.setContentsMargins(14, 10, 14, 10)
    box.setSpacing(8)
    for verdict in verdicts:
        title, ink = bench_words.LEVELS.get(verdict.level, (verdict.level, "muted"))
        row = QHBoxLayout()
        row.setSpacing(14)
        level = text(title, ink)
        level.setFixedWidth(46)
        check = text(verdict.check[:1].upper() + verdict.check[1:], "section", wrap=True)
        check.setFixedWidth(110)
        sentence = text(verdict.sentence, wrap=True)
        set_role(sentence, "body")
        for label in (level, check):
            row.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(sentence, 1)
        box.addLayout(row)
    return card
