"""What the class board shows of a classifier by words: its sentence and its phrases, to be edited, and to be taught from.

It shows plain data and says by signals what the user wishes; it knows no session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHBoxLayout, QListWidget, QMenu, QPushButton, QVBoxLayout, QWidget

from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.widgets import Elided, set_role, text

if TYPE_CHECKING:
    from musicclass_gui.engine.project.board import ClassifierView

LINE = "By words: each phrase is compared with the sound. There are no classes to teach."
_TEACH = "Teach from what it found…"
_HINT = (
    "“Teach from what it found” looks through the queue and the open recording for what sounds most like a phrase, and proposes it "
    "as a class: then it can be tested, and be right more often."
)


class WordsBoard(QWidget):
    """Phrases. `edit_wanted` asks for the editor; `teach_wanted` carries a phrase to make a class of."""

    edit_wanted = Signal()
    teach_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.sentence = Elided(mode=Qt.TextElideMode.ElideRight)
        self.list = QListWidget()
        self.edit, self.teach = QPushButton("Edit phrases…"), QPushButton(_TEACH)
        self._build()
        self._connect()

    def show_classifier(self, view: ClassifierView, *, read_only: bool) -> None:
        """Show its phrases; what was chosen still is, if it is among them."""
        phrases = list(view.words.phrases) if view.words else []
        self.sentence.set_full(f"Sentence: {view.words.template}" if view.words else "")
        if phrases != [self.list.item(place).text() for place in range(self.list.count())]:
            before = self.phrase
            self.list.clear()
            self.list.addItems(phrases)
            self.list.setCurrentRow(phrases.index(before) if before in phrases else 0)
        self.edit.setEnabled(not read_only)
        self.teach.setEnabled(not read_only and bool(phrases))

    @property
    def phrase(self) -> str:
        """The phrase that is chosen, or empty."""
        item = self.list.currentItem()
        return item.text() if item is not None else ""

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 4, 10, 10)
        box.setSpacing(6)
        set_role(self.sentence, "small")
        self.list.setAccessibleName("Phrases")
        self.list.setFrameShape(QFrame.Shape.StyledPanel)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        row = QHBoxLayout()
        for button in (self.edit, self.teach):
            button.setAccessibleName(button.text().rstrip("…"))
            row.addWidget(button)
        row.addStretch()
        box.addWidget(self.sentence)
        box.addWidget(self.list, 1)
        box.addLayout(row)
        box.addWidget(text(_HINT, "small", wrap=True))
        self.setFocusProxy(self.list)

    def _connect(self) -> None:
        self.edit.clicked.connect(self.edit_wanted)
        self.teach.clicked.connect(self._teach)
        self.list.itemActivated.connect(self._teach)
        self.list.customContextMenuRequested.connect(self._menu)
        OwnKeys(self.list, {"F2": self.edit.click})

    def _teach(self) -> None:
        if self.phrase and self.teach.isEnabled():
            self.teach_wanted.emit(self.phrase)

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words_, button in ((_TEACH, self.teach), ("Edit phrases…\tF2", self.edit)):
            entry = menu.addAction(words_)
            entry.setEnabled(button.isEnabled())
            entry.triggered.connect(button.click)
        menu.popup(self.list.viewport().mapToGlobal(place))
