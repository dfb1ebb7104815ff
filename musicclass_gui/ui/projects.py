"""The dialogs of the menu Project and the one for a new classifier: they ask for names and places, the session does the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QWidget

from musicclass_gui.app import hearers
from musicclass_gui.app.lessons import WORDS
from musicclass_gui.app.projects import PACK_SUFFIX, PROJECT_SUFFIX
from musicclass_gui.engine.places import projects_dir
from musicclass_gui.ui.dialogs import Asking
from musicclass_gui.ui.preview_target import Target
from musicclass_gui.ui.widgets import Elided, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.teaching import Teaching
    from musicclass_gui.engine.project.board import ClassifierView

_PROJECTS = f"Projects (*{PROJECT_SUFFIX})"
_PACKS = f"Class packs (*{PACK_SUFFIX})"
_PACK_LINE = "A class pack holds what a classifier learned, as numbers, and no recordings. It is checked before anything is added."
_REMOVE_LINE = "Its classes and lessons go for good: Undo does not bring them back. The recordings stay where they are."
_AS_NEW = "A new classifier of its own"


class ProjectDialogs:
    """Asks where a project or a class pack is or shall be. A dialog that is cancelled does nothing."""

    def __init__(self, window: QWidget, session: Session, say: Callable[[str], None]) -> None:
        self._window = window
        self._session = session
        self._say = say

    @property
    def _teaching(self) -> Teaching:
        return self._session.teaching

    def new(self) -> None:
        """Ask where a new project shall be."""
        self._save("New project", "My project", PROJECT_SUFFIX, _PROJECTS, self._teaching.new_project)

    def open(self) -> None:
        """Ask for a project to work with."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a project", str(self._teaching.project.parent), _PROJECTS)
        if name:
            self._teaching.open_project(Path(name))

    def recent(self) -> None:
        """Open the project that was worked with before this one."""
        other = next((path for path in self._teaching.recent_projects if path != self._teaching.project), None)
        if other is not None:
            self._teaching.open_project(other)
        else:
            self._say("No other project was opened yet.")

    def save_as(self) -> None:
        """Ask where a copy of the project shall be."""
        self._save("Save the project as", self._teaching.project.stem, PROJECT_SUFFIX, _PROJECTS, self._teaching.save_project_as)

    def find_moved(self) -> None:
        """Ask for a folder to look for moved recordings in."""
        name = QFileDialog.getExistingDirectory(self._window, "Where may the moved recordings be?", self._folder())
        if name:
            self._teaching.find_moved(Path(name))

    def import_pack(self) -> None:
        """Ask for a class pack, and to which classifier its classes shall be added."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Import a class pack", self._folder(), _PACKS)
        if name:
            self.offer_pack(Path(name))

    def offer_pack(self, pack: Path) -> QDialog:
        """Ask to which classifier a pack's classes shall be added; the dialog, which is open."""
        board = self._teaching.board
        dialog = PackDialog(self._window, pack, board.classifiers if board is not None else [])
        dialog.chosen.connect(lambda classifier: self._teaching.import_pack(pack, classifier))
        dialog.rejected.connect(self._teaching.dismiss_pack)
        dialog.open()
        return dialog

    def export_pack(self) -> None:
        """Ask where the shown classifier shall be written as a class pack."""
        classifier = self._teaching.classifier
        if classifier is not None:
            self._save("Export the classes", classifier.key, PACK_SUFFIX, _PACKS, self._teaching.export_pack)

    def new_classifier(self) -> QDialog:
        """Ask for all that a new classifier needs; the dialog, which is open."""
        board = self._teaching.board
        settings = self._session.settings
        known = hearers.choices(settings.get("weights_folder"), settings.get("agreed"))
        dialog = NewClassifier(self._window, board.classifiers if board is not None else [], settings.get("teach_method"), known)
        dialog.accepted.connect(lambda: self._make(dialog.target))
        dialog.open()
        return dialog

    def remove_classifier(self) -> QDialog | None:
        """Ask whether the shown classifier shall really go; the dialog, which is open."""
        classifier = self._teaching.classifier
        if classifier is None:
            return None
        dialog = Asking(self._window, f"Remove “{classifier.title}”?", "Remove it")
        dialog.body.addWidget(text(_REMOVE_LINE, "body", wrap=True))
        dialog.accepted.connect(lambda: self._teaching.remove_classifier(classifier.id))
        dialog.open()
        return dialog

    def _make(self, target: Target) -> None:
        wish = target.wish
        self._teaching.new_classifier(wish.title, wish.method, wish.encoder, start_from=wish.start_from, options=wish.options)

    def _save(self, title: str, stem: str, suffix: str, kinds: str, act: object) -> None:
        folder = self._folder() if suffix == PACK_SUFFIX else str(projects_dir())
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(Path(folder) / f"{stem}{suffix}"), kinds)
        if name and callable(act):
            act(Path(name))

    def _folder(self) -> str:
        return str(self._session.settings.get("last_folder")) or str(Path.home())


class NewClassifier(Asking):
    """What a new classifier is called, starts with and learns by."""

    def __init__(
        self, parent: QWidget, classifiers: Sequence[ClassifierView], method: str, encoders: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(parent, "New classifier", "Make it")
        self.target = Target(classifiers, 0, method, encoders=encoders, new_only=True)
        self.target.changed.connect(lambda: self.go.setEnabled(not self.target.obstacle))
        self.target.changed.connect(lambda: QTimer.singleShot(0, self, self.fit))  # its words change after this
        self.body.addWidget(self.target)
        self.target.title.setFocus()
        self.target.title.selectAll()


class PackDialog(Asking):
    """To which classifier a pack's classes are added. `chosen` carries its id, 0 for a new one."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget, pack: Path, classifiers: Sequence[ClassifierView]) -> None:
        super().__init__(parent, "Import a class pack", "Import")
        self.which = QComboBox()
        self.which.setAccessibleName("Classifier that gets the classes")
        self.which.addItem(_AS_NEW, 0)
        for one in (one for one in classifiers if one.method != WORDS):
            self.which.addItem(f"Add to “{one.title}”", one.id)
        self.body.addWidget(Elided(pack.name))
        self.body.addWidget(self.which)
        self.body.addWidget(text(_PACK_LINE, "small", wrap=True))
        self.accepted.connect(lambda: self.chosen.emit(self.which.currentData()))
