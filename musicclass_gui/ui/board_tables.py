"""The class board as two tables, classes and examples: the same for screen readers and for those who sort and filter.

It says what the user wishes by signals; it knows no session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QSplitter, QVBoxLayout, QWidget

from musicclass_gui.ui.board_models import ClassesModel, ExamplesModel, rows_of
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import set_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPersistentModelIndex

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView
    from musicclass_gui.ui.classlook import Looks

_CLASS_WIDTHS = (130, 86, 76, 68)
_EXAMPLE_WIDTHS = (200, 130, 130, 64, 100, 140)


class OfClass(Sorted):
    """The examples of one class, or of all."""

    _cls: int | None = None

    def set_class(self, cls: int | None) -> None:
        """Show only the examples of this class; None: all."""
        self._cls = cls
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        """What Qt asks: whether a row is shown."""
        source = self.sourceModel()
        wanted = not isinstance(source, ExamplesModel) or self._cls in (None, source.row_at(row).cls)
        return wanted and super().filterAcceptsRow(row, parent)


class BoardTables(QSplitter):
    """Classes at the left; at the right the examples of the chosen one, or of all. Wishes are as those of the cards."""

    heard = Signal(object)
    wished = Signal(int, str)
    asked_menu = Signal(int, QPoint)

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.class_model, self.example_model = ClassesModel(theme), ExamplesModel(theme)
        self._classes = Sorted(self.class_model, self)
        self._examples = OfClass(self.example_model, self)
        self.classes = Table("Classes", self._classes, widths=_CLASS_WIDTHS)
        self.examples = Table("Examples", self._examples, several=True, widths=_EXAMPLE_WIDTHS)
        self.filter = QLineEdit()
        self.all = QPushButton("All classes")
        self._build()
        self._connect()

    def show_classes(self, classes: Sequence[ClassView], looks: Looks) -> None:
        """Show these classes and their examples."""
        self.class_model.show_classes(classes, looks)
        self.example_model.show_rows(rows_of(classes, looks))

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.class_model.set_theme(theme)
        self.example_model.set_theme(theme)

    def chosen_class(self) -> int:
        """The id of the class whose row is chosen, else of the current example's; 0 for none."""
        rows = self.classes.selectionModel().selectedRows()
        if rows:
            return self.class_model.class_at(self._classes.mapToSource(rows[0]).row()).id
        row = self._examples.mapToSource(self.examples.currentIndex()).row()
        return self.example_model.row_at(row).cls if row >= 0 else 0

    def chosen(self) -> list[int]:
        """The chosen examples' ids."""
        rows = self.examples.selectionModel().selectedRows()
        return [self.example_model.row_at(self._examples.mapToSource(index).row()).example.id for index in rows]

    def _build(self) -> None:
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(8, 0, 0, 0)
        box.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self.filter)
        row.addWidget(self.all)
        row.addStretch()
        box.addLayout(row)
        box.addWidget(self.examples, 1)
        self.filter.setPlaceholderText("Filter the examples")
        self.filter.setAccessibleName("Filter the examples")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(220)
        self.all.setAccessibleName("Show the examples of all classes")
        set_role(self.all, "quiet")
        self.examples.stretch_columns(0)
        self.addWidget(self.classes)
        self.addWidget(right)
        self.setSizes([520, 720])
        self.setChildrenCollapsible(False)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._examples.setFilterFixedString)
        self.all.clicked.connect(self._show_all)
        self.classes.selectionModel().selectionChanged.connect(self._narrow)
        self.examples.activated.connect(self._hear)
        OwnKeys(self.examples, {
            "Space": lambda: self._hear(self.examples.currentIndex()),
            "M": lambda: self._wish("move"),
            "Delete Backspace": lambda: self._wish("take_out"),
        })  # fmt: skip
        OwnKeys(self.classes, {"F2": lambda: self._wish("rename"), "Delete": lambda: self._wish("delete")})
        for table in (self.classes, self.examples):
            table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            table.customContextMenuRequested.connect(lambda place, table=table: self._menu(table, place))

    def _show_all(self) -> None:
        self.classes.selectionModel().clear()
        self._narrow()

    def _narrow(self) -> None:
        rows = self.classes.selectionModel().selectedRows()
        self._examples.set_class(self.class_model.class_at(self._classes.mapToSource(rows[0]).row()).id if rows else None)
        self.all.setEnabled(bool(rows))

    def _hear(self, index: QModelIndex) -> None:
        if index.isValid():
            self.heard.emit(self.example_model.row_at(self._examples.mapToSource(index).row()).example)

    def _wish(self, wish: str) -> None:
        self.wished.emit(self.chosen_class(), wish)

    def _menu(self, table: Table, place: QPoint) -> None:
        self.asked_menu.emit(self.chosen_class(), table.viewport().mapToGlobal(place))
