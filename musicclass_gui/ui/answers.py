"""The answers panel: one card per classifier, in words first, with why.

It shows what the session's document holds and asks for a time to be heard. It computes no probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QSpacerItem, QVBoxLayout

from musicclass_gui.app import kinds, words
from musicclass_gui.ui.bars import ROW_PADDING, ClassRow
from musicclass_gui.ui.evidence import NEIGHBOUR_PADDING, DecidingWindows, Neighbours
from musicclass_gui.ui.widgets import Columns, Elided, Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtGui import QResizeEvent

    from musicclass_gui.app.documents import Document
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.answers import Answer, Ranked

_FEWEST_CLASSES = 3
_MOST_CLASSES = 10
_TIGHT_CLASSES = 4  # with so few there is no room for all neighbours either
_NEIGHBOURS_SHOWN = 3
_NEIGHBOURS_IF_TIGHT = 2
_COLUMN_WIDTH = 300
_NOTHING_BETWEEN = 1e-6  # probabilities that differ by less are equal
_HOW = "The encoder that listened for this answer, and the device that it ran on. An encoder turns sound into numbers to compare."


def sureness(probability: float) -> str:
    """How sure an answer is: a word and the band of calibrated probabilities that it stands for, as "likely, 60–80 %"."""
    return f"{words.confidence_words(probability)}, {words.percent_band(probability)}"


def _sentence(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]


def headline(answer: Answer) -> tuple[str, str]:
    """The answer in large type and the line under it."""
    if answer.kind != kinds.CLASSES:
        large, line = kinds.headline(answer)
        return _sentence(large), _sentence(line)
    if answer.none_of_these or answer.label is None:
        return kinds.kind_of(answer).nothing, answer.reason or "It sounds like nothing that this classifier was taught."
    chance = next((ranked.probability for ranked in answer.ranking if ranked.label == answer.label), float("nan"))
    return _sentence(answer.label), _sentence(sureness(chance))


def ranking_worth_showing(answer: Answer) -> list[Ranked]:
    """The ranking, unless it says nothing: all classes of silence are equally likely."""
    chances = [ranked.probability for ranked in answer.ranking]
    return answer.ranking if len(chances) < 2 or max(chances) - min(chances) > _NOTHING_BETWEEN else []


def remarks(answer: Answer) -> str:
    """What must be known to judge the answer: what makes it worthless, how often it is right, what it was learned from."""
    worthless = answer.reason if answer.label is not None else ""
    return " ".join(_sentence(sentence) for sentence in (worthless, answer.measured, answer.note) if sentence)


def so_far(document: Document) -> str:
    """How much of the recording the answers rest on, while it is being read; else empty."""
    if document.state != "reading" or document.answered_s <= 0:
        return ""
    return f"So far, {words.clock(document.answered_s)} of {words.clock(document.duration_s + 0.5)}"


def made_by(answer: Answer, document: Document, ran_on: Mapping[str, str]) -> str:
    """Which encoder the answer comes from, and what it ran on."""
    if document.from_cache:
        return f"{answer.encoder}, from the cache"
    return " on ".join(filter(None, [answer.encoder, ran_on.get(answer.encoder, "")]))


def waiting(document: Document) -> str:
    """What a card says before there is an answer."""
    sentences = {
        "empty": "The answer appears here once a recording is open, with how sure that is and why.",
        "reading": "Listening… the first answer comes after about ten seconds of music.",
        "failed": "No answer, because the recording could not be read.",
        "cancelled": "No answer, because the analysis was cancelled. Analyse again to get one.",
        "ready": "This classifier gave no answer for this recording.",
    }
    return sentences[document.state]


def neighbours_beside(classes: int) -> int:
    """How many nearest training recordings a card names that lists so many classes."""
    return _NEIGHBOURS_IF_TIGHT if classes <= _TIGHT_CLASSES else _NEIGHBOURS_SHOWN


class AnswersPanel(QScrollArea):
    """All cards. `heard` carries a span in seconds to seek to and play; `class_chosen` a classifier and a class."""

    heard = Signal(float, float)
    class_chosen = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.cards: dict[str, AnswerCard] = {}
        self._classes = _FEWEST_CLASSES
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_role(self, "plain")
        self._page = Styled("panel")
        box = QVBoxLayout(self._page)
        box.setContentsMargins(10, 6, 10, 6)
        self._columns = Columns(_COLUMN_WIDTH, spacing=8)
        box.addWidget(self._columns)
        box.addStretch(1)
        self.setWidget(self._page)

    def show_document(
        self, document: Document, classifiers: Sequence[str], ran_on: Mapping[str, str], title_of: Callable[[str], str] = _sentence
    ) -> None:
        """Show `document`'s answers, one card for each of `classifiers`, in their order.

        `ran_on` has encoders' devices; `title_of` says what a classifier's card is headed with.
        """
        if list(self.cards) != list(classifiers):
            self._deal(classifiers)
        for name, card in self.cards.items():
            card.set_title(title_of(name))
            card.show_answer(document.answers.get(name), document, ran_on)
        self._fit_classes()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        for card in self.cards.values():
            card.set_theme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size; more classes are listed where there is room."""
        super().resizeEvent(event)
        self._fit_classes()

    def _fit_classes(self) -> None:
        """List as many classes as fit without scrolling."""
        answered = [card for card in self.cards.values() if card.answered]
        deep = min(1, len(answered)) if self._columns.side_by_side else len(answered)
        rest = self._page.heightForWidth(self.width()) - deep * self._list_height(self._classes)
        counts = range(_MOST_CLASSES, _FEWEST_CLASSES, -1)
        fitting = (count for count in counts if rest + deep * self._list_height(count) <= self.height())
        self._classes = next(fitting, _FEWEST_CLASSES)
        for card in self.cards.values():
            card.set_classes_shown(self._classes)

    def _list_height(self, classes: int) -> int:
        """How high the classes and neighbours of a card are, in pixels, when it lists so many classes."""
        line = self.fontMetrics().height()
        return classes * (line + ROW_PADDING) + neighbours_beside(classes) * (line + NEIGHBOUR_PADDING)

    def _deal(self, classifiers: Sequence[str]) -> None:
        self._columns.clear()
        self.cards = {name: AnswerCard(name, self._theme) for name in classifiers}
        for card in self.cards.values():
            card.heard.connect(self.heard)
            card.class_chosen.connect(self.class_chosen)
            self._columns.add(card)
            card.show()  # now, not when Qt comes to it: what is not shown yet has no height to reckon with
        self._fit_classes()


