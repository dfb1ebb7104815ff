"""The editor of a classifier by words: a name, an encoder that compares sound with words, a sentence, and phrases to put into it.

It asks; the session's teaching makes the classifier, or changes the one that is edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from musicclass_gui.app import wordlists, words
from musicclass_gui.app.hearers import worders
from musicclass_gui.ui.dialogs import Asking
from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from musicclass_gui.app.session import Session
    from musicclass_gui.engine.project.board import ClassifierView

_TITLE = "By words"
_LINE = (
    "Each phrase is compared with the sound, without any example. It is quick to try and often wrong: nothing has been tested on "
    "recordings, so the shares only say which phrase fits better than the others."
)
_NO_ENCODER = "Comparing sound with words needs an encoder of the family CLAP, and none is here yet."
_PLACEHOLDER = "One phrase per line, for example:\na fugue by Bach\nbossa nova\na string quartet"
_PHRASES_HEIGHT = 190


class WordsDialog(Asking):
    """Asks for phrases. `encoders_wanted` is emitted when the user wants to see which encoders there are."""

    encoders_wanted = Signal()

    def __init__(self, parent: QWidget, session: Session, edited: ClassifierView | None = None) -> None:
        """`edited` is the classifier to change; None makes one."""
        heading = f"Phrases of “{edited.title}”" if edited is not None else "Name by words"
        super().__init__(parent, heading, "Keep the phrases" if edited is not None else "Make it")
        self._session, self._edited = session, edited
        self.title, self.encoder = QLineEdit(), QComboBox()
        self.template, self.example = QLineEdit(), text("", "small", wrap=True)
        self.phrases, self.counted = QPlainTextEdit(), text("", "small")
        self.obstacle = text("", "warn", wrap=True)
        self.get = QPushButton("Encoders and weights…")
        self._build()
        self._fill()
        self._connect()
        self._show()
        self.phrases.setFocus()

    def _fill(self) -> None:
        edited = self._edited
        self._fill_encoders()
        taken = {one.title for one in self._session.teaching.board.classifiers} if self._session.teaching.board else set()
        numbered = (f"{_TITLE} {number}" for number in range(2, len(taken) + 3))
        self.title.setText(edited.title if edited else next(one for one in (_TITLE, *numbered) if one not in taken))
        self.title.setEnabled(edited is None)
        self.encoder.setEnabled(edited is None)
        self.template.setText(edited.words.template if edited and edited.words else wordlists.TEMPLATE)
        self.phrases.setPlainText("\n".join(edited.words.phrases) if edited and edited.words else "")

    def _fill_encoders(self) -> None:
        self.encoder.clear()
        for spec in worders(self._session.settings):
            self.encoder.addItem(spec.title, spec.id)
        if self._edited is not None and self.encoder.findData(self._edited.encoder) < 0:
            self.encoder.addItem(self._edited.encoder, self._edited.encoder)
        if self._edited is not None:
            self.encoder.setCurrentIndex(self.encoder.findData(self._edited.encoder))

    @property
    def _typed(self) -> tuple[str, str, str, list[str]]:
        typed = wordlists.phrases_in(self.phrases.toPlainText())
        return self.title.text().strip(), self.encoder.currentData() or "", self.template.text().strip(), typed

    def _show(self) -> None:
        title, encoder, template, phrases = self._typed
        obstacle = wordlists.obstacle(title, encoder, template, phrases)
        self.go.setEnabled(not obstacle)
        self.obstacle.setText(_NO_ENCODER if not encoder else obstacle)
        self.obstacle.setVisible(bool(obstacle))
        set_role(self.obstacle, "warn" if not encoder else "small")
        self.get.setVisible(not encoder)
        self.encoder.setVisible(bool(encoder))
        self.example.setText(f"It reads, for example: “{wordlists.example(template, phrases)}”")
        self.counted.setText(words.counted(len(phrases), "phrase"))

    # Making it

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget, str], ...] = (
            ("Called", self.title, "Name of the classifier"),
            ("Compares with", self.encoder, "Encoder that compares sound with words"),
            ("Sentence", self.template, f"Sentence; {wordlists.PLACE} is where the phrase goes"),
        )
        for place, (label, widget, name) in enumerate(rows):
            caption = text(label, "muted")
            caption.setBuddy(widget)
            widget.setAccessibleName(name)
            widget.setToolTip(name)
            grid.addWidget(caption, place, 0)
            grid.addWidget(widget, place, 1)
        grid.addWidget(self._getting(), 1, 1)
        grid.addWidget(self.example, 3, 1)
        self.body.addWidget(text(_LINE, "muted", wrap=True))
        self.body.addLayout(grid)
        self.body.addLayout(self._phrases())
        self.body.addWidget(self.obstacle)

    def _getting(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.encoder, 1)
        row.addWidget(self.get)
        row.addStretch()
        return holder

    def _phrases(self) -> QGridLayout:
        grid = QGridLayout()
        caption = text("Phrases", "muted")
        caption.setBuddy(self.phrases)
        self.phrases.setAccessibleName("Phrases, one per line")
        self.phrases.setPlaceholderText(_PLACEHOLDER)
        self.phrases.setTabChangesFocus(True)
        self.phrases.setMinimumHeight(_PHRASES_HEIGHT)
        grid.addWidget(caption, 0, 0)
        grid.addWidget(self.counted, 0, 1)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.phrases, 1, 0, 1, 2)
        return grid

    def _connect(self) -> None:
        for line in (self.title, self.template):
            line.textChanged.connect(self._show)
        self.phrases.textChanged.connect(self._show)
        self.encoder.currentIndexChanged.connect(self._show)
        self.get.clicked.connect(self._look_for_encoders)
        self.accepted.connect(self._keep)

    def _look_for_encoders(self) -> None:
        """The manager is another window: this one goes, so that both are not in the way of each other."""
        self.reject()
        self.encoders_wanted.emit()

    def _keep(self) -> None:
        title, encoder, template, phrases = self._typed
        word_lists = self._session.teaching.words
        if self._edited is None:
            word_lists.add(title, encoder, template, phrases)
        else:
            word_lists.set(self._edited.id, template, phrases)
