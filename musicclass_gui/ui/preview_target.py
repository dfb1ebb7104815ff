"""Where a lesson is to be learned: by a classifier of the project, or by a new one; what it starts with and how it learns.

It knows the project's classifiers as plain data, and no files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QLabel, QLineEdit

from musicclass_gui.app import words
from musicclass_gui.app.lessons import WORDS
from musicclass_gui.app.projects import METHODS, PACK_SUFFIX, PROJECT_SUFFIX
from musicclass_gui.ui.lesson_words import METHOD_LINES, METHOD_TITLES
from musicclass_gui.ui.preview_replay import ReplayOptions
from musicclass_gui.ui.widgets import Styled, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.project.board import ClassifierView, ClassView

_TITLE = "My classes"
_BEST = "The best one that is here"
_OFFERED = "Those that are here and whose licence was agreed to; “Encoders and weights” in the menu Analyse has more."
_GIVEN = "What it starts with decides which encoder it hears with."
_SHORTEST_BOX = 20
_FROM_FILE = "file"
_FILES = f"Class packs and projects (*{PACK_SUFFIX} *{PROJECT_SUFFIX})"
_START_TITLES = {"": "Nothing: only what you teach", _FROM_FILE: "A class pack or another project…"}
_STARTS = {
    "": "It knows only the classes that you teach.",
    "genre": "It knows all genres of the built-in classifier, and yours beside them.",
    "composer": "It knows all composers of the built-in classifier, and yours beside them.",
    "instrument": "It knows all instruments of the built-in classifier, and yours beside them.",
    _FROM_FILE: "It knows all classes of that file, and yours beside them.",
}


@dataclass(frozen=True)
class Wish:
    """Which classifier learns: an existing one by its id, or (0) a new one with a title, a method and what it starts with."""

    classifier: int
    title: str = ""
    method: str = "gaussian"
    start_from: str = ""
    encoder: str = ""  # "": the best one that is here
    options: dict[str, Any] = field(default_factory=dict)


class Target(Styled):
    """The choice of a classifier. `changed` is emitted when what it would be is different."""

    changed = Signal()

    def __init__(
        self,
        classifiers: Sequence[ClassifierView],
        current: int,
        method: str = "gaussian",
        *,
        encoders: Sequence[tuple[str, str]] = (),
        new_only: bool = False,
    ) -> None:
        """`current` is the classifier to begin with, `method` how a new one learns; with `new_only` there is no choice but a new one.

        `encoders` are the ids and titles of those that a new one could hear with.
        """
        super().__init__("card")
        self._taken = {one.title for one in classifiers}
        self._phrased = {one.id for one in classifiers if one.method == WORDS}
        self._classifiers = [] if new_only else [one for one in classifiers if one.method != WORDS]
        self._choice = not new_only
        self.which = QComboBox()
        self.title = QLineEdit()
        self.start = QComboBox()
        self.method = QComboBox()
        self.encoder = QComboBox()
        self._encoders = list(encoders)
        self.line = text("", "small", wrap=True)
        self.replay = ReplayOptions()
        self._new_only: list[QLabel] = []
        self._file = ""  # a pack or a project that a new classifier starts from
        self._fill(current, method)
        self._build()
        self._connect()
        self._show()

    @property
    def wish(self) -> Wish:
        """What is chosen."""
        chosen = self._chosen
        if chosen is not None:
            return Wish(chosen.id)
        start, method = self.start.currentData(), self.method.currentData()
        options = self.replay.options if method == "replay" else {}
        encoder = "" if start else self.encoder.currentData()
        return Wish(0, self.title.text().strip(), method, self._file if start == _FROM_FILE else start, encoder, options)

    @property
    def obstacle(self) -> str:
        """What is still missing, or empty."""
        if self._chosen is not None:
            return ""
        if self.start.currentData() and self.method.currentData() == "replay":
            return "Fine-tuning needs recordings, so it can only start with nothing; choose another way of learning."
        return "" if self.title.text().strip() else "Give the new classifier a name."

    def class_names(self) -> list[str]:
        """The classes that the chosen classifier has."""
        return [one.name for one in self._classes() if one.role == "class"]

    def class_named(self, name: str) -> ClassView | None:
        """The class of the chosen classifier that is extended by this name: capital letters count only where two differ in nothing else."""
        exact = [one for one in self._classes() if one.name == name]
        return next(iter(exact or [one for one in self._classes() if one.name.casefold() == name.casefold()]), None)

    @property
    def _chosen(self) -> ClassifierView | None:
        return next((one for one in self._classifiers if one.id == self.which.currentData()), None)

    def _classes(self) -> list[ClassView]:
        return self._chosen.classes if self._chosen is not None else []

    def _fill(self, current: int, method: str) -> None:
        for one in self._classifiers:
            self.which.addItem(f"{one.title} ({words.counted(len(one.classes), 'class', 'classes')})", one.id)
        self.which.addItem("A new classifier", 0)
        known = any(one.id == current for one in self._classifiers)
        by_words = current in self._phrased  # then a class is made of a phrase, which is nothing for the others
        self.which.setCurrentIndex(self.which.findData(current) if known else self.which.count() - 1 if by_words else 0)
        numbered = (f"{_TITLE} {number}" for number in range(2, len(self._taken) + 3))
        self.title.setText(next(title for title in (_TITLE, *numbered) if title not in self._taken))
        for start in _STARTS:
            self.start.addItem(_START_TITLES.get(start, f"The built-in {start} classes"), start)
        for way in METHODS:
            self.method.addItem(way.title, way.id)
        self.method.setCurrentIndex(max(0, self.method.findData(method)))
        for encoder, title in [("", _BEST), *self._encoders]:
            self.encoder.addItem(title, encoder)

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
            ("Hears with", self.encoder, "Encoder of the new classifier", 2, 0),
        )
        for label, widget, name, row, column in fields:
            caption = text(label, "muted")
            caption.setBuddy(widget)
            widget.setAccessibleName(name)
            if widget is not self.which:
                self._new_only.append(caption)
            if widget is self.which and not self._choice:
                continue
            if widget is self.encoder:
                widget.setMinimumContentsLength(_SHORTEST_BOX)
                widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            alone = widget is self.encoder or (widget is self.title and not self._choice)
            grid.addWidget(caption, row, 0 if alone else column)
            grid.addWidget(widget, row, 1 if alone else column + 1, 1, 3 if alone else 1)
        grid.addWidget(self.line, 3, 1, 1, 3)
        grid.addWidget(self.replay, 4, 1, 1, 3)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)

    def _connect(self) -> None:
        for box in (self.which, self.start, self.method):
            box.currentIndexChanged.connect(self._show)
        self.start.activated.connect(self._ask_file)
        self.title.textEdited.connect(self.changed)

    def _ask_file(self) -> None:
        """Ask which file it starts from; without one it starts with nothing."""
        if self.start.currentData() == _FROM_FILE:
            self._file, _ = QFileDialog.getOpenFileName(self, "Start from a class pack or a project", str(Path.home()), _FILES)
            place = self.start.currentIndex()
            self.start.setItemText(place, Path(self._file).name if self._file else _START_TITLES[_FROM_FILE])
            self.start.setCurrentIndex(place if self._file else 0)

    def _show(self) -> None:
        chosen = self._chosen
        self.which.setVisible(self._choice)
        for widget in (*self._new_only, self.title, self.start, self.method, self.encoder):
            widget.setVisible(chosen is None)
        self.encoder.setEnabled(not self.start.currentData())
        self.encoder.setToolTip(_GIVEN if self.start.currentData() else _OFFERED)
        self.replay.setVisible(chosen is None and self.method.currentData() == "replay")
        if chosen is None:
            self.line.setText(f"{_STARTS[self.start.currentData()]} {METHOD_LINES[self.method.currentData()]}")
        else:
            self.line.setText(f"{METHOD_TITLES[chosen.method]}: {METHOD_LINES[chosen.method]}")
        self.changed.emit()
