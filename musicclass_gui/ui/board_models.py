"""Qt models of the class board: examples and classes as rows, for the cards and for their twins as tables.

They are given plain data and know no view.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QMimeData, Qt

from musicclass_gui.app import words
from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.classlook import Look, quality_words, role_words, span_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QPersistentModelIndex

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView, ExampleView
    from musicclass_gui.ui.classlook import Looks

    Index = QModelIndex | QPersistentModelIndex

MIME = "application/x-musicclass-examples"
EXAMPLE_ROLE = Qt.ItemDataRole.UserRole + 10
"""The ExampleRow of a cell."""


@dataclass(frozen=True)
class ExampleRow:
    """An example with how its class looks."""

    example: ExampleView
    cls: int
    look: Look

    @property
    def wrong(self) -> bool:
        """Whether it was answered as another class when it was held out."""
        return bool(self.example.said) and self.example.said != self.look.name

    @property
    def detail(self) -> str:
        """What is told of it beside its name: what is wrong with it, else where it is from."""
        example = self.example
        if example.missing:
            return "File is missing"
        if self.wrong:
            return f"Answered as {example.said}"
        spanned = example.start_s is not None or example.end_s is not None
        length = span_words(example.start_s, example.end_s) if spanned else words.duration(example.duration_s)
        return " · ".join(filter(None, [length, example.group]))

    @property
    def spoken(self) -> str:
        """All of it in one line, for tool tips and screen readers."""
        example = self.example
        answer = f"as {example.said}" if self.wrong else "right"
        tested = f"answered {answer} when held out" if example.said else ""
        gone = f"not where it was: {example.path}" if example.missing else ""
        parts = [example.name, span_words(example.start_s, example.end_s), example.group, tested, gone]
        return ", ".join(filter(None, parts))


class ExamplesModel(RowsModel[ExampleRow]):
    """Examples, in the order that they are given in; a row can be dragged, as its example's id."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        super().__init__(_example_columns(), theme)

    def show_rows(self, rows: Sequence[ExampleRow]) -> None:
        """Have these rows."""
        self._show(rows, [row.example.id for row in rows], list(rows))

    def row_at(self, row: int) -> ExampleRow:
        """The example in a row."""
        return self._rows[row]

    @property
    def rows(self) -> list[ExampleRow]:
        """All of them."""
        return self._rows

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows, is sorted by, or is called."""
        if role in (EXAMPLE_ROLE, Qt.ItemDataRole.AccessibleTextRole) and index.isValid() and index.column() == 0:
            row = self._rows[index.row()]
            return row if role == EXAMPLE_ROLE else row.spoken
        return super().data(index, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """What Qt asks: what can be done with a cell."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        """What Qt asks: what rows are dragged as."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """What Qt asks: the rows of these cells, to be dragged."""
        return dragged([self._rows[row].example.id for row in sorted({index.row() for index in indexes})])


def dragged(examples: Sequence[int]) -> QMimeData:
    """Examples' ids as what is dragged."""
    data = QMimeData()
    data.setData(MIME, QByteArray(json.dumps(list(examples)).encode()))
    return data


def dropped(data: QMimeData) -> list[int]:
    """The examples' ids in what was dragged; none when it is something else."""
    if not data.hasFormat(MIME):
        return []
    try:
        found = json.loads(bytes(data.data(MIME).data()))
    except ValueError:
        return []
    return [number for number in found if isinstance(number, int)] if isinstance(found, list) else []


def rows_of(classes: Sequence[ClassView], looks: Looks) -> list[ExampleRow]:
    """All examples of `classes`, class by class."""
    return [ExampleRow(example, view.id, looks.of(view.id)) for view in classes for example in view.examples]


def _example_columns() -> list[Column[ExampleRow]]:
    return [
        Column("Name", lambda row: row.example.name, lambda row: row.example.name.casefold(), tip=lambda row: row.spoken),
        Column("Class", lambda row: row.look.name, lambda row: row.look.name.casefold(), swatch=lambda theme, row: row.look.colour),
        Column("Part", lambda row: span_words(row.example.start_s, row.example.end_s), lambda row: row.example.start_s or 0.0),
        Column("Length", lambda row: words.clock(row.example.duration_s), lambda row: row.example.duration_s, right=True),
        Column("Group", lambda row: row.example.group, lambda row: row.example.group.casefold()),
        Column("Last test", _tested, _tested, ink=lambda theme, row: theme.warn if row.wrong else None),
        Column("File", _file, _file, tip=lambda row: row.example.path, ink=lambda theme, row: theme.bad if row.example.missing else None),
    ]


def _tested(row: ExampleRow) -> str:
    return "Not tested" if not row.example.said else f"Answered as {row.example.said}" if row.wrong else "Right"


def _file(row: ExampleRow) -> str:
    return "Missing" if row.example.missing else "Found"


@dataclass(frozen=True)
class ClassRow:
    """A class with how it looks."""

    view: ClassView
    look: Look
    kind: str


class ClassesModel(RowsModel[ClassRow]):
    """The classes of a classifier."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        super().__init__(_class_columns(), theme)

    def show_classes(self, classes: Sequence[ClassView], looks: Looks) -> None:
        """Have these classes."""
        rows = [ClassRow(view, looks.of(view.id), role_words(view, classes)) for view in classes]
        self._show(rows, [row.view.id for row in rows], list(rows))

    def class_at(self, row: int) -> ClassView:
        """The class in a row."""
        return self._rows[row].view


def _class_columns() -> list[Column[ClassRow]]:
    return [
        Column("Class", lambda row: row.view.name, lambda row: row.view.name.casefold(), swatch=lambda theme, row: row.look.colour),
        Column("Kind", lambda row: row.kind or "class", lambda row: row.kind),
        Column("Examples", lambda row: f"{len(row.view.examples):,}", lambda row: len(row.view.examples), right=True),
        Column("Built in", lambda row: f"{row.view.base_recordings:,}", lambda row: row.view.base_recordings, right=True),
        Column("Quality", lambda row: quality_words(row.view), lambda row: -1.0 if row.view.quality is None else row.view.quality,
               tip=lambda row: row.view.quality_note),
    ]  # fmt: skip
