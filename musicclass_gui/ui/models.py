"""The model manager: every encoder in a list, one of them in full, and fetching, adding, testing and removing.

It shows what the session's `Models` holds and passes wishes on to it; nothing is fetched, agreed to or deleted without a yes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app.models import ADDING, Shelf, chosen, on_shelf
from musicclass_gui.ui import models_words
from musicclass_gui.ui.dialogs import Asking, Sheet
from musicclass_gui.ui.drop import dropped_paths
from musicclass_gui.ui.models_details import Details
from musicclass_gui.ui.models_list import EncoderList
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.widgets import Elided, Placeholder, Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from musicclass_gui.app.models import Models
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.app.theme import Theme

_SMALLEST, _LARGEST = QSize(1080, 640), QSize(1440, 920)
_SHARE = 0.87  # of the window's size, within these
_LIST_SHARE = (600, 480)
_SHELVES: dict[Shelf, str] = {"all": "All", "ready": "Ready", "download": "Not here yet", "own": "Added by you"}
_INTRO = (
    "An encoder turns sound into numbers that classifiers learn from. Some come with the program; others are fetched from their "
    "publishers when you say so here, or added from a folder of yours. Nobody's code is run, only numbers are read."
)
_NONE_MATCH = ("No encoder matches", "Clear the search, or choose “All”.")
_LOOKING = ("Looking…", "Which encoders are here, and whether their files are right.")
_OFFLINE = "“Work offline” is on: nothing is fetched."


class ModelsSheet(Sheet):
    """The model manager. `theme` gives the colours to draw with."""

    def __init__(self, parent: QWidget, models: Models, settings: Settings, theme: Callable[[], Theme]) -> None:
        size = (parent.size() * _SHARE).expandedTo(_SMALLEST).boundedTo(_LARGEST)
        super().__init__(parent, "Encoders and weights", size.width(), size.height())
        self._models, self._settings = models, settings
        self._shelf: Shelf = "all"
        self._folder = settings.get("weights_folder")
        self._begun = False  # whether the list, once there was one, got the focus
        self.search = QLineEdit()
        self.shelves = {name: _shelf_button(words_) for name, words_ in _SHELVES.items()}
        self.list, self.details = EncoderList(models, theme), Details(models, theme)
        self.nothing = Placeholder(*_LOOKING)
        self.disk, self.trouble = Elided(), text("", "bad", wrap=True)
        self.add = QPushButton("Add a folder…")
        self._left = QStackedWidget()
        self._build()
        self._connect()
        self._show()
        self.search.setFocus()
        models.refresh()

    def refresh_weights(self) -> None:
        """Settings that count here may be others: where weights are looked for, whether the network may be used."""
        self._show()
        if self._folder != self._settings.get("weights_folder"):
            self._folder = self._settings.get("weights_folder")
            self._models.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """What Qt tells: the style sheet is another, so the theme may be."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "details"):
            self.details.draw_anew()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """What Qt asks: whether what is dragged here can be dropped."""
        if _one_folder(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """What Qt tells: a folder was dropped."""
        folder = _one_folder(event.mimeData())
        if folder is not None:
            event.acceptProposedAction()
            self.ask_name(folder)

    # What is shown

    def _show(self) -> None:
        shown = chosen(self._models.rows, self._shelf, self.search.text())
        self.list.show_rows(shown)
        self._left.setCurrentWidget(self.list if shown else self.nothing)
        if shown and not self._begun:
            self._begun = True
            self.list.setFocus()
        heading, hint = _NONE_MATCH if self._models.known else _LOOKING
        self.nothing.heading.setText(heading)
        self.nothing.hint.setText(self._models.problem or hint)
        self._show_encoder()
        for name, button in self.shelves.items():
            count = sum(on_shelf(row, name) for row in self._models.rows)
            button.setText(f"{_SHELVES[name]} {count}" if self._models.known else _SHELVES[name])
            button.setChecked(name == self._shelf)
        self._show_bottom()

    def _show_encoder(self) -> None:
        self.details.show_encoder(self._models.row(self.list.current))

    def _show_bottom(self) -> None:
        offline = _OFFLINE if self._settings.get("offline") else ""
        self.disk.set_full(" ".join(filter(None, (models_words.disk(self._models.disk), offline))))
        adding = ADDING in self._models.works
        self.add.setText("Adding…" if adding else "Add a folder…")
        self.add.setEnabled(not adding)
        problem = self._models.problems.get(ADDING, "")
        self.trouble.setText(problem)
        self.trouble.setVisible(bool(problem))

    # Making it

    def _build(self) -> None:
        self.setAcceptDrops(True)
        self.setSizeGripEnabled(True)
        self.body.addWidget(text(_INTRO, "muted", wrap=True))
        self.body.addLayout(self._head())
        self._left.addWidget(self.list)
        self._left.addWidget(self.nothing)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(_framed(self._left))
        split.addWidget(self.details)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setSizes(list(_LIST_SHARE))
        split.setStyleSheet("QSplitter::handle { background: transparent; }")
        self.body.addWidget(split, 1)
        self.body.addWidget(self.trouble)
        foot = QHBoxLayout()
        set_role(self.disk, "small")
        foot.addWidget(self.disk, 1)
        self.body.addLayout(foot)
        self.buttons.addButton(self.add, self.buttons.ButtonRole.ActionRole)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        self.search.setPlaceholderText("Search: a name, a licence, what it is good at")
        self.search.setAccessibleName("Search encoders")
        self.search.setClearButtonEnabled(True)
        switch = Styled("switch")
        box = QHBoxLayout(switch)
        box.setContentsMargins(3, 3, 3, 3)
        box.setSpacing(2)
        for button in self.shelves.values():
            box.addWidget(button)
        row.addWidget(self.search, 1)
        row.addWidget(switch)
        return row

    def _connect(self) -> None:
        self._models.changed.connect(self._show)
        self.search.textChanged.connect(self._show)
        for name, button in self.shelves.items():
            button.clicked.connect(lambda _on=False, name=name: self._choose_shelf(name))
        self.list.chosen.connect(self._show_encoder)
        self.list.doubleClicked.connect(self._act)
        OwnKeys(self.list, {"Return Enter": self._act, "Del": self._ask_removal})
        OwnKeys(self, {"Ctrl+F": self.search.setFocus, "F5": self._models.refresh})
        self.details.fetch_wanted.connect(self._models.fetch)
        self.details.cancel_wanted.connect(self._models.cancel)
        self.details.verify_wanted.connect(self._models.verify)
        self.details.accept_wanted.connect(lambda encoder: self._models.verify(encoder, accept=True))
        self.details.remove_wanted.connect(self._ask_removal)
        self.add.clicked.connect(self._ask_folder)

    # What the user wishes

    def _choose_shelf(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._show()

    def _act(self) -> None:
        """Go to what can be done with the encoder: its first button."""
        for widget in (self.details.cancel, self.details.fetch, self.details.agree, self.details.verify):
            if widget.isVisibleTo(self.details) and widget.isEnabled():
                widget.setFocus()
                return

    def _ask_removal(self) -> None:
        row = self._models.row(self.list.current)
        if row is None or not row.can_remove or row.id in self._models.works:
            return
        dialog = Asking(self, f"Remove “{row.title}”?", "Remove it")
        dialog.body.addWidget(text(models_words.removal(row), wrap=True))
        dialog.accepted.connect(lambda: self._models.remove(row.id))
        dialog.open()

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A folder with an encoder's files", str(Path.home()))
        if name:
            self.ask_name(Path(name))

    def ask_name(self, folder: Path) -> AddDialog:
        """Ask what the encoder in a folder shall be called; the dialog, which is open."""
        dialog = AddDialog(self, folder)
        dialog.accepted.connect(lambda: self._models.add(folder, dialog.name.text().strip()))
        dialog.open()
        return dialog


class AddDialog(Asking):
    """What an encoder in a folder shall be called."""

    def __init__(self, parent: QWidget, folder: Path) -> None:
        super().__init__(parent, "Add an encoder", "Add it")
        self.name = QLineEdit(folder.name)
        self.name.setAccessibleName("Name of the encoder")
        caption = text("It is called", "muted")
        caption.setBuddy(self.name)
        line = QHBoxLayout()
        line.addWidget(caption)
        line.addWidget(self.name, 1)
        self.body.addWidget(Elided(str(folder)))
        self.body.addLayout(line)
        self.body.addWidget(text(_ADD_LINE, "small", wrap=True))
        self.name.textChanged.connect(lambda words_: self.go.setEnabled(bool(words_.strip())))
        self.name.selectAll()
        self.name.setFocus()


_ADD_LINE = (
    "The folder stays where it is. Its files are looked through first: they must be numbers of a net that the program knows, "
    "or a model.onnx with a preprocess.json; anything else is refused."
)


def _shelf_button(words_: str) -> QPushButton:
    button = QPushButton(words_)
    set_role(button, "switch")
    button.setCheckable(True)
    button.setAutoExclusive(True)
    button.setAccessibleName(f"Show: {words_}")
    return button


def _framed(widget: QWidget) -> QWidget:
    frame = Styled("card")
    box = QVBoxLayout(frame)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(widget)
    return frame


def _one_folder(mime: Any) -> Path | None:
    paths = dropped_paths(mime)
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else None
