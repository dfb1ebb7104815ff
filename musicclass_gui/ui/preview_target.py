"""Where a lesson is to be learned: by a classifier of the project, or by a new one; what it starts with and how it learns.

It knows the project's classifiers as plain data, and no files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit

from musicclass_gui.app import words
from musicclass_gui.app.projects import METHODS
from musicclass_gui.ui.lesson_words import METHOD_LINES, METHOD_TITLES
from musicclass_gui.ui.widgets import Styled, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.project.board import ClassifierView, ClassView

_TITLE = "My classes"
_EMPTY = "Nothing: only what you teach"
_STARTS = {
    "": "It knows only the classes that you teach.",
    "genre": "It knows all genres of the built-in classifier, and yours beside them.",
    "composer": "It knows all composers of the built-in classifier, and yours beside them.",
}


@dataclass(frozen=True)
class Wish:
    """Which classifier learns: an existing one by its id, or (0) a new one with a title, a method and what it starts with."""

    classifier: int
    title: str = ""
    method: str = "gaussian"
    start_from: str = ""


class Target(Styled):
    """The choice of a classifier. `changed` is emitted when what it would be is different."""

    changed = Signal()

    def __init__(self, classifiers: Sequence[ClassifierView], current: int) -> None:
        super().__init__("card")
        self._classifiers = list(classifiers)
        self.which = QComboBox()
        self.title = QLineEdit()
        self.start = QComboBox()
        self.method = QComboBox()
        self.line = text("", "small", wrap=True)
        self._new_only: list[QLabel] = []
        self._fill(current)
        self._build()
        self._connect()
        self._show()

    @property
    def wish(self) -> Wish:
        """What is chosen."""
        chosen = self._chosen
        if chosen is not None:
            return Wish(chosen.id)
        return Wish(0, self.title.text().strip(), self.method.currentData(), self.start.currentData())

    @property
    def obstacle(self) -> str:
        """What is still missing, or empty."""
        return "" if self._chosen is not None or self.title.text().strip() else "Give the new classifier a name."

    def class_names(self) -> list[str]:
        """The classes that the chosen classifier has."""
        return [one.name for one in self._classes() if one.role == "class"]

    def recordings_of(self, name: str) -> int | None:
        """How many recordings a class of the chosen classifier has already; None when it has no such class."""
        found = next((one for one in self._classes() if one.name == name), None)
        return len(found.examples) + found.base_recordings if found is not None else None

    @property
    def _chosen(self) -> ClassifierView | None:
        return next((one for one in self._classifiers if one.id == self.which.currentData()), None)

    def _classes(self) -> list[ClassView]:
        return self._chosen.classes if self._chosen is not None else []

    def _fill(self, current: int) -> None:
        for one in self._classifiers:
            self.which.addItem(f"{one.title} ({words.counted(len(one.classes), 'class', 'classes')})", one.id)
        self.which.addItem("A new classifier", 0)
        self.which.setCurrentIndex(max(0, self.which.findData(current)))
        titles = {one.title for one in self._classifiers}
        self.title.setText(_TITLE if _TITLE not in titles else f"{_TITLE} {len(titles) + 1}")
        for start in _STARTS:
            self.start.addItem(f"The built-in {start} classes" if start else _EMPTY, start)
        for method in METHODS:
            self.method.addItem(method.title, method.id)

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 10, 14, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        fields = (
            ("Taught to", self.which, "Classifier to teach", 0, 0),
            ("Called", self.title, "Name of the new classifier", 0, 2),
            ("Starts with", self.start, "What the new classifier starts with", 1, 0),
            ("Learns by", self.method, "Way of learning", 1, 2),
        )
        for label, widget, name, row, column in fields:
            caption = text(label, "muted")
            caption.setBuddy(widget)
            widget.setAccessibleName(name)
            grid.addWidget(caption, row, column)
            grid.addWidget(widget, row, column + 1)
            if widget is not self.which:
                self._new_only.append(caption)
        grid.addWidget(self.line, 2, 1, 1, 3)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)

    def _connect(self) -> None:
        for box in (self.which, self.start, self.method):
            box.currentIndexChanged.connect(self._show)
        self.title.textEdited.connect(self.changed)

    def _show(self) -> None:
        chosen = self._chosen
        for widget in (*self._new_only, self.title, self.start, self.method):
            widget.setVisible(chosen is None)
        if chosen is None:
            self.line.setText(f"{_STARTS[self.start.currentData()]} {METHOD_LINES[self.method.currentData()]}")
        else:
            self.line.setText(f"{METHOD_TITLES[chosen.method]}: {METHOD_LINES[chosen.method]}")
        self.changed.emit()
