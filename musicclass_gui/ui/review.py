"""The review queue: what the classifier is least sure of, to be heard and judged with one key each, then taught.

It asks the session's teaching for doubts when it is looked at, and tells it every verdict; it teaches nothing itself.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QPushButton, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import icons, words
from musicclass_gui.ui.classlook import Looks, span_words, swatch_icon
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.picker import ClassPicker
from musicclass_gui.ui.review_model import NONE, ReviewModel, says
from musicclass_gui.ui.tables import Table
from musicclass_gui.ui.widgets import Elided, Flow, Placeholder, Styled, clear_layout, icon_button, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtGui import QAction, QResizeEvent, QShowEvent

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView, Doubt

_WIDTHS = (96, 180, 80, 164, 96)
_NAME, _DOUBT, _WHY = 1, 4, 5
_ROOMY = 720  # pixels from which the table has room for the columns that only explain
_CARD_WIDTHS = (300, 460)
_KEYED = 9
_NOTHING_TAUGHT = "Teach at least two classes; then what they are unsure of is listed here, to be judged with one key each."
_LOOKING = "Looking for what the classifier is unsure of…"
_NO_DOUBTS = "There is nothing to review. Queue more recordings, then look again."


class ReviewPanel(QStackedWidget):
    """The review queue. `heard` carries a path and a span in seconds (end −1: to the end) to be played."""

    heard = Signal(str, float, float)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._classes: list[ClassView] = []
        self._known: object = None  # what the doubts that are shown were asked about
        self._ticket: object = None  # of the question that is under way
        self.model = ReviewModel(theme)
        self.table = Table("Review", self.model, widths=_WIDTHS)
        self.progress = text("", "muted")
        self.follow = QCheckBox("Hear each one")
        self.again = icon_button(icons.icon("retry", theme), "Look again", "Look again for what is doubtful")
        self.teach = QPushButton("Teach what I confirmed")
        self.card = VerdictCard()
        self._page, self._placeholder = QWidget(), Placeholder("Review", "")
        self._build()
        self._connect()
        self.setFocusProxy(self.table)
        self.show_board()

    def show_board(self) -> None:
        """Show the classes as they are now; doubts are asked for anew when the classifier has learned, once they are looked at."""
        teaching = self._session.teaching
        view = teaching.classifier
        self._classes = [one for one in view.classes if one.role == "class"] if view else []
        now = (teaching.project, view.id, view.revision) if view else None
        if now != self._known:
            self._known, self._ticket = now, None
            self._show_doubts([])
            self._look()
        elif self._ticket and not teaching.busy:  # it failed, and would again
            self._ticket = None
            self._show_doubts([])
            self._placeholder.hint.setText(teaching.problem or _NO_DOUBTS)
        else:
            self._show_doubts(self.model.doubts)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.again.setIcon(icons.icon("retry", theme))
        self.model.set_theme(theme)
        self._show_doubts(self.model.doubts)

    def showEvent(self, event: QShowEvent) -> None:
        """What Qt tells: it is looked at."""
        super().showEvent(event)
        if not self.model.rowCount():
            self._look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size; what the card says too is left out of a narrow table."""
        super().resizeEvent(event)
        least, most = _CARD_WIDTHS
        self.card.setFixedWidth(min(most, max(least, round(self.width() * 0.34))))
        roomy = self.width() - self.card.width() >= _ROOMY
        for column in (_DOUBT, _WHY):
            self.table.setColumnHidden(column, not roomy)

    # What is doubtful

    def look_again(self) -> None:
        """Ask what is doubtful now."""
        self._ticket = None
        self._look()

    def _look(self) -> None:
        if self._ticket or not self.isVisible() or not self._ready:
            self._say_where_it_stands()
            return
        self._ticket = ticket = object()
        self._say_where_it_stands()
        self._session.teaching.doubts(partial(self._take, ticket))

    def _take(self, ticket: object, doubts: list[Doubt]) -> None:
        if ticket is self._ticket:
            self._ticket = None
            self._show_doubts(doubts)
            if doubts:
                self._go_to(self.model.next_open(-1) or 0)

    @property
    def _ready(self) -> bool:
        return len(self._classes) > 1

    def _show_doubts(self, doubts: Sequence[Doubt]) -> None:
        looks = Looks(self._session.teaching.classifier.classes, self._theme) if self._session.teaching.classifier else Looks()
        self.model.show_doubts(doubts, looks)
        self.card.show_classes(self._classes[:_KEYED], looks, more=len(self._classes) > _KEYED)
        self._say_where_it_stands()

    def _say_where_it_stands(self) -> None:
        doubts = self.model.doubts
        self.setCurrentWidget(self._page if doubts else self._placeholder)
        self._placeholder.hint.setText(_NOTHING_TAUGHT if not self._ready else _LOOKING if self._ticket else _NO_DOUBTS)
        judged = sum(doubt.verdict is not None for doubt in doubts)
        confirmed = sum(bool(doubt.verdict) for doubt in doubts)
        named = f", {confirmed:,} of them as a class" if judged else ""
        self.progress.setText(f"{judged:,} of {words.counted(len(doubts), 'sound')} judged{named}")
        self.teach.setEnabled(confirmed > 0 and not self._session.teaching.locked)
        self.card.show_doubt(self._current)

    # Verdicts

    @property
    def _current(self) -> Doubt | None:
        row = self.table.currentIndex().row()
        return self.model.doubt_at(row) if row >= 0 else None

    def judge(self, cls: int | None) -> None:
        """The user says what the chosen one is: a class, or None for none of these; the next one is chosen."""
        row = self.table.currentIndex().row()
        if row < 0:
            return
        self._session.teaching.verdict(self.model.doubt_at(row), cls)
        self.model.judge(row, NONE if cls is None else cls)
        self._say_where_it_stands()
        following = self.model.next_open(row)
        if following is not None:
            self._go_to(following)

    def confirm(self) -> None:
        """It is what the classifier says."""
        doubt = self._current
        if doubt is not None:
            self.judge(next((view.id for view in self._classes if view.name == doubt.label), None))

    def undo(self) -> None:
        """Take the last verdict back and go to what it was about."""
        doubt = self._session.teaching.undo_verdict()
        row = self.model.row_of(doubt) if doubt is not None else None
        if row is not None:
            self.model.judge(row, None)
            self._say_where_it_stands()
            self._go_to(row)

    def hear(self) -> None:
        """Play the chosen one."""
        doubt = self._current
        if doubt is not None:
            self.heard.emit(doubt.path, doubt.start_s or 0.0, -1.0 if doubt.end_s is None else doubt.end_s)

    def _choose_number(self, number: int) -> None:
        if number <= len(self._classes):
            self.judge(self._classes[number - 1].id)

    def _choose_any(self) -> None:
        ClassPicker(self.window(), "Which class is it?", self._classes, self.judge).show()

    def _go_to(self, row: int) -> None:
        self.table.choose(self.model.index(row, 0))
        self._chosen()

    def _chosen(self, _index: QModelIndex | None = None) -> None:
        self.card.show_doubt(self._current)
        if self.follow.isChecked():
            self.hear()

    # Making it

    def _build(self) -> None:
        box = QVBoxLayout(self._page)
        box.setContentsMargins(8, 6, 8, 8)
        box.setSpacing(6)
        row = QHBoxLayout()
        row.addWidget(self.progress)
        row.addStretch()
        for part in (self.follow, self.again, self.teach):
            row.addWidget(part)
        box.addLayout(row)
        split = QHBoxLayout()
        split.addWidget(self.table, 1)
        split.addWidget(self.card)
        box.addLayout(split, 1)
        set_role(self.teach, "primary")
        self.teach.setToolTip("Teach the classes that you gave; the lesson's card then says what that changed")
        self.follow.setToolTip("Play each sound as soon as it is chosen")
        self.table.setSortingEnabled(False)  # the most doubtful first is the point
        self.table.stretch_columns(_NAME, _WHY)
        self.table.setAccessibleDescription("1 to 9 give a class, 0 says none of these, Enter confirms, Space hears, U takes back.")
        self.addWidget(self._placeholder)
        self.addWidget(self._page)

    def _connect(self) -> None:
        self.table.chosen.connect(self._chosen)
        self.teach.clicked.connect(self._session.teaching.teach_confirmed)
        self.again.clicked.connect(self.look_again)
        numbers: dict[str, Callable[[], object]] = {str(number): partial(self._choose_number, number) for number in range(1, _KEYED + 1)}
        numbers |= {"0": lambda: self.judge(None), "Return Enter Y": self.confirm, "U Ctrl+Z": self.undo, "Space": self.hear}
        OwnKeys(self.table, numbers)
        self.card.judged.connect(lambda cls: self.judge(cls or None))
        for signal, act in ((self.card.confirmed, self.confirm), (self.card.undone, self.undo), (self.card.asked_more, self._choose_any)):
            signal.connect(act)
        self.card.heard.connect(self.hear)


