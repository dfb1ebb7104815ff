"""The preview of a lesson: what would be taught, to which classifier and how; here it is renamed, left out and heard first.

It edits a plan and hands it over; it reads no file, plays nothing itself and teaches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import words
from musicclass_gui.ui import lesson_words, preview_model
from musicclass_gui.ui.lesson_card import to_the_end
from musicclass_gui.ui.lesson_words import ROLE_LINES, ROLE_TITLES
from musicclass_gui.ui.preview_model import FilesModel
from musicclass_gui.ui.preview_target import Target, Wish
from musicclass_gui.ui.widgets import Elided, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QShowEvent

    from musicclass_gui.engine.lessons.plan import Plan, PlannedClass
    from musicclass_gui.engine.project.board import ClassifierView, ClassView

_SIZE = (940, 660)
_LEFT_WIDTH = 300
_SHOWN_PROBLEMS = 3
_LOOKING = "Still counting and looking whether the files can be read; you can teach without waiting for that."


@dataclass(frozen=True)
class Lesson:
    """What the user decided: the plan as edited, and where it is to be learned."""

    plan: Plan
    wish: Wish


class Preview(QDialog):
    """Shows a plan and lets it be changed.

    `taught` carries a Lesson; `heard` a path and a span in seconds (end −1: to the end); `silenced` asks for quiet.
    """

    taught = Signal(object)
    heard = Signal(str, float, float)
    silenced = Signal()

    def __init__(
        self,
        parent: QWidget | None,
        plan: Plan,
        classifiers: Sequence[ClassifierView],
        current: int,
        method: str = "gaussian",
        encoders: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(parent)
        self.plan = plan
        self._place = 0
        self._filling = False
        self._playing = ""
        self.heading = text("", "title")
        self.totals = text("", "muted", wrap=True)
        self.target = Target(classifiers, current, method, encoders=encoders)
        self.classes = QTableWidget(0, 2)
        self.name = QLineEdit()
        self.role = QComboBox()
        self.of = QComboBox()
        self.kind_line = text("", "small", wrap=True)
        self.files_model = FilesModel()
        self.files = QTableView()
        self.hear = QPushButton("&Hear")
        self.leave_out = QPushButton("&Leave out")
        self.problems = text("", "small", wrap=True)
        self.obstacle = Elided(mode=Qt.TextElideMode.ElideRight)
        self.buttons = QDialogButtonBox()
        self.teach = QPushButton("Teach")
        self._build()
        self._connect()
        self._show_classes()
        self._choose_class(0)

    @property
    def lesson(self) -> Lesson:
        """What would be taught now."""
        return Lesson(self.plan, self.target.wish)

    def show_news(self, plan: Plan) -> None:
        """Take over what was found out about the files meanwhile; what the user changed stays."""
        known = preview_model.same_files(plan, self.plan)
        self.plan = preview_model.told(self.plan, plan) if known else plan
        self._show_classes()
        self._choose_class(min(self._place, len(self.plan.classes) - 1))

    def show_playing(self, path: str) -> None:
        """Say on the button whether something is heard: `path`, or nothing when it is empty."""
        self._playing = path
        self.hear.setText("&Stop" if path else "&Hear")

    def showEvent(self, event: QShowEvent) -> None:
        """Begin where something is missing, else at the classes; only Teach answers to Enter."""
        super().showEvent(event)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(button is self.teach)
            button.setIcon(QIcon())
        self.teach.setDefault(True)
        nameless = bool(self.plan.classes) and not self._class.name
        (self.name if nameless else self.classes).setFocus()

    # Making it

    def _build(self) -> None:
        self.setWindowTitle("Teach")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setSizeGripEnabled(True)
        self.resize(*_SIZE)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 16)
        box.setSpacing(10)
        box.addWidget(self.heading)
        box.addWidget(self.totals)
        box.addWidget(self.target)
        box.addWidget(self._middle(), 1)
        box.addWidget(self.problems)
        box.addLayout(self._bottom())

    def _middle(self) -> QWidget:
        self._dress_classes()
        self._dress_files()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(12)
        split.addWidget(self.classes)
        split.addWidget(self._details())
        split.setStretchFactor(1, 1)
        split.setSizes([_LEFT_WIDTH, _SIZE[0] - _LEFT_WIDTH])
        split.setStyleSheet("QSplitter::handle { background: transparent; }")
        return split

    def _dress_classes(self) -> None:
        table = self.classes
        table.setAccessibleName("Classes to teach; F2 renames, Space leaves out")
        table.setHorizontalHeaderLabels(["Class", "Recordings"])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setHighlightSections(False)

    def _dress_files(self) -> None:
        table = self.files
        table.setModel(self.files_model)
        table.setAccessibleName("Recordings of this class; Space leaves out or takes in")
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)

    def _details(self) -> QWidget:
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        row = QHBoxLayout()
        self.name.setPlaceholderText("Name this class")
        for widget, name, stretch in ((self.name, "Name of the class", 3), (self.role, "What it is", 1), (self.of, "Not this class", 2)):
            widget.setAccessibleName(name)
            row.addWidget(widget, stretch)
        for role, title in ROLE_TITLES.items():
            self.role.addItem(title, role)
        self.of.setEditable(True)
        box.addLayout(row)
        box.addWidget(self.kind_line)
        box.addWidget(self.files, 1)
        box.addLayout(self._file_buttons())
        return page

    def _file_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for button, name in (
            (self.hear, "Hear the chosen recording"),
            (self.leave_out, "Leave out the chosen recordings, or take them in again"),
        ):
            button.setAccessibleName(name)
            button.setToolTip(name)
            row.addWidget(button)
        row.addStretch()
        return row

    def _bottom(self) -> QHBoxLayout:
        set_role(self.obstacle, "warn")
        cancel = QPushButton("Cancel")
        cancel.setAccessibleName("Cancel")
        cancel.clicked.connect(self.reject)
        self.buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.addButton(self.teach, QDialogButtonBox.ButtonRole.AcceptRole)
        row = QHBoxLayout()
        row.addWidget(self.obstacle, 1)
        row.addWidget(self.buttons)
        return row

    def _connect(self) -> None:
        self.classes.currentCellChanged.connect(lambda row, *_: self._choose_class(row))
        self.classes.itemChanged.connect(self._class_edited)
        self.name.textEdited.connect(self._named)
        self.role.activated.connect(lambda _place: self._change_class(role=self.role.currentData()))
        self.of.currentTextChanged.connect(self._of_changed)
        self.files_model.ticked.connect(self._tick)
        self.files.doubleClicked.connect(lambda _index: self._hear_or_stop())
        self.files.selectionModel().selectionChanged.connect(lambda *_: self._show_file_buttons())
        self.hear.clicked.connect(self._hear_or_stop)
        self.leave_out.clicked.connect(self._leave_out)
        self.target.changed.connect(self._show_state)
        self.teach.clicked.connect(self._teach)

    # Showing

    @property
    def _class(self) -> PlannedClass:
        return self.plan.classes[self._place]

    def _show_classes(self) -> None:
        self._filling = True
        self.classes.setRowCount(len(self.plan.classes))
        for row, one in enumerate(self.plan.classes):
            self._fill_row(row, one)
        self._filling = False
        self._show_state()

    def _fill_row(self, row: int, one: PlannedClass) -> None:
        for column, words_ in enumerate((one.name or "No name yet", preview_model.count_words(one))):
            item = self.classes.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                self.classes.setItem(row, column, item)
            item.setText(words_)
            item.setToolTip(words_)
        first = self.classes.item(row, 0)
        counts = self.classes.item(row, 1)
        assert first is not None
        assert counts is not None
        first.setCheckState(Qt.CheckState.Checked if one.keep else Qt.CheckState.Unchecked)
        counts.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)

    def _choose_class(self, row: int) -> None:
        if self._filling or not 0 <= row < len(self.plan.classes):
            return
        self._place = row
        if self.classes.currentRow() != row:
            self.classes.setCurrentCell(row, 0)
        one = self._class
        if self.name.text() != one.name:
            self.name.setText(one.name)
        self.files_model.show_files(one.files)
        self._show_columns()
        if one.files and not self.files.selectionModel().hasSelection():
            flags = self.files.selectionModel().SelectionFlag  # `selectRow` heeds keys that are still down, such as those of Ctrl+Shift+T
            self.files.selectionModel().setCurrentIndex(self.files_model.index(0, 0), flags.ClearAndSelect | flags.Rows)
        self._show_kind()
        self._show_file_buttons()

    def _show_columns(self) -> None:
        """Names of recordings get the room of columns in which nothing would stand."""
        for column in range(1, self.files_model.columnCount()):
            self.files.setColumnHidden(column, not self.files_model.tells(column))

    def _show_kind(self) -> None:
        one = self._class
        self.role.setCurrentIndex(max(0, self.role.findData(one.role)))
        self.of.setVisible(one.role == "negative")
        if one.role == "negative":
            self._fill_of(one)
        known = self.target.class_named(one.name) if one.role != "negative" else None
        self.kind_line.setText(f"{ROLE_LINES[one.role]}{_joins(known) if known is not None else ''}")

    def _fill_of(self, one: PlannedClass) -> None:
        others = [other.name for other in self.plan.classes if other.role == "class" and other.name and other is not one]
        names = list(dict.fromkeys([*self.target.class_names(), *others]))
        self._filling = True
        if [self.of.itemText(place) for place in range(self.of.count())] != names:
            self.of.clear()
            self.of.addItems(names)
        self.of.setCurrentText(one.of)
        self._filling = False

    def _show_state(self) -> None:
        plan = self.plan
        taught = sum(bool(one.taught) for one in plan.classes)
        self.heading.setText(f"Teach {words.counted(taught, 'class', 'classes')}")
        self.totals.setText(lesson_words.totals(plan) + (f". {_LOOKING}" if not plan.complete else "."))
        self.problems.setText("\n".join(_some(plan.problems)))
        self.problems.setVisible(bool(plan.problems))
        obstacle = lesson_words.obstacle(plan) or self.target.obstacle
        self.obstacle.set_full(obstacle)
        self.teach.setEnabled(not obstacle)
        self.teach.setText(f"Teach {words.counted(taught, 'class', 'classes')}")
        self.teach.setAccessibleName(self.teach.text())
        if plan.classes:
            self._show_kind()

    def _show_file_buttons(self) -> None:
        rows = self._rows()
        self.hear.setEnabled(len(rows) == 1)
        readable = [row for row in rows if not self.files_model.file(row).reason]
        self.leave_out.setEnabled(bool(readable))
        kept = any(self.files_model.file(row).keep for row in readable)
        self.leave_out.setText("&Leave out" if kept or not readable else "&Take in")

    def _rows(self) -> list[int]:
        return sorted(index.row() for index in self.files.selectionModel().selectedRows())

    # Changing

    def _put(self, plan: Plan) -> None:
        """Take an edited plan and show what is different; a view that is being told a change is not told again from within it."""
        self.plan = plan
        QTimer.singleShot(0, self, self._refresh)
        self._show_state()

    def _refresh(self) -> None:
        self._show_classes()
        self.files_model.show_files(self._class.files)
        self._show_columns()
        self._show_file_buttons()

    def _change_class(self, **fields: object) -> None:
        self._put(preview_model.with_class(self.plan, self._place, **fields))

    def _named(self, name: str) -> None:
        self._change_class(name=name)

    def _of_changed(self, name: str) -> None:
        if not self._filling and self._class.role == "negative":
            self._change_class(of=name)

    def _class_edited(self, item: QTableWidgetItem) -> None:
        if self._filling or item.column():
            return
        one, keep = self.plan.classes[item.row()], item.checkState() == Qt.CheckState.Checked
        if keep != one.keep:
            self._put(preview_model.with_class(self.plan, item.row(), keep=keep))
        elif item.text().strip():
            self._put(preview_model.with_class(self.plan, item.row(), name=item.text().strip()))
            self.name.setText(self._class.name)

    def _tick(self, rows: list[int], keep: bool) -> None:
        self._put(preview_model.with_kept(self.plan, self._place, rows, keep))

    def _leave_out(self) -> None:
        rows = [row for row in self._rows() if not self.files_model.file(row).reason]
        self._tick(rows, keep=not any(self.files_model.file(row).keep for row in rows))

    def _hear_or_stop(self) -> None:
        if self._playing and self.sender() is self.hear:
            self.silenced.emit()
            return
        for row in self._rows()[:1]:
            file = self.files_model.file(row)
            self.heard.emit(file.path, *to_the_end(file.start_s, file.end_s))

    def _teach(self) -> None:
        self.taught.emit(self.lesson)
        self.accept()


def _some(problems: Sequence[str]) -> list[str]:
    more = len(problems) - _SHOWN_PROBLEMS
    return [*problems[:_SHOWN_PROBLEMS], *([f"And {more} more."] if more > 0 else [])]


def _joins(known: ClassView) -> str:
    recordings = len(known.examples) + known.base_recordings
    return f" Adds to “{known.name}”, which has {words.counted(recordings, 'recording')} already."
