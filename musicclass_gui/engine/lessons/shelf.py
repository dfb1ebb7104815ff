"""A project's classifiers as an analysis needs them: made once per state, read while another process may be teaching them."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.lessons import making, wording
from musicclass_gui.engine.project.rows import WORDS
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.classifier import Answering
    from musicclass_gui.engine.project.rows import ClassifierRow


class ProjectShelf:
    """The classifiers of one project file. Nothing is kept open between two looks, so that the file can be moved."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: dict[int, tuple[Any, Answering | None]] = {}

    def classifiers(self) -> list[Answering]:
        """Those that were taught something, and those by words, in order of making. Raises ProjectError when the file cannot be read."""
        with closing(Project.open(self._path, write=False)) as project:
            found = [self._classifier(project, row) for row in project.classifiers()]
        return [one for one in found if one is not None]

    def _classifier(self, project: Project, row: ClassifierRow) -> Answering | None:
        state = _state(project, row)
        known, made = self._made.get(row.id, (None, None))
        if known != state:
            made = wording.classifier_of(project, row) if row.method == WORDS else making.classifier_of(project, row.id)
            self._made[row.id] = (state, made)
        return made


def _state(project: Project, row: ClassifierRow) -> Any:
    """What tells it from any other: id and revision begin anew where a classifier was removed, or the file is another one now."""
    return row, project.classes(row.id), sha256(project.head(row.id) or b"").digest()
