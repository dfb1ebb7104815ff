"""The plan of a lesson while it is being edited: changing one thing at a time, and the Qt model of one class's files.

Plans are immutable; every change makes a new one. It knows no dialog and no session.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from musicclass_gui.app import words
from musicclass_gui.app.tables import RAW_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_TITLES = ("Recording", "Folder", "Note")


def with_class(plan: Plan, place: int, **fields: Any) -> Plan:
    """The plan with some fields of its class at `place` replaced."""
    classes = list(plan.classes)
    classes[place] = replace(classes[place], **fields)
    return replace(plan, classes=classes)


def with_kept(plan: Plan, place: int, rows: Iterable[int], keep: bool) -> Plan:
    """The plan with files of the class at `place` left out, or taken in again."""
    chosen = set(rows)
    files = [replace(file, keep=keep) if row in chosen else file for row, file in enumerate(plan.classes[place].files)]
    return with_class(plan, place, files=files)


def told(plan: Plan, news: Plan) -> Plan:
    """The edited `plan` with what is now known of its files; what the user changed stays."""
    reasons = {_key(file): file.reason for one in news.classes for file in one.files}
    filed = ([replace(file, reason=reasons.get(_key(file), file.reason)) for file in one.files] for one in plan.classes)
    classes = [replace(one, files=files) for one, files in zip(plan.classes, filed, strict=True)]
    return replace(plan, classes=classes, others=news.others, complete=news.complete, problems=news.problems)


def same_files(plan: Plan, other: Plan) -> bool:
    """Whether two plans are about the same files in the same order."""
    return [[_key(file) for file in one.files] for one in plan.classes] == [[_key(file) for file in one.files] for one in other.classes]


def _key(file: PlannedFile) -> tuple[str, float | None, float | None]:
    return file.path, file.start_s, file.end_s


def count_words(one: PlannedClass) -> str:
    """How many of a class's files take part."""
    taught, total = len(one.taught), len(one.files)
    return words.counted(total, "file") if taught == total else f"{taught} of {words.counted(total, 'file')}"


def file_name(file: PlannedFile) -> str:
    """A file's name, with its span where it is only a part."""
    name = Path(file.path).name
    return name if file.start_s is None or file.end_s is None else f"{name}, {words.span(file.start_s, file.end_s)}"


class FilesModel(QAbstractTableModel):
    """The files of one class with a check box each. `ticked` carries rows and whether they are taken in now."""

    ticked = Signal(list, bool)

    def __init__(self) -> None:
        super().__init__()
        self._files: Sequence[PlannedFile] = ()

    def show_files(self, files: Sequence[PlannedFile]) -> None:
        """Show these files."""
        if len(files) != len(self._files) or any(_key(a) != _key(b) for a, b in zip(files, self._files, strict=True)):
            self.beginResetModel()
            self._files = files
            self.endResetModel()
        elif files:
            self._files = files
            self.dataChanged.emit(self.index(0, 0), self.index(len(files) - 1, len(_TITLES) - 1))

    def file(self, row: int) -> PlannedFile:
        """The file in a row."""
        return self._files[row]

    def tells(self, column: int) -> bool:
        """Whether a column has anything in it."""
        return any(_cells(file)[column] for file in self._files)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """How many files there are."""
        return 0 if parent.isValid() else len(self._files)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """How many columns there are."""
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Titles of columns."""
        if role == Role.DisplayRole:
            return _TITLES[section] if orientation == Qt.Orientation.Horizontal else section + 1
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first column of a readable file has a check box."""
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        tickable = index.column() == 0 and not self._files[index.row()].reason
        return flags | Qt.ItemFlag.ItemIsUserCheckable if tickable else flags

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """What a cell shows, is sorted by, or is called."""
        file = self._files[index.row()]
        cells = _cells(file)
        if role in (Role.DisplayRole, RAW_ROLE):
            return cells[index.column()]
        if role == Role.CheckStateRole and index.column() == 0:
            return Qt.CheckState.Checked if file.taught else Qt.CheckState.Unchecked
        if role == Role.ToolTipRole:
            return file.path if index.column() == 0 else cells[index.column()]
        return ", ".join(filter(None, cells)) if role == Role.AccessibleTextRole and index.column() == 0 else None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        """Tick or untick a file."""
        if role != Role.CheckStateRole:
            return False
        self.ticked.emit([index.row()], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True


def _cells(file: PlannedFile) -> tuple[str, str, str]:
    return file_name(file), file.group, _note(file)


def _note(file: PlannedFile) -> str:
    if file.reason:
        return file.reason
    return "" if file.keep else "Left out"