class VerdictCard(Styled):
    """The chosen sound in words, and a button for each thing that can be said of it. `judged` carries a class's id, 0 for none."""

    judged = Signal(int)
    confirmed = Signal()
    undone = Signal()
    heard = Signal()
    asked_more = Signal()

    def __init__(self) -> None:
        super().__init__("card")
        self.name, self.says, self.why = Elided(), text("", "body", wrap=True), text("", "small", wrap=True)
        self.confirm = QPushButton("Enter  Yes")
        self._chips = QWidget()
        self._flow = Flow(self._chips)
        self._shown: object = None
        self._build()

    def show_classes(self, classes: Sequence[ClassView], looks: Looks, *, more: bool) -> None:
        """Offer these classes by number; with `more`, others by name too."""
        shown = [(view.id, looks.of(view.id)) for view in classes], more
        if shown == self._shown:
            return
        self._shown = shown
        clear_layout(self._flow)
        for number, (cls, look) in enumerate(shown[0], 1):
            chip = self._chip(f"{number}  {_short(look.name)}", f"It is {look.name} (key {number})", partial(self.judged.emit, cls))
            chip.setIcon(swatch_icon(look))
        self._chip("0  None of these", "It is none of these (key 0)", partial(self.judged.emit, NONE))
        if more:
            self._chip("Another class…", "Choose another class by name", self.asked_more.emit)

    def show_doubt(self, doubt: Doubt | None) -> None:
        """Show what is to be judged."""
        self.name.set_full(f"{doubt.name}, {span_words(doubt.start_s, doubt.end_s)}" if doubt else "")
        second = f", or {doubt.second}" if doubt and doubt.second else ""
        self.says.setText(f"It says {says(doubt)}{second}." if doubt else "")
        self.why.setText(doubt.why if doubt else "")
        self.why.setVisible(bool(self.why.text()))
        self.confirm.setText(f"Enter  Yes, {_short(doubt.label or 'none of these')}" if doubt else "")
        self.confirm.setAccessibleName(f"Confirm {doubt.label or 'none of these'}" if doubt else "Confirm")
        self.setEnabled(doubt is not None)

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(4)
        set_role(self.name, "name")
        for part in (self.name, self.says, self.why):
            box.addWidget(part)
        acts = QWidget()
        row = Flow(acts)
        hear, undo = QPushButton("Space  Hear"), QPushButton("U  Undo")
        for button, signal in ((self.confirm, self.confirmed), (hear, self.heard), (undo, self.undone)):
            set_role(button, "chip")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(button.text().partition("  ")[2])
            button.clicked.connect(signal)
            row.addWidget(button)
        page = Styled("panel")
        inner = QVBoxLayout(page)
        inner.setContentsMargins(0, 2, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(acts)
        inner.addWidget(self._chips)
        inner.addStretch(1)
        box.addWidget(_scrolled(page), 1)

    def _chip(self, words_: str, tip: str, act: Callable[[], object]) -> QPushButton:
        chip = QPushButton(words_)
        set_role(chip, "chip")
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        chip.setAccessibleName(tip)
        chip.setToolTip(tip)
        chip.clicked.connect(lambda: act())
        self._flow.addWidget(chip)
        chip.show()
        return chip


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setStyleSheet("QScrollArea, QFrame { background: transparent; border: none }")
    area.setWidget(page)
    return area


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