class AnswerCard(Styled):
    """One classifier's answer."""

    heard = Signal(float, float)
    class_chosen = Signal(str, str)

    def __init__(self, classifier: str, theme: Theme) -> None:
        super().__init__("card")
        self.classifier = classifier
        self._theme = theme
        self._answer: Answer | None = None
        self._classes = _FEWEST_CLASSES
        self._rows: list[ClassRow] = []
        self._title = Elided(_sentence(classifier), mode=Qt.TextElideMode.ElideRight)
        self._how = Elided(tip=_HOW)
        self._headline = text("", "answer", wrap=True)
        self._sure = text("", "body", wrap=True)
        self._so_far = text("", "small")
        self._closest = text("", "section")
        self._ranking = QVBoxLayout()
        self._ranking.setContentsMargins(-5, 0, -4, 0)
        self._ranking.setSpacing(0)
        self._windows = DecidingWindows()
        self._neighbours = Neighbours(_NEIGHBOURS_SHOWN)
        self._neighbours.set_most(neighbours_beside(self._classes))
        self._note = text("", "small", wrap=True)
        self._note.setContentsMargins(0, 8, 0, 0)
        self._build()

    def set_title(self, title: str) -> None:
        """Head the card with `title`."""
        self._title.set_full(title)

    def show_answer(self, answer: Answer | None, document: Document, ran_on: Mapping[str, str]) -> None:
        """Show `answer`, or what is known instead of it."""
        self._how.set_full(made_by(answer, document, ran_on) if answer else "")
        self._so_far.setText(so_far(document) if answer else "")
        self._so_far.setVisible(bool(self._so_far.text()))
        if answer is None:
            self._show_words("", waiting(document))
        elif answer != self._answer:
            self._show_words(*headline(answer), nothing=answer.label is None)
            self._show_meaning(kinds.kind_of(answer))
            self._show_ranking(answer)
        if answer != self._answer or answer is None:
            self._show_details(answer)
        self._answer = answer

    @property
    def answered(self) -> bool:
        """Whether an answer is shown."""
        return self._answer is not None

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        if self._answer is not None:
            self._show_ranking(self._answer)

    def set_classes_shown(self, count: int) -> None:
        """List this many classes, if the answer ranks as many."""
        if count != self._classes:
            self._classes = count
            self._neighbours.set_most(neighbours_beside(count))
            if self._answer is not None:
                self._show_ranking(self._answer)

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 10, 14, 10)
        box.setSpacing(3)
        head = QHBoxLayout()
        set_role(self._title, "section")
        head.addWidget(self._title, 1)
        set_role(self._how, "small")
        self._how.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self._how, 1)
        box.addLayout(head)
        for label in (self._headline, self._sure, self._so_far):
            box.addWidget(label)
        box.addSpacing(4)
        box.addWidget(self._closest)
        box.addLayout(self._ranking)
        for _ in range(_MOST_CLASSES):  # all, and before the windows: Tab goes through widgets in the order they came
            self._add_row()
        self._windows.heard.connect(self.heard)
        for part in (self._windows, self._neighbours, self._note):
            box.addWidget(part)
        # It takes spare height, but unlike addStretch() does not make the card ask for any.
        box.addSpacerItem(QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred))
        box.setStretch(box.count() - 1, 1)

    def _show_meaning(self, kind: kinds.Kind) -> None:
        self._closest.setText(kind.nearest)
        self._sure.setToolTip(kind.meaning)
        self._sure.setWhatsThis(kind.meaning)

    def _show_words(self, large: str, line: str, *, nothing: bool = False) -> None:
        self._headline.setText(large)
        self._headline.setVisible(bool(large))
        set_role(self._headline, "answer-none" if nothing else "answer")
        self._sure.setText(line)
        set_role(self._sure, "body" if large else "muted")
        self.setAccessibleName(f"{self._title.full}: {large} {line}".strip())

    def _show_ranking(self, answer: Answer) -> None:
        ranking = ranking_worth_showing(answer)[: self._classes]
        labels = [ranked.label for ranked in answer.ranking]
        metrics = self.fontMetrics()
        width = min(150, max((metrics.horizontalAdvance(ranked.label) for ranked in ranking), default=0) + 4)
        for row, ranked in zip(self._rows, ranking, strict=False):
            row.set_class(ranked, labels, self._theme, width, answer.colours)
        for place, row in enumerate(self._rows):
            row.setVisible(place < len(ranking))

    def _add_row(self) -> None:
        row = ClassRow(self._theme)
        row.hide()
        row.clicked.connect(lambda: self.class_chosen.emit(self.classifier, row.label))
        self._rows.append(row)
        self._ranking.addWidget(row)

    def _show_details(self, answer: Answer | None) -> None:
        if answer is None:
            for row in self._rows:
                row.hide()
        self._closest.setVisible(bool(answer and answer.none_of_these and ranking_worth_showing(answer)))
        evidence = answer.evidence if answer else []
        self._windows.show_evidence([item for item in evidence if item.kind == "window"])
        self._neighbours.show_evidence([item for item in evidence if item.kind == "training"])
        self._note.setText(remarks(answer) if answer else "")
        self._note.setVisible(bool(self._note.text()))
