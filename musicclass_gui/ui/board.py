"""The class board: every class of a classifier with its examples, to hear, to move, to rename, to merge and to take out.

It shows what the session's teaching has and passes wishes on to it; it changes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QMenu, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app import icons
from musicclass_gui.app.lessons import WORDS
from musicclass_gui.ui.board_column import Strip
from musicclass_gui.ui.board_tables import BoardTables
from musicclass_gui.ui.classlook import Looks
from musicclass_gui.ui.lesson_words import METHOD_LINES, METHOD_TITLES
from musicclass_gui.ui.minimel import Pictures
from musicclass_gui.ui.picker import ClassPicker
from musicclass_gui.ui.widgets import Elided, Placeholder, icon_button, set_role, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction, QFocusEvent

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassifierView, ClassView, ExampleView
    from musicclass_gui.ui.board_words import WordsBoard

_EMPTY = "Drop a folder of recordings on “Teach”: it becomes a class, or each of its folders does."
_WAITS = "They are here once the lesson is kept; its card is at the right."
_UNTESTED = "Not tested yet: the card of the next lesson says how good it is."
_KIND_ORDER = {"class": 0, "negative": 1, "background": 2}


class BoardPanel(QStackedWidget):
    """The class board. `heard` carries a path and a span in seconds (end −1: to the end) to be played."""

    heard = Signal(str, float, float)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._view: ClassifierView | None = None
        self._classes: list[ClassView] = []
        self.which, self.method = QComboBox(), QComboBox()
        self.line, self.measured = Elided(mode=Qt.TextElideMode.ElideRight), Elided(mode=Qt.TextElideMode.ElideRight)
        self.twin = icon_button(icons.icon("table", theme), "Show as tables", "Show the classes as tables", checkable=True)
        self._pictures = Pictures(session, theme, self)
        self.strip, self.tables = Strip(self._pictures, theme), BoardTables(theme)
        self.words: WordsBoard | None = None  # made when a classifier by words is shown
        self._views = QStackedWidget()
        self._page = QWidget()
        self._placeholder, self._none = (Placeholder("No classes yet", _EMPTY) for _ in range(2))
        self._build(actions)
        self._connect()
        self.show_board()

    def show_board(self) -> None:
        """Show the classes as they are now."""
        board, before = self._session.teaching.board, self._view
        self._view = board.classifier(self._session.teaching.current) if board else None
        if before is None or self._view is None or before.id != self._view.id:
            self.strip.horizontalScrollBar().setValue(0)
        self.setCurrentWidget(self._page if self._view else self._placeholder)
        classes = self._view.classes if self._view else []
        self._views.setCurrentWidget(self._none if not classes else self.tables if self.twin.isChecked() else self.strip)
        self._none.hint.setText(_WAITS if board and board.waiting else _EMPTY)
        self._pictures.forget_wishes()
        if board is None or self._view is None:
            return
        self._fill_choice([(one.title, one.id) for one in board.classifiers])
        self.method.setCurrentIndex(self.method.findData(self._view.method))
        self.line.set_full(METHOD_LINES.get(self._view.method, ""))
        for widget in (self.method, self.twin):
            widget.setVisible(self._view.method != WORDS)
        if self._view.method == WORDS:
            self._show_words(self._view)
        self.measured.set_full(board.read_only or self._view.measured or ("" if self._view.method == WORDS else _UNTESTED))
        set_role(self.measured, "warn" if board.read_only else "small")
        self.method.setEnabled(not board.read_only)
        self._classes = sorted(self._view.classes, key=_place)
        self._show_classes()

    def _show_words(self, view: ClassifierView) -> None:
        """Show a classifier by words, which has phrases where others have classes."""
        from musicclass_gui.ui.board_words import LINE, WordsBoard

        if self.words is None:
            self.words = WordsBoard()
            self.words.edit_wanted.connect(self._edit_words)
            self.words.teach_wanted.connect(self._session.teach_phrase)
            self._views.addWidget(self.words)
        self.line.set_full(LINE)
        self.words.show_classifier(view, read_only=self._read_only)
        self._views.setCurrentWidget(self.words)

    def _edit_words(self) -> None:
        from musicclass_gui.ui.words import WordsDialog

        WordsDialog(self.window(), self._session, self._view).open()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.twin.setIcon(icons.icon("table", theme))
        self._pictures.set_theme(theme)
        self.strip.set_theme(theme)
        self.tables.set_theme(theme)
        self._show_classes()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What Qt tells: keys are for the examples of the first class."""
        super().focusInEvent(event)
        if self.words is not None and self._views.currentWidget() is self.words:
            self.words.setFocus()
        elif self.twin.isChecked():
            self.tables.classes.setFocus()
        elif self._classes:
            column = self.strip.reveal(self._classes[0].id)
            if column is not None:
                column.take_focus()

    def _show_classes(self) -> None:
        shown = self.tables if self.twin.isChecked() else self.strip  # the other one is told when it is looked at
        shown.show_classes(self._classes, Looks(self._classes, self._theme))

    def _fill_choice(self, choices: list[tuple[str, int]]) -> None:
        if choices != [(self.which.itemText(row), self.which.itemData(row)) for row in range(self.which.count())]:
            self.which.clear()
            for title, number in choices:
                self.which.addItem(title, number)
        self.which.setCurrentIndex(self.which.findData(self._session.teaching.current))

    def _build(self, actions: Mapping[str, QAction]) -> None:
        box = QVBoxLayout(self._page)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(4)
        box.addLayout(self._head(actions))
        box.addLayout(self._words())
        box.addWidget(self._views, 1)
        for view in (self.strip, self.tables, self._none):
            self._views.addWidget(view)
        self.strip.follow(self.twin)
        self.addWidget(self._placeholder)
        self.addWidget(self._page)

    def _head(self, actions: Mapping[str, QAction]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(8)
        for box, name in ((self.which, "Classifier"), (self.method, "How it learns")):
            box.setAccessibleName(name)
            box.view().setAccessibleName(f"{name}: choices")
            box.setToolTip(name)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for method, title in METHOD_TITLES.items():
            self.method.addItem(title, method)
            self.method.setItemData(self.method.count() - 1, METHOD_LINES[method], Qt.ItemDataRole.ToolTipRole)
        row.addWidget(text("Classifier", "muted"))
        row.addWidget(self.which)
        if "teach.new_classifier" in actions:
            row.addWidget(_button(actions["teach.new_classifier"]))
        row.addWidget(self.method)
        row.addStretch(1)
        row.addWidget(self.twin)
        return row

    def _words(self) -> QVBoxLayout:
        words = QVBoxLayout()
        words.setContentsMargins(10, 0, 10, 2)
        words.setSpacing(0)
        for label in (self.line, self.measured):
            set_role(label, "small")
            words.addWidget(label)
        return words

    def _connect(self) -> None:
        self.which.activated.connect(lambda: self._session.teaching.select(self.which.currentData()))
        self.method.activated.connect(self._set_method)
        self.twin.toggled.connect(self._turn)
        self.strip.renamed.connect(self._session.teaching.rename)
        self.strip.dropped_on.connect(self._move)
        for view in (self.strip, self.tables):
            view.heard.connect(self._hear)
            view.wished.connect(self._do)
            view.asked_menu.connect(self._menu)

    # What the user wishes

    def _turn(self, as_tables: bool) -> None:
        self._show_classes()
        if self._classes:
            self._views.setCurrentWidget(self.tables if as_tables else self.strip)

    def _set_method(self) -> None:
        method = self.method.currentData()
        if self._view is not None and method != self._view.method:
            self._session.teaching.set_method(method, {})

    def _hear(self, example: ExampleView) -> None:
        if example.missing:
            self.measured.set_full(f"“{example.name}” is not where it was: {example.path}")
            set_role(self.measured, "warn")
            return
        self.heard.emit(example.path, example.start_s or 0.0, -1.0 if example.end_s is None else example.end_s)

    def _do(self, cls: int, wish: str) -> None:
        if self._read_only:
            return
        {"move": self._move_to, "take_out": self._take_out, "rename": self._rename, "merge": self._merge, "delete": self._delete}[wish](cls)

    def _chosen(self, cls: int) -> list[int]:
        if self.twin.isChecked():
            return self.tables.chosen()
        column = self.strip.columns.get(cls)
        return column.list.chosen() if column else []

    def _move(self, cls: int, examples: list[int]) -> None:
        here = {example.id for view in self._classes if view.id == cls for example in view.examples}
        moved = [number for number in examples if number not in here]
        if moved and not self._read_only:
            self._session.teaching.move(moved, cls)

    def _move_to(self, cls: int) -> None:
        examples = self._chosen(cls)
        if examples:
            self._pick("Move to which class?", cls, lambda to: self._move(to, examples))

    def _take_out(self, cls: int) -> None:
        examples = self._chosen(cls)
        if examples:
            self._session.teaching.move(examples, None)

    def _rename(self, cls: int) -> None:
        column = None if self.twin.isChecked() else self.strip.reveal(cls)
        if column is not None:
            column.name.edit()
            return
        known = next((view.name for view in self._classes if view.id == cls), "")
        name, said = QInputDialog.getText(self, "Rename class", "Name of the class:", text=known)
        if said and name.strip() and name.strip() != known:
            self.strip.renamed.emit(cls, name.strip())

    def _merge(self, cls: int) -> None:
        self._pick("Merge into which class?", cls, lambda into: self._session.teaching.merge(cls, into))

    def _delete(self, cls: int) -> None:
        if cls:
            self._session.teaching.delete(cls)

    def _pick(self, title: str, but: int, take: object) -> None:
        others = [view for view in self._classes if view.id != but]
        if others and callable(take):
            ClassPicker(self.window(), title, others, take).show()

    def _menu(self, cls: int, place: QPoint) -> None:
        """What can be done with the chosen examples and with their class."""
        if not cls:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        several = bool(self._chosen(cls))
        alone = len(self._classes) < 2
        entries = (
            ("move", "Move to…\tM", several and not alone),
            ("take_out", "Take out of the classifier\tDel", several),
            ("", "", True),
            ("rename", "Rename class\tF2", True),
            ("merge", "Merge class into…", not alone),
            ("delete", "Delete class", True),
        )
        for wish, words, enabled in entries:
            if not wish:
                menu.addSeparator()
                continue
            entry = menu.addAction(words)
            entry.setEnabled(enabled and not self._read_only)
            entry.triggered.connect(lambda _on=False, wish=wish: self._do(cls, wish))
        menu.popup(place)

    @property
    def _read_only(self) -> bool:
        board = self._session.teaching.board
        return bool(board and board.read_only)


def _place(view: ClassView) -> tuple[bool, int, str]:
    """Classes that were taught come first, then what is none of them, then those that came built in."""
    return bool(view.base and not view.examples), _KIND_ORDER.get(view.role, 3), view.name.casefold()


def _button(action: QAction) -> QPushButton:
    button = QPushButton(action.iconText())
    button.setAccessibleName(action.text().replace("&", ""))
    button.clicked.connect(action.trigger)
    return button
